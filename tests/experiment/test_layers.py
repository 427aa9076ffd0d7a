"""Files and arguments laid over each other, and who set what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError
from vqfw.experiment import CheckedExperiment, load_experiment

Load = Callable[..., CheckedExperiment]
Write = Callable[..., Path]


def test_objects_are_merged_and_lists_replaced(write: Write, valid: Any) -> None:
    write(valid, "base.json")
    over = {
        "extends": "base.json",
        "data": {"image_size": 32, "augmentations": ["rotation", "zoom"]},
    }
    experiment = load_experiment(write(over))
    assert experiment.data.image_size == 32
    assert experiment.data.dataset["type"] == "orl"
    assert [each["type"] for each in experiment.data.augmentations] == [
        "rotation",
        "zoom",
    ]


def test_a_chain_is_read_relative_to_each_file(write: Write, valid: Any) -> None:
    write({**valid, "seed": 1}, "deep/er/base.json")
    write({"extends": "er/base.json", "description": "b"}, "deep/middle.json")
    experiment = load_experiment(write({"extends": "deep/middle.json", "name": "top"}))
    assert (experiment.seed, experiment.description, experiment.name) == (1, "b", "top")


def test_a_changed_type_drops_the_settings_of_the_old_one(
    write: Write, valid: Any
) -> None:
    valid["model"]["quantizer"]["decay"] = 0.5
    write(valid, "base.json")
    for quantizer in ("gradient", {"type": "gradient"}):
        over = {"extends": "base.json", "model": {"quantizer": quantizer}}
        found = load_experiment(write(over)).model["quantizer"]
        assert "decay" not in found
        assert found["num_embeddings"] == 512


def test_the_same_type_keeps_the_settings(write: Write, valid: Any) -> None:
    write(valid, "base.json")
    for quantizer in ("ema", {"type": "ema"}, {"decay": 0.5}):
        over = {"extends": "base.json", "model": {"quantizer": quantizer}}
        assert load_experiment(write(over)).model["quantizer"]["num_embeddings"] == 64


def test_a_setting_refines_a_shorthand_of_the_base(write: Write, valid: Any) -> None:
    valid["model"]["quantizer"] = "ema"
    valid["model"]["beta"] = 0.5
    write(valid, "base.json")
    over = {"extends": "base.json", "model": {"quantizer": {"decay": 0.5}, "beta": 0.1}}
    model = load_experiment(write(over)).model
    assert model["quantizer"]["decay"] == 0.5
    assert model["beta"] == {"type": "constant", "value": 0.1}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"beta": 0.3}, {"beta": {"type": "constant", "value": 0.3}}),
        ({"quantizer": "ema"}, {"quantizer": {"type": "ema"}}),
        ({"revival": "random_latents"}, {"revival": {"type": "random_latents"}}),
    ],
)
def test_a_shorthand_equals_its_long_form(
    load: Load, valid: Any, short: Any, long: Any
) -> None:
    model = valid["model"]
    one = load({**valid, "model": {**model, **short}}).resolved_json()
    other = load({**valid, "model": {**model, **long}}).resolved_json()
    assert one == other


@pytest.mark.parametrize("path", ["./faces", "faces/of/people", "C:\\faces", "~/faces"])
def test_a_path_stands_for_a_folder_of_images(
    load: Load, valid: Any, path: str
) -> None:
    valid["data"]["dataset"] = path
    dataset = load(valid).data.dataset
    assert (dataset["type"], dataset["path"]) == ("image_folder", path)


def test_key_order_comments_and_layers_make_no_difference(
    write: Write, valid: Any
) -> None:
    plain = load_experiment(write(valid)).resolved_json()
    turned = {key: valid[key] for key in reversed(valid)}
    text = "// the same\n" + json.dumps(turned, indent=3)[:-1] + ",}"
    assert load_experiment(write(text)).resolved_json() == plain
    training = valid.pop("training")
    write({**valid, "seed": 5, "name": "other"}, "base.json")
    over = {"extends": "base.json", "training": training, "name": "tiny"}
    layered = load_experiment(write(over), ["seed=0"])
    assert layered.resolved_json() == plain


def test_the_resolved_experiment_resolves_to_itself(load: Load, valid: Any) -> None:
    resolved = load(valid, "training.optimizer.learning_rate=1e-3").resolved_json()
    assert load(resolved).resolved_json() == resolved


@pytest.mark.parametrize(
    ("argument", "path", "value"),
    [
        ("seed=7", ["seed"], 7),
        ("name=faces", ["name"], "faces"),
        ('name="faces"', ["name"], "faces"),
        ("data.crop=null", ["data", "crop"], None),
        ("description=", ["description"], ""),
        ("description=1.2.3", ["description"], "1.2.3"),
        ("description=a=b", ["description"], "a=b"),
        ("model.quantizer.decay=.5e0", None, None),
        ("losses[0].weight=2", ["losses", 0, "weight"], 2.0),
        ("losses.0.weight=2", ["losses", 0, "weight"], 2.0),
        ("losses[0]=mae", ["losses", 0, "type"], "mae"),
        ('losses=["mae"]', ["losses", 0, "type"], "mae"),
        ("model.quantizer=gradient", ["model", "quantizer", "type"], "gradient"),
        ("training.optimizer.beta_1=0.8", ["training", "optimizer", "beta_1"], 0.8),
        ("training.early_stopping.metric=psnr", ["training", "early_stopping", "patience"], 5),
        ("evaluation.metrics[1]=ssim", ["evaluation", "metrics", 1, "type"], "ssim"),
        ('notes={"a": [1]}', ["notes", "a", 0], 1),
        ("expected.psnr=30", ["expected", "psnr"], 30),
    ],
)  # fmt: skip
def test_set_takes_json_or_a_bare_string(
    load: Load, valid: Any, argument: str, path: list[Any] | None, value: Any
) -> None:
    if path is None:
        with pytest.raises(ExperimentError, match="not a valid JSON number"):
            load(valid, argument)
        return
    found: Any = load(valid, argument).values
    for part in path:
        found = found[part]
    assert found == value


def test_the_order_of_arguments_does_not_matter(load: Load, valid: Any) -> None:
    arguments = ["model.quantizer.type=gradient", "model.quantizer.embedding_dim=8"]
    one = load(valid, *arguments).resolved_json()
    assert load(valid, *reversed(arguments)).resolved_json() == one
    assert json.loads(one)["model"]["quantizer"]["embedding_dim"] == 8


def test_the_last_of_two_equal_arguments_wins(load: Load, valid: Any) -> None:
    assert load(valid, "seed=1", "seed=2").seed == 2


@pytest.mark.parametrize(
    ("arguments", "reset_options"),
    [
        (["model.quantizer.type=cosine"], ["num_embeddings"]),
        (["model.quantizer.num_embeddings=9", "model.quantizer.type=cosine"], []),
        (["model.quantizer.type=ema"], []),
        (["model.quantizer.type=fsq"], []),  # it has no such option
        (["model.quantizer=cosine"], []),  # the whole component, and nothing else of it
        (['model.quantizer={"type": "cosine"}'], []),
    ],
)
def test_changing_only_type_warns_of_each_option_reset_to_its_default(
    arguments: list[str], reset_options: list[str], load: Load, valid: Any
) -> None:
    found = load(valid, *arguments).warnings
    assert [each.code for each in found] == ["reset-to-default"] * len(reset_options)
    assert [each.message.split('"')[1] for each in found] == reset_options


def test_every_value_has_an_origin(write: Write, valid: Any) -> None:
    write(valid, "base.json")
    path = write('{"extends": "base.json",\n "seed": 4}')
    experiment = load_experiment(path, ["training.steps=20"])
    origins = experiment.origins
    assert origins["seed"].source == f"{path}:2:10"
    assert origins["training.steps"].source == "--set training.steps=20"
    assert origins["training.steps"].overridden
    assert origins["training.steps"].replaced[0][0] == 10
    assert origins["training.batch_size"].source.startswith("default of vqfw 0")
    assert origins["name"].source.startswith(str(path.parent / "base.json"))
    assert origins["name"].folder == path.parent
    assert set(origins) >= {row["path"] for row in experiment.explain_data()}


def test_the_folder_of_an_origin_is_that_of_the_file_with_the_value(
    write: Write, valid: Any
) -> None:
    write({**valid, "data": {"dataset": "./faces"}}, "inner/base.json")
    path = write({"extends": "inner/base.json"})
    assert load_experiment(path).origins["data.dataset.path"].folder == (
        path.parent / "inner"
    )


def test_a_whole_float_becomes_an_int(load: Load, valid: Any) -> None:
    valid["training"]["steps"] = 1e3
    valid["losses"] = [{"type": "mse", "weight": 2}]
    experiment = load(valid)
    assert type(experiment.training.steps) is int
    assert type(experiment.losses[0]["weight"]) is float


def test_a_whole_float_among_listed_values_becomes_an_int(
    load: Load, valid: Any
) -> None:
    valid["model"]["quantizer"] = {"type": "trellis", "states": 16.0}
    states = load(valid).model["quantizer"]["states"]
    assert (states, type(states)) == (16, int)


def test_a_float_beyond_2_to_the_53_is_not_an_integer(load: Load, valid: Any) -> None:
    assert load(valid, "seed=9007199254740992.0").seed == 2**53
    with pytest.raises(ExperimentError, match="stay within"):
        load(valid, "seed=9007199254740994.0")


@pytest.mark.parametrize("text", ["007", "1e3", "true", "null", "-1", "0x10", "1_000"])
def test_set_does_not_parse_the_value_of_an_option_that_is_text(
    load: Load, valid: Any, text: str
) -> None:
    folder = f"data.dataset.path={text}"
    experiment = load(valid, "data.dataset.type=image_folder", folder)
    assert experiment.data.dataset["path"] == text
    quoted = load(valid, f'description="{text}"', f"name={text.strip('-')}")
    assert quoted.values["description"] == text
    assert quoted.name == text.strip("-")


def test_an_optional_string_setting_can_be_set_to_null(load: Load, valid: Any) -> None:
    assert load(valid, "training.steps=5", "training.epochs=null").training.steps == 5


def test_explain_prints_value_origin_and_replaced_values(
    load: Load, valid: Any
) -> None:
    text = load(valid, "model.quantizer.num_embeddings=128").explain()
    (line,) = [each for each in text.splitlines() if "num_embeddings" in each]
    assert line.split()[:2] == ["model.quantizer.num_embeddings", "128"]
    assert "--set model.quantizer.num_embeddings=128" in line
    assert "(was 64, " in line
    assert "was 512, default of vqfw" in line


def test_errors_of_a_file_are_reported_although_its_base_is_missing(
    write: Write, valid: Any
) -> None:
    path = write({**valid, "extends": "nowhere.json", "sead": 1})
    with pytest.raises(ExperimentError) as caught:
        load_experiment(path)
    assert [each.code for each in caught.value.problems] == [
        "invalid-extends",
        "unknown-key",
    ]


def test_an_unreadable_base_causes_no_missing_key_errors(write: Write) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(write({"extends": "nowhere.json"}))
    assert [each.code for each in caught.value.problems] == ["invalid-extends"]


def test_a_very_long_path_or_chain_ends_in_a_problem(
    load: Load, write: Write, valid: Any
) -> None:
    with pytest.raises(ExperimentError, match="is not a valid path"):
        load(valid, ".".join(["a"] * 5000) + "=1")
    for number in range(40):
        write({"extends": f"{number + 1}.json"}, f"{number}.json")
    with pytest.raises(ExperimentError, match="more than 16 files"):
        load_experiment(write({"extends": "0.json"}))
