"""The experiment as an object: settings, changes, problems and comparison."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqfw.errors import ExperimentError, PluginError, Problem
from vqfw.experiment import (
    CheckedExperiment,
    differences,
    experiment_from,
    load_experiment,
)
from vqfw.experiment.rules import broken_rules
from vqfw.schema.settings import EarlyStopping

Load = Callable[..., CheckedExperiment]


def test_sections_are_objects_with_all_their_settings(load: Load, valid: Any) -> None:
    valid["training"]["early_stopping"] = {"metric": "psnr"}
    experiment = load(valid)
    assert experiment.training.early_stopping == EarlyStopping("psnr", 5, 0.0)
    assert experiment.training.optimizer["type"] == "adam"
    assert experiment.data.augmentations[0]["probability"] == 1.0
    assert [each["type"] for each in experiment.evaluation.metrics] == [
        "psnr", "ssim", "codebook_usage", "perplexity",
    ]  # fmt: skip
    assert experiment.losses == ({"type": "mse", "weight": 1.0},)
    assert experiment.expected == {}
    assert experiment.folder is not None


def test_the_text_is_kept_as_given(write: Any, valid: Any) -> None:
    text = "// mine\n" + json.dumps(valid)
    path = write(text)
    experiment = load_experiment(path)
    assert experiment.text == text
    assert experiment.file == path


def test_set_gives_another_experiment_and_leaves_the_first(
    load: Load, valid: Any
) -> None:
    first = load(valid)
    second = first.set({"model.quantizer.num_embeddings": np.int64(8)}).set({"seed": 3})
    assert first.model["quantizer"]["num_embeddings"] == 64
    assert second.model["quantizer"]["num_embeddings"] == 8
    assert second.overrides == ("model.quantizer.num_embeddings=8", "seed=3")
    assert second.origins["seed"].source == "--set seed=3"


def test_experiment_set_does_not_parse_strings(load: Load, valid: Any) -> None:
    assert load(valid).set({"description": "12"}).description == "12"


def test_set_does_not_read_the_file_again(write: Any, valid: Any) -> None:
    write(valid, "base.json")
    path = write({"extends": "base.json"})
    experiment = load_experiment(path)
    path.unlink()
    assert experiment.set({"seed": 9}).seed == 9


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_set_refuses_values_that_json_cannot_hold(
    load: Load, valid: Any, value: Any
) -> None:
    with pytest.raises(ExperimentError):
        load(valid).set({"seed": value})


def test_a_mapping_gives_the_same_experiment_as_a_file(load: Load, valid: Any) -> None:
    from_file = load(valid)
    valid["model"]["quantizer"]["num_embeddings"] = np.int32(64)
    from_values = experiment_from(valid)
    assert from_values.resolved_json() == from_file.resolved_json()
    assert from_values.file is None
    assert from_values.folder is None


@pytest.mark.parametrize(
    "change",
    [
        {"seed": float("nan")},
        {"seed": object()},
        {"notes": {1: 1, "1": 2}},
        {"extends": "base.json"},
        {"sead": 1},
    ],
)
def test_an_invalid_mapping_is_reported_as_problems(valid: Any, change: Any) -> None:
    with pytest.raises(ExperimentError) as caught:
        experiment_from({**valid, **change})
    assert len(caught.value.problems) == 1


def test_a_mapping_that_contains_itself_is_reported(valid: Any) -> None:
    valid["notes"] = valid
    with pytest.raises(ExperimentError, match="cannot be written as JSON"):
        experiment_from(valid)


def test_placed_gives_the_place_of_the_value_or_of_its_nearest_parent(
    load: Load, valid: Any
) -> None:
    experiment = load(json.dumps(valid, indent=1))
    problems = experiment.placed(
        [
            Problem("schedule-outlasts-training", "b", ("training", "batch_size")),
            Problem("size-mismatch", "a", ("model", "quantizer", "num_embeddings")),
            Problem("size-mismatch", "c", ("nowhere",)),
        ]
    )
    excerpts = [each.place.excerpt.strip() for each in problems if each.place]
    assert excerpts == ["{", '"num_embeddings": 64', '"training": {']


def test_a_warning_does_not_stop_and_is_kept(load: Load, valid: Any) -> None:
    valid["data"]["crop"] = 16
    experiment = load(valid)
    assert [each.code for each in experiment.warnings] == ["upscaling"]
    assert experiment.warnings[0].place is not None


def test_an_unusable_component_gives_exit_code_3(load: Load, valid: Any) -> None:
    valid["model"]["quantizer"] = "vqfw-nowhere/cosine"
    with pytest.raises(PluginError) as caught:
        load(valid)
    assert caught.value.exit_code == 3
    assert isinstance(caught.value, ExperimentError)
    valid["sead"] = 1
    with pytest.raises(ExperimentError) as mixed:
        load(valid)
    assert mixed.value.exit_code == 2


def test_a_missing_file_names_those_with_a_similar_name(
    write: Any, valid: Any, tmp_path: Path
) -> None:
    write(valid, "experiment.json")
    with pytest.raises(ExperimentError, match=r"did you mean .*experiment\.json"):
        load_experiment(tmp_path / "experimnt.json")
    with pytest.raises(ExperimentError, match=r"is a folder; did you mean"):
        load_experiment(tmp_path)


def test_a_run_in_place_of_a_file_is_answered_with_the_command_that_resumes_it(
    root: Path,
) -> None:
    folder = root / "checkpoints/2026-12-01_first"
    folder.mkdir(parents=True)
    (folder / "resolved.json").write_text("{}")
    for typed in ("2026-12-01_first", "2026"):
        with pytest.raises(ExperimentError) as caught:
            load_experiment(typed)
        (problem,) = caught.value.problems
        assert problem.message == f'"{typed}" is a run, not a file'
        assert problem.help == "continue it with: vqfw run --resume 2026-12-01_first"
    with pytest.raises(ExperimentError, match="there is no file"):
        load_experiment("2025")


def test_differences_name_what_changed(load: Load, valid: Any) -> None:
    old = load(valid)
    new = old.set({"seed": 4, "model.quantizer": "gradient"})
    found = differences(old.values, new.values)
    assert found == sorted(found, key=lambda each: each[0])
    assert {
        ("model.quantizer.decay", 0.99, None),
        ("model.quantizer.num_embeddings", 64, 512),
        ("model.quantizer.type", "ema", "gradient"),
        ("seed", 0, 4),
    } <= set(found)
    assert all(path == "seed" or "quantizer" in path for path, _, _ in found)
    assert differences(old.values, old.values) == []


def test_a_number_differs_from_true_but_not_from_itself_as_a_float() -> None:
    assert differences({"a": 1}, {"a": True}) == [("a", 1, True)]
    assert differences({"a": 1}, {"a": 1.0}) == []


def test_the_table_for_notebooks_escapes_what_it_shows(load: Load, valid: Any) -> None:
    valid["description"] = "<script>alert(1)</script>"
    page = load(valid)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "model.quantizer.num_embeddings" in page


def test_a_negative_split_seed_is_refused(
    problems: Callable[..., list[Problem]], valid: Any
) -> None:
    (problem,) = problems(valid, "data.split_seed=-1")
    assert problem.code == "out-of-range"


@pytest.mark.parametrize(
    ("section", "key"),
    [(None, "losses"), ("evaluation", "metrics"), ("training", "trackers")],
)
def test_a_loss_metric_or_tracker_listed_twice_is_a_problem(
    section: str | None, key: str
) -> None:
    items = {key: [{"type": "a"}, {"type": "b"}, {"type": "a"}]}
    values = {"training": {"steps": 1}, "model": {}, "evaluation": {}}
    merged = {**values, **(items if section is None else {section: items})}
    found = [
        each for each in broken_rules(merged) if each.code == "duplicate-component"
    ]
    (problem,) = found
    assert problem.path == (*filter(None, [section]), key, 2, "type")
    assert problem.help.startswith("remove one")


def test_augmentations_may_repeat(load: Load, valid: Any) -> None:
    valid["data"]["augmentations"] = ["horizontal_flip", "horizontal_flip"]
    assert len(load(valid).data.augmentations) == 2
