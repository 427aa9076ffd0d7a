"""The schema: true to the constructors, safe, and the same in every editor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry

from vqfw.errors import ExperimentError
from vqfw.experiment import CheckedExperiment
from vqfw.kinds.catalog import KINDS
from vqfw.problems.findings import schema_problems
from vqfw.registry import index
from vqfw.schema.loading import packaged, packaged_path
from vqfw.text.reader import read

ROOT = Path(__file__).parents[2]
COMMAND = "python -m vqfw.schema > schemas/experiment.schema.json"

ALLOWED = {
    "$defs", "$ref", "$schema", "additionalProperties", "allOf", "anyOf", "const",
    "default", "description", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
    "if", "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf", "not",
    "pattern", "properties", "required", "then", "title", "type",
}  # fmt: skip
FOR_RECORDS = {"before", "introduced"}
FOR_EDITORS = {
    "allowComments", "allowTrailingCommas", "defaultSnippets", "enumDescriptions",
    "markdownDescription",
}  # fmt: skip


def schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """All schemas below a schema; not what merely looks like one in a default."""
    if not isinstance(node, dict):
        return
    yield node
    for key in ("properties", "$defs"):
        for each in node.get(key, {}).values():
            yield from schemas_in(each)
    for key in ("items", "if", "then", "not", "additionalProperties"):
        yield from schemas_in(node.get(key))
    for key in ("allOf", "anyOf"):
        for each in node.get(key, ()):
            yield from schemas_in(each)


@pytest.fixture(scope="module")
def fresh() -> str:
    """What the command prints, made by another process that imports the components."""
    environment = {**os.environ, "VQFW_NO_PLUGINS": "1"}
    command = [sys.executable, "-m", "vqfw.schema"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=True
    )
    return done.stdout.decode("utf-8")


def test_the_committed_schema_equals_the_generated_one(fresh: str) -> None:
    committed = packaged_path().read_text("utf-8")
    assert committed == fresh, f"it is out of date: run {COMMAND}"


def test_the_schema_is_a_schema_in_both_drafts() -> None:
    Draft202012Validator.check_schema(packaged())
    Draft7Validator.check_schema(packaged())


def test_only_keywords_with_the_same_meaning_in_both_drafts_are_used() -> None:
    for each in schemas_in(packaged()):
        assert set(each) <= ALLOWED | FOR_EDITORS | FOR_RECORDS


def test_every_object_with_known_keys_is_closed() -> None:
    for each in schemas_in(packaged()):
        if "properties" in each and each.get("required") != ["type"]:
            assert each.get("additionalProperties") is False
    for name, each in packaged()["$defs"].items():
        assert ("." in name) == (each.get("additionalProperties") is False)


def test_every_ref_points_inside_the_schema() -> None:
    whole = packaged()
    for each in schemas_in(whole):
        if "$ref" in each:
            assert each["$ref"].removeprefix("#/$defs/") in whole["$defs"]


def test_every_first_party_component_and_kind_is_in_it() -> None:
    definitions = packaged()["$defs"]
    assert set(KINDS) == {name for name in definitions if "." not in name}
    components = {f"{e.kind}.{e.name}" for e in index().entries if e.first_party}
    assert components == {name for name in definitions if "." in name}


def test_every_setting_is_described_for_a_person() -> None:
    for name, each in packaged()["$defs"].items():
        assert each["description"]
        for key, option in each["properties"].items():
            if key != "type" and not name.startswith(("optimizer", "learning_rate")):
                assert option.get("description"), f"{name}: {key}"


def test_a_list_of_names_has_a_description_for_each() -> None:
    for each in schemas_in(packaged()):
        if "enumDescriptions" in each:
            assert len(each["enumDescriptions"]) == len(each["enum"])


def test_editor_snippets_are_valid_once_filled_in() -> None:
    definitions = packaged()["$defs"]
    for kind in KINDS:
        for snippet in definitions[kind]["defaultSnippets"]:
            fragment = definitions[f"{kind}.{snippet['body']['type']}"]
            assert set(fragment["required"]) == set(snippet["body"])


@pytest.mark.parametrize("validator", [Draft202012Validator, Draft7Validator])
def test_the_schema_and_the_loader_agree(
    load: Callable[..., CheckedExperiment], valid: dict[str, Any], validator: Any
) -> None:
    """What an editor underlines is what the command line refuses, and nothing else."""
    changes: list[tuple[str, Any]] = [
        ("model.beta", 0.25), ("model.beta", -1), ("model.beta", "linear"),
        ("model.beta", "lineal"), ("model.beta", None), ("model.revival", None),
        ("model.revival", "random_latents"), ("model.revival", 3),
        ("model.quantizer", "ema"), ("model.quantizer", {"type": "ema", "tau": 1}),
        ("model.quantizer", {}), ("model.quantizer", []), ("model.quantizer", True),
        ("data.dataset", "orl"), ("data.dataset", "./faces"), ("data.dataset", "orll"),
        ("data.crop", None), ("data.crop", 0), ("data.image_size", 64.0),
        ("data.augmentations", ["zoom", {"type": "rotation", "probability": 0.5}]),
        ("losses", []), ("losses", ["mse", {"type": "mae", "weight": 2}]),
        ("name", "Faces"), ("name", "a-b.c_1"), ("notes", {"x": [1, {}]}),
        ("expected", {"psnr": 1}), ("expected", {"psnr": "1"}), ("seed", -1),
        ("training.optimizer", "adam"), ("training.early_stopping", {}),
        ("training.early_stopping", {"metric": "psnr"}), ("training.precision", "half"),
        ("training.optimizer", {"type": "adam", "learning_rate": 0.1}),
        ("training.optimizer", {"type": "adam", "learning_rate": "cosine_decay"}),
    ]  # fmt: skip
    verdicts = set()
    for path, value in changes:
        values = json.loads(json.dumps(valid))
        *above, last = path.split(".")
        node = values
        for part in above:
            node = node[part]
        node[last] = value
        editor = validator(packaged(), registry=Registry()).is_valid(values)
        try:
            load(values)
            ours = True
        except ExperimentError:
            ours = False
        assert editor == ours, (path, value)
        verdicts.add(ours)
    assert verdicts == {True, False}


# jsonschema warns of what it would do without a registry of its own, and then does it.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_reference_to_a_file_is_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"const": "s3cret"}')
    properties = {**packaged()["properties"], "name": {"$ref": secret.as_uri()}}
    hostile = {**packaged(), "properties": properties}
    with pytest.raises(Exception, match="Unresolvable"):
        schema_problems(read('{"name": "x"}', "x.json"), hostile, {})
