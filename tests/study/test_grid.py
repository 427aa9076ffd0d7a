"""A study file gives arms, seeds and names of runs."""

import json
import re
from pathlib import Path

import pytest

import vqfw
from vqfw.study.labels import axis_names, value_labels
from vqfw.study.loading import load_grid
from vqfw.study.schema import study_schema

ROOT = Path(__file__).parents[2]


def told(study):
    return [str(point) for point in study.points]


def test_a_grid_is_every_value_with_every_value_and_seeds_come_last(load):
    study = load(
        vary={
            "seed": [0, 1],
            "model.quantizer.num_embeddings": [8, 16],
            "training.steps": [5, 10],
        }
    )
    rows = [f"num_embeddings={k}, steps={s}" for k in (8, 16) for s in (5, 10)]
    assert [arm.label for arm in study.arms] == rows
    assert told(study) == [f"{row} · seed {seed}" for seed in (0, 1) for row in rows]
    values = study.points[-1].experiment.values
    assert values["model"]["quantizer"]["num_embeddings"] == 16
    assert values["training"]["steps"] == 10
    assert values["seed"] == 1


def test_arms_need_not_be_a_product_and_are_crossed_with_what_varies(load):
    study = load(
        arms={
            "ema": {"model.quantizer": {"type": "ema", "num_embeddings": 8}},
            "gradient, alone": {"model.quantizer": "gradient", "model.revival": None},
        },
        vary={"training.steps": [5, 10], "seed": [3]},
    )
    assert told(study) == [
        f"{arm}, steps={steps} · seed 3"
        for arm in ("ema", "gradient, alone")
        for steps in (5, 10)
    ]
    model = study.points[2].experiment.model
    assert model["quantizer"]["type"] == "gradient"
    assert model["revival"] is None
    settings = {"model.quantizer": "gradient", "model.revival": None}
    assert study.arms[2].settings == {**settings, "training.steps": 5}


def test_a_varied_value_changes_the_experiment_as_set_does(load, tiny):
    study = load(vary={"model.quantizer": [{"type": "ema", "decay": 0.5}, "gradient"]})
    found = [each.experiment.model["quantizer"] for each in study.points]
    # The same type keeps what the experiment says of it; another drops it.
    assert found[0]["num_embeddings"] == 16
    assert found[0]["decay"] == 0.5
    assert found[1] == tiny('model.quantizer="gradient"').checked.model["quantizer"]


def test_a_study_without_a_grid_is_one_run(load):
    assert told(load()) == ["all · seed 0"]


def test_set_applies_to_every_run(load):
    study = load("training.steps=7", arms={"a": {}, "b": {"model.beta": 0.5}})
    assert {each.experiment.training.steps for each in study.points} == {7}
    assert study.overrides == ("training.steps=7",)


def test_runs_are_named_after_the_study_the_arm_and_the_seed(load):
    arms = {"No Revival!": {"model.revival": None}, "x" * 90: {}}
    for point in load(arms=arms, vary={"seed": [2**53 - 1]}).points:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", point.id)
        assert point.id.endswith(f"_s{2**53 - 1}_{point.key}")
    assert load(arms=arms).points[0].id.startswith("small_no-revival_s0_")
    assert load(arms=arms).points[0].experiment.name == "small"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.1, 0.25], ["beta=0.1", "beta=0.25"]),
        (["linear", None, 1], ["linear", "no beta", "beta=1"]),
        ([{"type": "a", "x": 1}, "b"], ["a", "b"]),
        ([{"type": "a", "x": 1}, {"type": "a", "x": 2}], ["a (x=1)", "a (x=2)"]),
        ([{"type": "a", "x": 1}, "a"], ["a (x=1)", "a"]),
        ([[1, 2], [3]], ["beta=[1, 2]", "beta=[3]"]),
        ([0.25], [""]),
    ],
)
def test_a_label_distinguishes_a_value_from_the_others(values, labels):
    assert value_labels("beta", values) == labels


def test_paths_with_the_same_last_key_are_written_in_full():
    paths = ["model.encoder.filters", "model.decoder.filters", "training.steps"]
    assert axis_names(paths) == [*paths[:2], "steps"]


def test_the_data_path_of_a_study_is_relative_to_the_study_file(load):
    study = load(vary={"data.dataset": ["./faces.zip", "./others.zip"]})
    origin = study.points[0].experiment.origins["data.dataset.path"]
    assert origin.folder == study.file.resolve().parent
    assert not origin.overridden


def test_the_committed_study_schema_is_that_of_the_code():
    committed = json.loads((ROOT / "schemas" / "study.schema.json").read_text())
    command = "python -m vqfw.study.schema > schemas/study.schema.json"
    assert committed == study_schema(), f"it is out of date: run {command}"


BASES = ("base", "orl")
STUDIES = sorted(
    path
    for path in (ROOT / "experiments" / "studies").glob("*.json")
    if path.stem not in BASES and not path.name.endswith(".table.json")
)


@pytest.mark.parametrize("path", STUDIES, ids=lambda p: p.stem)
def test_the_studies_of_the_repository_are_valid(path):
    study = load_grid(path)
    assert study.name == path.stem
    assert not study.warnings
    # The rivals on LFW are scored with their last weights.
    on_lfw = [
        each.experiment
        for each in study.points
        if each.experiment.data.dataset["type"] == "lfw"
    ]
    assert all(each.training.weight_averaging is None for each in on_lfw)


@pytest.mark.parametrize("name", BASES)
def test_the_base_experiments_of_the_studies_are_valid(name):
    path = ROOT / "experiments" / "studies" / f"{name}.json"
    assert not vqfw.load(path).checked.warnings


def test_the_table_of_the_readme_changes_the_default_experiment():
    default = vqfw.load(ROOT / "experiments" / "experiment.json").checked.values
    base = vqfw.load(ROOT / "experiments" / "studies" / "orl.json").checked.values
    about = {"name", "description", "expected"}
    differing = {key for key in default if default[key] != base[key]}
    assert differing == about


def test_the_table_of_the_readme_takes_ten_thousand_steps_at_most():
    points = load_grid(ROOT / "experiments" / "studies" / "readme.json").points
    assert sum(each.experiment.training.steps for each in points) <= 10_000
    assert {each.seed for each in points} == {0}
    assert len(points) <= 8
