"""The settings of ``training``; each test trains a few steps."""

import json
import math

import numpy as np
import pytest

from vqfw.runs.checkpoint import newest, steps

GRADIENT = 'model.quantizer={"type":"gradient","num_embeddings":16,"embedding_dim":8}'
SHORT = ("training.steps=6",)


def log_of(run):
    lines = (run.folder.path / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def arrays(run):
    found = newest(run.folder.states, skipped=pytest.fail)
    assert found is not None
    return found.arrays


@pytest.mark.processes
def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(tiny, everything):
    first = everything(tiny(*SHORT).run(name="a"))
    assert everything(tiny(*SHORT).run(name="b")) == first
    other = everything(tiny(*SHORT, "seed=1").run(name="c"))
    kernel = "trainable_variables/model/encoder/halve_0/kernel"
    assert other[kernel] != first[kernel]
    assert other["metrics.jsonl"] != first["metrics.jsonl"]


def test_every_step_is_logged_with_its_numbers(done):
    steps_logged = [line for line in log_of(done) if "loss" in line]
    assert [line["step"] for line in steps_logged] == list(range(1, 13))
    for line in steps_logged:
        expected = {"loss", "reconstruction", "commitment", "beta", "usage"}
        assert expected | {"perplexity", "bits", "revived"} <= line.keys()
        assert line["loss"] == pytest.approx(
            line["reconstruction"]
            + line["codebook"]
            + line["beta"] * line["commitment"]
            + line["auxiliary"],
            rel=1e-5,
        )
    validations = [line for line in log_of(done) if "validation_psnr" in line]
    assert [line["step"] for line in validations] == [4, 8, 12]


@pytest.mark.processes
def test_epochs_count_whole_passes_over_the_images(tiny):
    run = tiny("training.steps=null", "training.epochs=2").run(name="a")
    assert run.trained is not None
    assert run.trained.steps == 10
    assert steps(run.folder.states) == [8, 10]
    grids = sorted(path.name for path in run.folder.pictures.glob("grid_*.png"))
    assert grids == ["grid_00001.png", "grid_00002.png"]


@pytest.mark.processes
def test_training_stops_when_validation_no_longer_improves(tiny):
    stopping = '{"metric":"psnr","patience":2,"min_delta":100}'
    changes = (f"training.early_stopping={stopping}", "training.checkpoint_every=2")
    run = tiny(*changes).run(name="a")
    assert run.trained is not None
    assert run.trained.stopped_early
    assert run.trained.steps == 6  # the first counts as best, then two without 100 dB
    assert run.scores["test"]["psnr"]["value"] > 0
    again = run.resume()
    assert again.trained is not None
    assert again.trained.steps == 6


@pytest.mark.processes
def test_patience_continues_after_a_resume(tiny, cut):
    stopping = '{"metric":"psnr","patience":2,"min_delta":100}'
    changes = (f"training.early_stopping={stopping}", "training.checkpoint_every=2")
    run = cut(tiny(*changes), 5, "interrupted").resume()
    assert run.trained is not None
    assert run.trained.steps == 6


@pytest.mark.processes
def test_global_clipnorm_bounds_the_length_of_a_step(tiny):
    plain = '{"type":"sgd","learning_rate":1.0,"momentum":0}'
    sgd = plain.replace("}", ',"global_clipnorm":1e-6}')
    start, clipped, free = (
        arrays(tiny(f"training.steps={n}", f"training.optimizer={o}").run())
        for n, o in ((1, sgd), (2, sgd), (2, plain))
    )
    names = [name for name in start if name.startswith("trainable_variables")]

    def moved(end):
        return math.sqrt(sum(np.square(end[n] - start[n]).sum() for n in names))

    assert moved(clipped) < 2e-6
    assert moved(free) > 1e-4


@pytest.mark.processes
def test_a_learning_rate_follows_its_schedule(tiny):
    schedule = '{"type":"cosine_decay","initial_learning_rate":0.01,"decay_steps":3}'
    change = f"training.optimizer.learning_rate={schedule}"
    # With momentum the weights would still move after the rate is 0.
    plain = "training.optimizer.momentum=0"
    third = arrays(tiny("training.steps=3", plain, change).run())
    sixth = arrays(tiny("training.steps=6", plain, change).run())
    names = [name for name in third if name.startswith("trainable_variables")]
    # After the decay the rate is 0, so the weights hold still.
    assert all(np.array_equal(third[name], sixth[name]) for name in names)
    constant = arrays(tiny("training.steps=3", plain).run())
    assert any(not np.array_equal(third[name], constant[name]) for name in names)


def test_a_run_without_validation_images_logs_no_validation_scores(tiny):
    run = tiny(*SHORT, "data.validation=0").run()
    assert not any("validation_psnr" in line for line in log_of(run))


@pytest.mark.processes
def test_without_test_images_the_scores_say_validation(tiny, command):
    run = tiny(*SHORT, "data.test=0").run(name="a")
    assert set(run.scores) == {"validation"}
    assert (run.folder.path / "tokens_validation.npz").exists()
    found = run.evaluate(split="validation")
    assert found.values["psnr"] == run.scores["validation"]["psnr"]["value"]


@pytest.mark.default_cases(1)
@pytest.mark.parametrize(
    "changes",
    [
        (GRADIENT,),
        ("training.precision=mixed_bfloat16",),
        (GRADIENT, "training.precision=mixed_float16", "training.optimizer=adam"),
        ("model.quantizer.warm_up=3",),
        ("model.quantizer.embedding_dim=4",),
        ("model.revival=null", "model.beta=usage_adaptive"),
        ("model.revival=random_latents", 'model.beta={"type":"linear"}'),
        ("training.optimizer=muon",),
    ],
    ids=lambda changes: ", ".join(each.split("=")[0] + "…" for each in changes),
)
def test_settings_train_and_score(changes, tiny):
    run = tiny(*SHORT, *changes).run()
    assert run.trained is not None
    assert run.trained.steps == 6
    assert all(math.isfinite(line["loss"]) for line in log_of(run) if "loss" in line)
    scores = run.scores["test"]
    assert 5 < scores["psnr"]["value"] < 60
    assert 0 < scores["codebook_usage"]["value"] <= 1


@pytest.mark.processes
def test_a_vae_has_a_rate_and_no_codebook(tiny):
    vae = (
        'model={"type":"vae","encoder":{"type":"residual_conv","filters":8},'
        '"decoder":{"type":"residual_conv","filters":8}}'
    )
    run = tiny(*SHORT, vae).run()
    scores = run.scores["test"]
    assert scores["psnr"]["value"] > 5
    assert scores["perplexity"]["value"] is None
    assert scores["codebook_usage"]["value"] is None
    assert scores["bits_per_image"] > 0
    assert not (run.folder.path / "tokens_test.npz").exists()
