"""Runs with several tokens a position: training, revival, encoding and decoding."""

import imageio.v3 as imageio
import numpy as np
import pytest
from keras import ops

import vqfw
from vqfw.assembly.assemble import build_autoencoder, build_parts
from vqfw.assembly.outline import random_batches
from vqfw.evaluation.tokens import TokenFile
from vqfw.kinds import Revival
from vqfw.training.revival import RevivalEngine
from vqfw.training.state import arrays_of

EMA = '{"type":"ema","num_embeddings":16,"embedding_dim":8}'
GRADIENT = '{"type":"gradient","num_embeddings":16,"embedding_dim":8}'
RESIDUAL_EMA = f'model.quantizer={{"type":"residual","levels":3,"quantizer":{EMA}}}'
FACTORISED = 'model.quantizer={"type":"lfq","bits":12,"factors":3}'
PREDICTIVE = f'model.quantizer={{"type":"predictive","quantizer":{EMA}}}'
NESTED = (
    'model.quantizer={"type":"grouped","quantizer":'
    f'{{"type":"residual","quantizer":{GRADIENT}}}}}'
)


@pytest.fixture
def pictures(root):
    rng = np.random.default_rng(0)
    for name in ("anna", "ben"):
        (root / "pictures").mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16, 3)).astype("uint8")
        imageio.imwrite(root / "pictures" / f"{name}.png", pixels)
    return root / "pictures"


@pytest.mark.processes
@pytest.mark.parametrize(
    ("quantizer", "shape", "vocabulary"),
    [
        (RESIDUAL_EMA, (4, 4, 3), (16, 16, 16)),
        (FACTORISED, (4, 4, 3), (16, 16, 16)),
        (NESTED, (4, 4, 4), (16,) * 4),
        (PREDICTIVE, (2, 2, 4), (16,) * 4),
    ],
    ids=["residual ema", "factorised lfq", "grouped residual gradient", "predictive"],
)
def test_tokens_of_several_books_give_exactly_the_pictures_of_the_model(
    quantizer, shape, vocabulary, tiny, pictures, root
):
    run = tiny(quantizer, "evaluation.pictures=2").run(name="several")
    scores = run.scores["test"]
    assert np.isfinite(scores["psnr"]["value"])
    assert run.tokenize(pictures, root / "t.npz") == 2
    file = TokenFile.load(root / "t.npz")
    assert file.vocabulary == vocabulary
    assert file.tokens.shape == (2, *shape)
    assert vqfw.open_run("several").detokenize(root / "t.npz", root / "back") == 2
    run.evaluate(data=pictures)
    for number, name in ((1, "anna"), (2, "ben")):
        shown = root / "images_saved" / "several" / "data" / f"recon_{number}.png"
        decoded = imageio.imread(root / "back" / f"{name}.png")
        np.testing.assert_array_equal(decoded, imageio.imread(shown))


@pytest.mark.processes
def test_a_run_of_several_books_resumes_in_every_bit(tiny, cut, everything):
    whole = everything(tiny(RESIDUAL_EMA).run(name="whole"))
    run = cut(tiny(RESIDUAL_EMA), 7, "interrupted")
    run.resume()
    found = everything(run)
    assert {name for name in whole if whole[name] != found[name]} <= {"scores.json"}
    assert whole["counters"] == found["counters"]


class OneOfEach(Revival):
    """Revives the first unused code of a book and puts it at 7."""

    def revive(self, vectors, usage, latents, rng):
        assert len(latents)
        mask = np.arange(len(vectors)) == np.argmin(usage.counts)
        return np.where(mask[:, None], 7.0, vectors), mask


@pytest.mark.processes
@pytest.mark.parametrize(
    "quantizer",
    [RESIDUAL_EMA, NESTED, PREDICTIVE],
    ids=["ema", "gradient", "predictive"],
)
def test_every_book_is_revived_by_its_own_usage(quantizer, tiny):
    plan = tiny(quantizer).plan()
    parts = build_parts(plan)
    autoencoder, batch = parts.autoencoder, random_batches(plan, parts).batch(0)
    model = autoencoder.model
    images = np.random.default_rng(0).random((8, 16, 16, 3), "float32")
    latents = ops.convert_to_numpy(model.encode(images))
    model.codebook_quantizer.initialize(latents, 0)
    for _ in range(3):
        autoencoder.train_on_batch(batch)
    model.revival = OneOfEach()
    books = model.codebook_quantizer.codebooks
    # A different code is unused in every book.
    for position, shares in enumerate(autoencoder.monitor.shares):
        shares.assign(np.where(np.arange(16) == 2 * position, 0, 1 / 15))
    before, moments = [book.vectors.copy() for book in books], arrays_of(autoencoder)
    engine = RevivalEngine(autoencoder, interval=3, seed=0)
    assert engine.before_step(3) == len(books)
    for position, (book, old) in enumerate(zip(books, before, strict=True)):
        moved = np.flatnonzero((book.vectors != old).any(axis=1))
        assert moved.tolist() == [2 * position]
        assert (book.vectors[moved] == 7).all()
    after = arrays_of(autoencoder)
    paths = {
        path
        for path in after
        if path.startswith("optimizer")
        and not np.array_equal(moments[path], after[path])
    }
    trained = sum(len(book.variables) for book in books)
    assert len(paths) <= trained
    for path in paths:
        rows = np.flatnonzero((moments[path] != after[path]).any(axis=1))
        assert len(rows) == 1
        assert (after[path][rows] == 0).all()


def test_beta_and_logs_follow_the_book_that_is_used_least(tiny):
    plan = tiny(RESIDUAL_EMA).plan()
    monitor = build_autoencoder(plan).monitor
    monitor.mass.assign(1.0)
    for shares, used in zip(monitor.shares, (16, 2, 8), strict=True):
        shares.assign(np.where(np.arange(16) < used, 1 / used, 0))
    assert float(monitor.least_used().share_active) == pytest.approx(2 / 16)
