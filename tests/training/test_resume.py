"""A training that was interrupted anywhere ends in the same bits as one that was not."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

import vqfw
from vqfw.errors import CheckpointError, Interrupted, RunError, VqfwError
from vqfw.runs.checkpoint import commit, newest, steps
from vqfw.training import loop
from vqfw.training.state import arrays_of, restore

VAE = (
    'model={"type":"vae","encoder":{"type":"residual_conv","filters":8,"channels":8},'
    '"decoder":{"type":"residual_conv","filters":8}}'
)


def differing(one, other):
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


# An epoch has five steps, a checkpoint is written every four, revival comes every five.
CUTS = {
    "in the middle of an epoch": (7, "interrupted"),
    "killed between two checkpoints": (11, "killed"),
    "after the first step": (1, "interrupted"),
    "at the end of an epoch, with a revival": (5, "interrupted"),
    "at a checkpoint": (8, "interrupted"),
    "killed before the first checkpoint": (3, "killed"),
}


@pytest.mark.default_cases(1)
@pytest.mark.parametrize("where", CUTS)
def test_a_resumed_run_equals_the_uninterrupted_one(where, tiny, done, cut, everything):
    step, how = CUTS[where]
    run = cut(tiny(), step, how)
    run.resume()
    assert differing(everything(run), everything(done)) == []


@pytest.mark.processes
def test_a_run_interrupted_while_scoring_is_only_scored_on_resume(
    tiny, done, everything, monkeypatch
):
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("vqfw.evaluation.score.evaluate", killed)
        with pytest.raises(Interrupted, match="vqfw eval --run cut"):
            tiny().run(name="cut")
    run = vqfw.open_run("cut").resume()
    assert run.trained is not None
    assert run.trained.images_per_second is None
    assert differing(everything(run), everything(done)) == []


def test_resuming_a_finished_run_changes_nothing(done, everything):
    before = everything(done)
    done.resume()
    assert differing(everything(done), before) == []


@pytest.mark.processes
def test_a_run_of_adam_resumes_in_every_bit(tiny, cut, everything):
    adam = "training.optimizer=adam"
    whole = tiny(adam).run(name="whole")
    run = cut(tiny(adam), 7, "interrupted")
    run.resume()
    assert differing(everything(run), everything(whole)) == []


@pytest.mark.processes
def test_a_model_that_draws_noise_resumes_in_every_bit(tiny, cut, everything):
    whole = tiny(VAE).run(name="whole")
    run = cut(tiny(VAE), 7, "interrupted")
    run.resume()
    assert differing(everything(run), everything(whole)) == []
    names = everything(run)
    assert any("seed_generator" in name for name in names)


@pytest.mark.processes
def test_a_run_with_image_augmentations_resumes_in_every_bit(
    tiny, cut, everything, install
):
    source = (
        "from PIL import ImageOps\n"
        "from vqfw.kinds import ImageAugmentation\n"
        "class Coarse(ImageAugmentation):\n"
        "    def apply(self, image, rng):\n"
        "        return ImageOps.posterize(image, int(rng.integers(3, 7)))\n"
    )
    install("vqfw-coarse", source, {"vqfw.augmentations": "coarse = MODULE:Coarse"})
    listed = '["coarse",{"type":"coarse","probability":0.5},"horizontal_flip"]'
    changes = f"data.augmentations={listed}"
    whole = tiny(changes).run(name="whole")
    run = cut(tiny(changes), 7, "interrupted")
    run.resume()
    assert differing(everything(run), everything(whole)) == []
    plain = tiny().run(name="plain")
    assert differing(everything(plain), everything(whole))


@pytest.mark.processes
@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("optimizer_variables/", ()),
        ("/usage/", ()),
        ("autoencoder/step", ()),
        ("quantizer/", ()),
        ("seed_generator", (VAE,)),
    ],
)
def test_a_resume_that_loses_a_part_of_the_state_differs(
    part, changes, tiny, done, cut, everything, monkeypatch
):
    whole = tiny(*changes).run(name="whole") if changes else done

    def forgetful(model, arrays):
        fresh = arrays_of(model)
        assert any(part in path for path in fresh)
        kept = {path: fresh[path] if part in path else arrays[path] for path in arrays}
        restore(model, kept)

    run = cut(tiny(*changes), 7, "interrupted")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "restore", forgetful)
        run.resume()
    assert differing(everything(run), everything(whole))


@pytest.mark.processes
def test_a_run_resumes_from_the_checkpoint_before_a_damaged_one(
    tiny, done, cut, everything, capsys
):
    run = cut(tiny(), 10, "killed")
    path = run.folder.states / "00000008" / "state.npz"
    path.write_bytes(path.read_bytes()[:-1])
    run.resume(quiet=False)
    told = capsys.readouterr().err
    assert "00000008" in told
    assert "resumed after step 4 of 12" in told
    assert differing(everything(run), everything(done)) == []


@pytest.mark.processes
def test_a_run_whose_pictures_were_removed_resumes_to_the_same_scores(tiny, done, cut):
    run = cut(tiny(), 7, "interrupted")
    shutil.rmtree(run.folder.pictures)
    run.resume()
    assert run.scores == done.scores
    drawn = {path.name for path in run.folder.pictures.glob("grid_*.png")}
    assert drawn == {"grid_00002.png", "grid_00003.png"}  # the first is gone for good


@pytest.mark.processes
def test_a_torn_line_of_the_log_is_dropped(tiny, done, cut, everything):
    run = cut(tiny(), 7, "interrupted")
    with open(run.folder.path / "metrics.jsonl", "a") as log:
        log.write('{"step": 8, "loss": 0.1}\n{"step": 7, "lo')
    run.resume()
    assert differing(everything(run), everything(done)) == []


@pytest.mark.processes
def test_a_log_that_cannot_be_shortened_is_not_lost(tiny, cut, monkeypatch):
    run = cut(tiny(), 7, "interrupted")
    path = run.folder.path / "metrics.jsonl"
    before = path.read_bytes()

    def fails(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(VqfwError, match="vqfw run --resume cut"):
        run.resume()
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_model_is_refused_before_anything_changes(tiny, done):
    from vqfw.assembly.assemble import build_autoencoder

    found = newest(done.folder.states, skipped=pytest.fail)
    assert found is not None
    other = build_autoencoder(tiny("model.quantizer.num_embeddings=32").plan())
    before = arrays_of(other)
    with pytest.raises(CheckpointError, match=r"does not fit the model.*\(16.*\(32"):
        restore(other, found.arrays)
    lacking = {k: v for k, v in found.arrays.items() if "usage" not in k}
    with pytest.raises(CheckpointError, match=r"missing .*usage"):
        restore(other, lacking)
    assert all(before[k].tobytes() == v.tobytes() for k, v in arrays_of(other).items())


def test_resume_refuses_other_images(tiny, cut):
    run = cut(tiny(), 7, "interrupted")
    path = run.folder.path / "resolved.json"
    path.write_text(path.read_text().replace('"count": 48', '"count": 60'))
    with pytest.raises(RunError, match="other images than its dataset gives now"):
        run.resume()


@pytest.mark.processes
def test_wrong_counters_of_a_checkpoint_are_a_checkpoint_error(tiny, cut):
    run = cut(tiny(), 7, "interrupted")
    found = newest(run.folder.states, pytest.fail)
    for odd in ({}, {"patience": 3}, {"patience": {}, "revival": []}):
        counters = {"data": found.counters["data"], **odd}
        commit(run.folder.states, replace(found, counters=counters), keep=1)
        with pytest.raises(CheckpointError, match="do not fit its experiment"):
            run.resume()


def test_the_newest_checkpoints_are_kept(done):
    assert steps(done.folder.states) == [8, 12]


@pytest.mark.backends
@pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed"
)
@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND") == "jax", reason="this is the run on JAX"
)
def test_a_run_on_jax_resumes_in_every_bit(tmp_path):
    revived = "at the end of an epoch, with a revival"
    cases = [
        f"{__file__}::test_a_resumed_run_equals_the_uninterrupted_one[{revived}]",
        f"{__file__}::test_a_run_of_adam_resumes_in_every_bit",
    ]
    options = ("-q", "-p", "no:cacheprovider", "--numprocesses=0", "-m", "")
    arguments = ["-m", "pytest", *options, *cases]
    # Trainings of one model: most of what was compiled for the first serves the others.
    compiled = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    found = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **compiled, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout[-3000:]
    assert "2 passed" in found.stdout
