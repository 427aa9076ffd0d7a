from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vqfw.data.arrays import Images
from vqfw.data.batches import Batches
from vqfw.errors import DataError
from vqfw.kinds.augmentation import Augmentation


class Shift(Augmentation):
    """Draws two numbers an image; applying it does nothing here."""

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, NDArray[Any]]:
        return {"by": rng.random((count, 2), np.float32)}

    def apply(self, images: Any, params: Mapping[str, Any]) -> Any:
        return images


def numbered(count: int) -> Images:
    """Images whose pixels say which they are."""
    pixels = np.empty((count, 2, 2, 3), np.uint8)
    pixels[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    names = tuple(str(number) for number in range(count))
    return Images(pixels, names, names)


def made(count: int = 10, size: int = 3, seed: int = 0, **options: Any) -> Batches:
    return Batches(numbered(count), batch_size=size, seed=seed, **options)


def shown(batch: Mapping[str, Any]) -> list[int]:
    found: list[int] = batch["images"][:, 0, 0, 0].tolist()
    return found


def assert_same(left: Any, right: Any) -> None:
    np.testing.assert_array_equal(left["images"], right["images"])
    assert left["params"].keys() == right["params"].keys()
    for place, params in left["params"].items():
        assert params.keys() == right["params"][place].keys()
        for name, array in params.items():
            np.testing.assert_array_equal(array, right["params"][place][name])


def test_an_epoch_shows_each_image_once_and_drops_the_rest() -> None:
    batches = made(10, 3)
    assert batches.steps_per_epoch == 3
    for epoch in range(4):
        steps = range(3 * epoch, 3 * epoch + 3)
        seen = [number for step in steps for number in shown(batches.batch(step))]
        assert len(set(seen)) == 9


def test_every_epoch_has_its_own_documented_order() -> None:
    batches = made(10, 5, seed=7)
    orders = []
    for epoch in range(3):
        order = np.random.default_rng([7, 0, epoch]).permutation(10).tolist()
        assert shown(batches.batch(2 * epoch)) == order[:5]
        assert shown(batches.batch(2 * epoch + 1)) == order[5:]
        orders.append(tuple(order))
    assert len(set(orders)) == 3


def test_the_batch_of_a_step_does_not_depend_on_earlier_batches() -> None:
    settings: Any = {"augmentations": [(Shift(), 0.5), (Shift(), 1.0)]}
    straight = [made(**settings).batch(step) for step in range(12)]
    batches = made(**settings)
    for step in np.random.default_rng(0).integers(0, 12, 60):
        assert_same(batches.batch(int(step)), straight[step])
        assert_same(batches.batch(int(step)), straight[step])


def test_a_step_gives_the_same_batch_to_many_threads() -> None:
    settings: Any = {"augmentations": [(Shift(), 0.5)]}
    straight = [made(**settings).batch(step) for step in range(30)]
    batches = made(**settings)
    steps = np.random.default_rng(1).integers(0, 30, 400).tolist()
    with ThreadPoolExecutor(4) as pool:
        for step, batch in zip(steps, pool.map(batches.batch, steps), strict=True):
            assert_same(batch, straight[step])


def test_another_seed_is_another_order_and_other_draws() -> None:
    settings: Any = {"augmentations": [(Shift(), 1.0)]}
    one, other = made(seed=0, **settings).batch(0), made(seed=1, **settings).batch(0)
    assert shown(one) != shown(other)
    assert (one["params"]["0"]["by"] != other["params"]["0"]["by"]).all()


def test_every_step_draws_anew() -> None:
    batches = made(augmentations=[(Shift(), 1.0)])
    drawn = [batches.batch(step)["params"]["0"]["by"].tobytes() for step in range(9)]
    assert len(set(drawn)) == 9


def test_draws_have_a_row_an_image_and_say_which_images_they_change() -> None:
    settings: Any = {"augmentations": [(Shift(), 1.0), (Shift(), 0.25)]}
    batch = made(400, 400, **settings).batch(0)
    first, second = batch["params"]["0"], batch["params"]["1"]
    assert batch["images"].dtype == np.uint8
    assert first.keys() == {"by"}
    assert second.keys() == {"by", "active"}
    assert first["by"].shape == second["by"].shape == (400, 2)
    assert (first["by"] != second["by"]).any()
    assert second["active"].shape == (400,)
    assert second["active"].dtype == bool
    assert 70 < second["active"].sum() < 130


def test_another_augmentation_changes_no_earlier_draw() -> None:
    one: Any = {"augmentations": [(Shift(), 0.5)]}
    two: Any = {"augmentations": [(Shift(), 0.5), (Shift(), 0.5)]}
    left, right = made(**one).batch(4)["params"], made(**two).batch(4)["params"]
    for name in ("by", "active"):
        np.testing.assert_array_equal(left["0"][name], right["0"][name])


def test_too_few_images_for_a_batch_are_an_error_with_the_repair() -> None:
    with pytest.raises(
        DataError, match=r"3 .* fill a batch of 4: .*\"batch_size\" to 3"
    ):
        made(3, 4)


def test_a_batch_does_not_share_memory_with_the_images() -> None:
    images = numbered(4)
    batches = Batches(images, batch_size=4, seed=0)
    batches.batch(0)["images"][:] = 99
    assert images.pixels.max() == 3


def test_prefetching_gives_the_same_batches_in_order() -> None:
    batches = made()
    found = list(batches.prefetched(2, 9))
    assert len(found) == 7
    for step, batch in zip(range(2, 9), found, strict=True):
        assert_same(batch, batches.batch(step))
    assert list(batches.prefetched(5, 5)) == []


def workers() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith("vqfw-batches")]


def test_closing_the_prefetching_ends_its_thread() -> None:
    ahead: Any = made().prefetched(0, 1_000_000)
    next(ahead)
    assert len(workers()) == 1
    ahead.close()
    assert workers() == []


def test_an_error_in_a_batch_is_raised_with_that_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = made()
    make = batches.batch

    def failing(step: int) -> dict[str, Any]:
        if step == 2:
            raise ValueError("step 2")
        return make(step)

    monkeypatch.setattr(batches, "batch", failing)
    ahead = batches.prefetched(0, 5)
    assert_same(next(ahead), make(0))
    assert_same(next(ahead), make(1))
    with pytest.raises(ValueError, match="step 2"):
        next(ahead)
    assert workers() == []


def test_no_more_than_two_batches_are_made_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = made()
    make, asked = batches.batch, []

    def counting(step: int) -> dict[str, Any]:
        asked.append(step)
        return make(step)

    monkeypatch.setattr(batches, "batch", counting)
    ahead: Any = batches.prefetched(0, 100)
    next(ahead)
    ahead.close()
    assert len(asked) <= 2
