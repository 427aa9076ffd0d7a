from collections import Counter

import numpy as np
import pytest
from vqfw_augmentations.geometry import HorizontalFlip
from vqfw_metrics.psnr import PSNR

from vqfw.assembly.assemble import build_autoencoder, build_metrics
from vqfw.data.arrays import Images
from vqfw.evaluation.inference import Inference, Reconstructor
from vqfw.evaluation.pictures import grid, save_film, save_picture, spread, to_pixels
from vqfw.evaluation.score import evaluate, token_difference


@pytest.fixture
def plan(tiny):
    return tiny().plan()


@pytest.fixture
def model(plan):
    return build_autoencoder(plan).model


def images(count):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), "uint8")
    names = tuple(f"{number}" for number in range(count))
    return Images(pixels, names, names)


def test_scores_do_not_depend_on_the_size_of_a_batch(plan, model):
    found = [
        evaluate(Inference(model, size), images(5), build_metrics(plan))
        for size in (2, 5, 8)
    ]
    for other in found[1:]:
        assert other.values == pytest.approx(found[0].values, rel=1e-5)
        np.testing.assert_array_equal(other.tokens, found[0].tokens)
        assert other.images == 5
        assert other.bits_per_image == 64


def test_a_run_builds_each_part_once_and_metrics_once_a_pass(tiny, monkeypatch):
    made = Counter()

    def count(form):
        init = form.__init__

        def counted(self, *arguments, **options):
            made[form] += 1
            init(self, *arguments, **options)

        monkeypatch.setattr(form, "__init__", counted)

    for form in (Reconstructor, HorizontalFlip, PSNR):
        count(form)
    flip = 'data.augmentations=["horizontal_flip"]'
    stopping = 'training.early_stopping={"metric":"psnr","patience":9}'
    run = tiny("training.steps=4", flip, stopping).run(quiet=True)
    assert run.scores["test"]
    # One validation, and the test images.
    assert made == {Reconstructor: 1, HorizontalFlip: 1, PSNR: 2}


def test_an_image_gets_the_same_result_whatever_stands_beside_it(model):
    pixels = images(6).pixels
    inference = Inference(model, 4)
    all_at_once = np.concatenate(
        [b.reconstruction for b in inference.reconstruct(pixels)]
    )
    for number in range(6):
        (alone,) = inference.reconstruct(pixels[number : number + 1])
        np.testing.assert_array_equal(alone.reconstruction[0], all_at_once[number])


def test_decoded_tokens_equal_the_reconstruction(plan, model):
    inference = Inference(model, 4)
    found = evaluate(inference, images(5), build_metrics(plan))
    assert found.tokens is not None
    assert token_difference(inference, images(5), found.tokens) == 0
    wrong = (found.tokens + 1) % 16
    assert token_difference(inference, images(5), wrong) > 0


def test_pixels_are_clipped_and_rounded_to_the_nearest():
    values = np.array([-1, 0, 0.4 / 255, 0.6 / 255, 254.4 / 255, 1, 2], "float32")
    assert to_pixels(values).tolist() == [0, 0, 0, 1, 254, 255, 255]


def test_pictures_are_shown_at_even_distances():
    rows = np.arange(10)[:, None]
    assert spread(rows, 4).ravel().tolist() == [0, 3, 6, 9]
    assert spread(rows, 99).ravel().tolist() == list(range(10))
    assert len(spread(rows, 0)) == 0


def test_a_grid_has_its_rows_under_each_other_with_a_gap():
    row = np.zeros((3, 4, 5, 1), "uint8")
    sheet = grid([row, row + 9])
    assert sheet.shape == (2 * (4 + 2) + 2, 3 * (5 + 2) + 2, 1)
    assert (sheet[2:6, 2:7] == 0).all()
    assert (sheet[8:12, 16:21] == 9).all()
    assert (sheet[6:8] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_shows_every_epoch_up_to_sixty(tmp_path, channels):
    import imageio.v3 as imageio

    for epoch in range(70):
        sheet = np.full((8, 8, channels), 3 * epoch, "uint8")
        save_picture(tmp_path / f"grid_{epoch:05d}.png", sheet)
    save_film(tmp_path, tmp_path / "training.gif")
    frames = imageio.imread(tmp_path / "training.gif", index=None)
    assert len(frames) == 60
    assert abs(int(frames[-1].max()) - 207) < 4


def test_a_run_without_an_epoch_has_no_film(tmp_path):
    save_film(tmp_path, tmp_path / "training.gif")
    assert list(tmp_path.iterdir()) == []
