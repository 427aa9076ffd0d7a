"""What a run gives as arrays: images, tokens, reconstructions, history and scores."""

from __future__ import annotations

import dataclasses
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import vqfw
from vqfw.errors import DataError, RunError, UsageError


@pytest.fixture(scope="module")
def opened(trained_once):
    """A finished run that no test changes, so that its model is built once."""
    return vqfw.open_run("done", trained_once)


@pytest.fixture
def faces(opened, root):
    return opened.images("test", quiet=True).pixels


def test_images_of_a_split_are_those_that_were_scored(done):
    images = done.images("test", quiet=True)
    assert images.pixels.shape == (len(images), 16, 16, 3)
    assert images.pixels.dtype == np.uint8
    assert len(images) == done.scores["test"]["images"] == len(images.groups)
    people = [set(done.images(name).groups) for name in ("train", "validation", "test")]
    assert not people[0] & people[1] | people[1] & people[2]
    with pytest.raises(UsageError, match='no split "tests": write "train"'):
        done.images("tests")


def test_images_of_another_data_set_are_refused(done):
    path = done.path / "environment.json"
    environment = json.loads(path.read_text())
    path.write_text(json.dumps({**environment, "data_fingerprint": "0" * 64}))
    with pytest.raises(RunError, match="trained on other images"):
        done.images("test", quiet=True)


def test_a_data_path_is_looked_for_again_and_text_is_no_list_of_runs(done):
    done.images("test", quiet=True)
    with pytest.raises(vqfw.errors.VqfwError):
        done.images("test", data_path="/no/such/folder", quiet=True)
    with pytest.raises(TypeError, match="a list of two or more"):
        vqfw.compare("latest")


def test_decode_of_encode_equals_reconstruct_in_every_bit(opened, faces):
    tokens = opened.encode(faces)
    assert len(tokens) == len(faces)
    assert list(tokens.grids) == ["quantizer"]
    assert tokens.grids["quantizer"].shape == (len(faces), 4, 4, 1)
    assert tokens.grids["quantizer"].dtype == np.int32
    assert (
        repr(tokens)
        == f"<Tokens of {len(faces)} images: quantizer {(len(faces), 4, 4, 1)}>"
    )
    pictures = opened.decode(tokens)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures, opened.reconstruct(faces))
    floats = faces.astype("float32") / 255
    exact = opened.decode(opened.encode(floats), dtype="float32")
    np.testing.assert_array_equal(exact, opened.reconstruct(floats))
    assert exact.dtype == np.float32


def test_floats_and_bytes_of_the_same_images_have_the_same_tokens(opened, faces):
    for dtype in ("float32", "float64"):
        tokens = opened.encode(faces.astype(dtype) / 255)
        np.testing.assert_array_equal(tokens, opened.encode(faces))


def test_the_model_is_that_of_the_scores_and_is_built_once(opened, faces, monkeypatch):
    reconstructions = opened.reconstruct(faces)
    error = np.square((reconstructions / 255.0) - faces / 255.0).mean((1, 2, 3))
    psnr = np.mean(-10 * np.log10(error))
    assert psnr == pytest.approx(opened.scores["test"]["psnr"]["value"], abs=0.02)
    monkeypatch.setattr("vqfw.assembly.assemble.build_autoencoder", pytest.fail)
    opened.encode(faces[:1])


def test_an_edited_token_changes_one_corner_of_one_picture(opened, faces):
    tokens = opened.encode(faces[:2])
    grid = np.array(tokens)
    grid[0, 0, 0] = (grid[0, 0, 0] + 1) % 16
    assert (np.asarray(tokens) != grid).sum() == 1  # a copy
    before, after = opened.decode(tokens), opened.decode(grid.astype("uint8"))
    np.testing.assert_array_equal(before[1], after[1])
    assert (before[0] != after[0]).any()
    assert opened.decode(grid[:0]).shape == (0, 16, 16, 3)


def test_tokens_are_read_as_an_array_and_edited_in_a_copy(opened, faces):
    tokens = opened.encode(faces[:2])
    assert tokens.shape == (2, 4, 4, 1)
    np.testing.assert_array_equal(tokens[1, :2], tokens.grids["quantizer"][1, :2])
    for grid in (np.asarray(tokens), tokens.grids["quantizer"], tokens[0]):
        with pytest.raises(ValueError, match="read-only"):
            grid[...] = 0
    with pytest.raises(TypeError, match=r"edit the copy np\.array\(tokens\)"):
        tokens[0, 0] = 3
    np.array(tokens)[...] = 0


def test_the_images_of_a_split_are_encoded_as_their_pixels(opened, faces):
    images = opened.images("test", quiet=True)
    np.testing.assert_array_equal(opened.encode(images), opened.encode(faces))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda grid: grid + 16, r"token \d+ is outside the vocabulary of 16 codes"),
        (lambda grid: grid - 20, r"token -\d+ is outside the vocabulary of 16 codes"),
        (lambda grid: grid[..., 0], r"shape \(2, 4, 4\).*decodes \(n, 4, 4, 1\)"),
        (lambda grid: grid[0, 0, 0, 0], r"shape \(\).*decodes \(n, 4, 4, 1\)"),
        (lambda grid: grid[:, :2], r"shape \(2, 2, 4, 1\).*decodes \(n, 4, 4, 1\)"),
        (lambda grid: grid / 2, "tokens are float64 and must be integers"),
    ],
)  # fmt: skip
def test_tokens_that_cannot_be_decoded_are_refused(opened, faces, change, message):
    grid = np.array(opened.encode(faces[:2]))
    with pytest.raises((DataError, UsageError), match=message):
        opened.decode(change(grid))


