"""A key or a name with one slip of the keyboard is answered with the right one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vqfw.errors import ExperimentError
from vqfw.experiment import experiment_from
from vqfw.kinds.catalog import KINDS
from vqfw.problems.wording import multiples_of
from vqfw.schema.loading import packaged
from vqfw.suggestions import SYNONYMS, distance, nearest_words

ALPHABET = "abcdefghijklmnopqrstuvwxyz_"
SLOTS = {
    kind.name: [part for part in kind.key.replace("[]", ".0").split(".") if part]
    for kind in KINDS.values()
}
VALID: dict[str, Any] = {
    "data": {"dataset": "orl", "augmentations": []},
    "model": {
        "type": "vqvae",
        "encoder": "residual_conv",
        "quantizer": "ema",
        "decoder": "residual_conv",
    },
    "losses": ["mse"],
    "training": {"steps": 10, "optimizer": {"type": "adam"}, "trackers": []},
    "evaluation": {"metrics": []},
}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lr", "learning_rate"),
        ("n_embed", "num_embeddings"),
        ("codebook-size", "num_embeddings"),
        ("bs", "batch_size"),
        ("max_steps", "steps"),
        ("num_epochs", "epochs"),
        ("commitment_cost", "beta"),
        ("seeds", "seed"),
    ],
)
def test_a_synonym_of_a_setting_suggests_the_setting(word, meant):
    keys = {key for each in packaged()["$defs"].values() for key in each["properties"]}
    keys |= {"steps", "epochs", "batch_size", "beta", "seed", "learning_rate"}
    assert nearest_words(word, keys)[0] == meant


def test_every_key_of_the_synonyms_is_in_the_schema():
    schema = json.dumps(packaged())
    assert all(f'"{ours}"' in schema for ours in SYNONYMS)


def slips(word: str, draw: random.Random) -> list[str]:
    """One deletion, insertion, substitution and swap each."""
    at = draw.randrange(len(word))
    other = draw.choice([each for each in ALPHABET if each != word[at]])
    made = {word[:at] + other + word[at:], word[:at] + other + word[at + 1 :]}
    if len(word) > 2:
        made.add(word[:at] + word[at + 1 :])
        made.add(word[:at] + word[at : at + 2][::-1] + word[at + 2 :])
    return sorted(made - {word})


def components() -> Iterator[tuple[str, str]]:
    for key in packaged()["$defs"]:
        kind, dot, name = key.partition(".")
        if dot:
            yield kind, name


def with_component(kind: str, value: Any) -> dict[str, Any]:
    """The valid experiment with something else in one slot."""
    values = json.loads(json.dumps(VALID))
    *path, last = SLOTS[kind]
    node = values
    for part in path:
        node = node[part]
    if last == "0":
        node[:] = [value]
    else:
        node[last] = value
    return dict(values)


def helps(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        experiment_from(values)
    return [problem.help for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("schema", "value", "repair"),
    [
        ({"multipleOf": 2}, 511, "510 or 512"),
        ({"multipleOf": 2}, -3, "-4 or -2"),
        ({"multipleOf": 8, "minimum": 1, "maximum": 64}, 67, "64"),
        ({"multipleOf": 2, "exclusiveMinimum": 0, "exclusiveMaximum": 8}, 1, "2"),
        ({"multipleOf": 2, "exclusiveMinimum": 0, "exclusiveMaximum": 8}, 7, "6"),
        ({"multipleOf": 2, "minimum": 4}, -3, "a multiple of 2"),
        ({"multipleOf": 0.1}, 0.35, "0.3 or 0.4"),
    ],
)
def test_an_invalid_multiple_suggests_the_nearest_allowed_ones(
    schema: dict[str, Any], value: float, repair: str
) -> None:
    assert multiples_of(schema, value)[1] == repair


def test_a_misspelt_component_is_recognized() -> None:
    draw = random.Random(0)
    right = wrong = 0
    for kind, name in components():
        names = [other for k, other in components() if k == kind]
        for _ in range(2):
            for typo in slips(name, draw):
                if typo in names:
                    continue
                found = any(
                    f'"{name}"' in each for each in helps(with_component(kind, typo))
                )
                right, wrong = right + found, wrong + (not found)
    assert right + wrong > 300
    assert right / (right + wrong) >= 0.95


def test_a_misspelt_key_of_a_component_is_recognized() -> None:
    draw = random.Random(0)
    right = wrong = 0
    for kind, name in components():
        keys = list(packaged()["$defs"][f"{kind}.{name}"]["properties"])[1:]
        # All keys of a component are misspelt at once, each in its own way.
        for _ in range(3):
            typos = {draw.choice(slips(key, draw)): key for key in keys}
            typos = {typo: key for typo, key in typos.items() if typo not in keys}
            if not typos:
                continue
            told = " ".join(helps(with_component(kind, {"type": name, **typos})))
            for key in typos.values():
                found = f'did you mean "{key}"?' in told or f'"{key}"?' in told
                right, wrong = right + found, wrong + (not found)
    assert right + wrong > 300
    assert right / (right + wrong) >= 0.95


@pytest.mark.parametrize("section", ["", "data", "training", "evaluation"])
def test_a_misspelt_key_of_a_section_is_recognized(section: str) -> None:
    draw = random.Random(0)
    schema = packaged()["properties"][section] if section else packaged()
    keys = [key for key in schema["properties"] if key != "$schema"]
    for key in keys:
        for typo in slips(key, draw):
            values = json.loads(json.dumps(VALID))
            (values[section] if section else values)[typo] = 1
            told = " ".join(helps(values))
            # Where the right key is given as well, the repair names that one.
            assert f'"{key}"' in told, (typo, told)


def test_a_swap_of_neighbours_is_one_edit() -> None:
    assert distance("tpye", "type") == 1
    assert distance("type", "type") == 0
    assert distance("abc", "xyz") == 3


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("batchSize", "batch_size"),
        ("Batch-Size", "batch_size"),
        ("lr", "learning_rate"),
        ("batch", "batch_size"),
        ("batchs_size", "batch_size"),
    ],
)
def test_suggestions_ignore_case_and_separators(word: str, meant: str) -> None:
    known = ["batch_size", "learning_rate", "steps", "precision"]
    assert nearest_words(word, known) == [meant]


def test_an_unrelated_word_gets_no_suggestion() -> None:
    assert nearest_words("zebra", ["batch_size", "learning_rate"]) == []


def test_equally_near_words_are_all_suggested() -> None:
    assert nearest_words("mxe", ["mse", "mae", "ssim"]) == ["mae", "mse"]


def test_a_missing_key_is_not_reported_beside_its_misspelling(tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    values = {**VALID, "data": {"datset": "orl"}}
    file.write_text(json.dumps(values))
    assert len(helps(values)) == 1


def test_only_one_module_compares_misspelt_words():
    vqfw = Path(__file__).parents[2] / "vqfw"
    comparing = [
        p.name for p in vqfw.rglob("*.py") if "difflib" in p.read_text("utf-8")
    ]
    assert comparing == ["suggestions.py"]