def test_tokens_of_another_codebook_are_refused(opened, faces):
    tokens = opened.encode(faces[:1])
    other = dataclasses.replace(tokens, fingerprint="0" * 64)
    with pytest.raises(DataError, match="made with codebook 000000000000"):
        opened.decode(other)


def test_tokens_of_several_grids_are_no_single_array(opened, faces):
    tokens = opened.encode(faces[:1])
    two = dataclasses.replace(
        tokens, grids={**tokens.grids, "top": np.zeros((1, 2, 2, 1))}
    )
    with pytest.raises(UsageError, match=r"2 grids.*: quantizer, top"):
        np.asarray(two)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[0], r"shape \(16, 16, 3\), run \"done\" takes \(n, 16, 16, 3\): add the first"),
        (lambda x: x[:, :8], r"shape \(2, 8, 16, 3\).*\(n, 16, 16, 3\): resize"),
        (lambda x: x[..., :1], r"shape \(2, 16, 16, 1\).*\(n, 16, 16, 3\)"),
        (lambda x: x[..., 0], r"shape \(2, 16, 16\).*\(n, 16, 16, 3\): give"),
        (lambda x: x[:0], "holds none"),
        (lambda x: x.astype("int64"), "images are int64, allowed are uint8"),
        (lambda x: x.astype(bool), "images are bool, allowed are uint8"),
        (lambda x: x.astype("float32"), r"from \d+ to \d+, floats must lie in \[0, 1\]"),
        (lambda x: np.moveaxis(x, -1, 1), r"last: np\.moveaxis\(images, 1, -1\)"),
        (lambda x: x / 255 - 0.5, r"from -0\.\d+ to 0\.\d+, floats .* -1\.\.1: \(images \+ 1\) / 2"),
        (lambda x: np.where(x > 9, np.nan, 0.5), r"\d+ values that are NaN.*nan_to_num"),
        (lambda x: np.full(x.shape, np.inf), "from inf to inf"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["encode", "reconstruct"])
def test_images_of_another_shape_type_or_range_are_refused(
    opened, faces, call, change, message
):
    with pytest.raises(DataError, match=message):
        getattr(opened, call)(change(faces[:2]))


@pytest.mark.processes
def test_a_run_without_tokens_reconstructs_and_says_that_it_has_none(tiny):
    model = {
        "type": "vae",
        **{name: tiny().checked.model[name] for name in ("encoder", "decoder")},
    }
    run = tiny(f"model={json.dumps(model)}", "training.steps=2").run("vae", quiet=True)
    faces = run.images("test").pixels
    assert run.reconstruct(faces).shape == faces.shape
    assert run.reconstruct(faces / 255.0).dtype == np.float32
    for call in (lambda: run.encode(faces), lambda: run.decode(faces)):
        with pytest.raises(RunError, match='"vae" is a vae, which has no tokens'):
            call()


def test_history_has_a_row_for_each_step_and_a_column_for_each_number(done):
    history = done.history
    assert list(history["step"]) == list(range(1, 13))
    assert history["step"].dtype == np.int64
    assert {"loss", "reconstruction", "commitment", "usage", "beta"} <= set(history)
    assert np.isfinite(history["loss"]).all()
    assert np.isnan(history["validation_psnr"]).any()
    assert np.isfinite(history["validation_psnr"]).any()
    lines = [
        json.loads(each)
        for each in (done.path / "metrics.jsonl").read_text().splitlines()
    ]
    losses = [each["loss"] for each in lines if "loss" in each]
    np.testing.assert_array_equal(history["loss"], losses)
    assert repr(history).startswith("<History of 12 steps: step, ")
    with pytest.raises(KeyError, match=r"los \(recorded are step, "):
        history["los"]


def test_history_becomes_a_frame_only_where_pandas_is_installed(done, monkeypatch):
    frame = SimpleNamespace(DataFrame=lambda columns: list(columns))
    monkeypatch.setitem(sys.modules, "pandas", frame)
    assert done.history.to_pandas() == list(done.history)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        done.history.to_pandas()


@pytest.mark.parametrize("split", ["train", "Test"])
def test_a_split_that_is_not_scored_is_refused_and_nothing_is_recorded(done, split):
    before = done.scores
    with pytest.raises(UsageError, match=f'no split "{split}" to score: write "test"'):
        done.evaluate(split, quiet=True)
    assert done.scores == before


@pytest.mark.parametrize("dtype", ["float", np.float32])
def test_decoding_to_another_type_is_refused(opened, faces, dtype):
    tokens = opened.encode(faces)
    with pytest.raises(UsageError, match='write "uint8" or "float32"'):
        opened.decode(tokens, dtype=dtype)


def test_tokens_are_compared_as_arrays(opened, faces):
    tokens = opened.encode(faces)
    assert tokens != opened.encode(faces)
    assert np.array_equal(tokens, opened.encode(faces))


def test_a_score_that_is_not_recorded_names_those_that_are(done):
    with pytest.raises(KeyError, match=r"val \(recorded are test\)"):
        done.scores["val"]
    with pytest.raises(KeyError, match=r"pnsr \(recorded are images, .*psnr"):
        done.scores["test"]["pnsr"]


def test_a_run_says_where_its_files_are(done, root):
    assert done.path == root / "checkpoints" / "done"


def test_the_public_names_of_a_run_are_those_of_its_help(done):
    public = {name for name in dir(done) if not name.startswith("_")}
    assert public == {
        "decode", "detokenize", "diagnose", "encode", "evaluate", "folder",
        "history", "id", "images", "model", "path", "plugins", "reconstruct", "resume", "scores",
        "sections", "threads", "tokenize", "trained",
    }  # fmt: skip
    for name in public - {"folder", "trained", "plugins"}:
        assert getattr(vqfw.Run, name).__doc__, name
