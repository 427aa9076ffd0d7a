"""Installed components in words: what is said of them is what holds."""

from __future__ import annotations

import json
import sys

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry

from vqfw.authoring.component_options import resolved_options
from vqfw.authoring.components import (
    describe_component,
    find_component,
    import_components,
    list_components,
)
from vqfw.authoring.values import in_words
from vqfw.errors import ExperimentError, PluginError, UsageError
from vqfw.experiment import experiment_from
from vqfw.kinds.catalog import KINDS
from vqfw.registry import index
from vqfw.schema.loading import packaged

ENTRY = {"vqfw.losses": "odd = MODULE:Odd"}
FINE = '''
class Odd:
    """A loss of other people.

    Args:
        share: How much of it.
    """

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...
'''
OURS = [entry for entry in index().entries if entry.first_party]
ours = pytest.mark.parametrize(
    "entry", OURS, ids=lambda each: f"{each.kind}-{each.name}"
)


@ours
def test_the_example_of_a_component_is_valid(entry):
    found = describe_component(entry)
    key = KINDS[entry.kind].key.rpartition(".")[2].removesuffix("[]")
    value = json.loads("{" + found.example + "}")[key]
    options = value[0] if isinstance(value, list) else value
    fragment = {"$ref": f"#/$defs/{entry.kind}.{entry.name}"}
    schema = {**fragment, "$defs": packaged()["$defs"]}
    assert not list(
        Draft202012Validator(schema, registry=Registry()).iter_errors(options)
    )
    assert set(options) == {"type", *(each.name for each in found.options)}


@ours
def test_components_of_vqfw_are_listed_with_their_options(entry):
    (found,) = list_components([entry])
    assert found.state == "ready"
    assert found.sentence.endswith((".", "…", ")")), found.sentence
    assert "\n" not in found.sentence


def test_an_example_can_be_pasted_into_an_experiment():
    model = json.loads(
        "{" + describe_component(find_component("model/vqvae")).example + "}"
    )
    metric = json.loads("{" + describe_component(find_component("psnr")).example + "}")
    found = experiment_from(
        {
            "data": {"dataset": "orl"},
            **model,
            "training": {"steps": 9},
            "evaluation": metric,
        }
    )
    assert found.model["quantizer"]["type"] == "ema"


def test_a_component_of_a_plugin_is_unread_until_it_is_described(install):
    install("vqfw-odd", FINE, ENTRY)
    entry = find_component("loss/odd")
    (before,) = list_components([entry])
    assert (before.state, before.sentence, before.options) == ("unread", "?", None)
    found = describe_component(entry)
    share, weight = found.options
    assert (share.name, share.type, share.default) == ("share", "number", 0.5)
    assert (share.required, share.meaning) == (False, "How much of it.")
    assert weight.name == "weight"
    assert list(list_components([entry])) == [found]
    assert "vqfw_odd" not in sys.modules


def test_import_components_imports_plugins_and_ignores_the_fragment_cache(install):
    path = install("vqfw-odd", "import a_package_that_comes_and_goes\n" + FINE, ENTRY)
    there = path.with_name("a_package_that_comes_and_goes.py")
    there.write_text("")
    entry = find_component("loss/odd")
    assert describe_component(entry).state == "ready"
    there.unlink()
    assert [each.state for each in list_components([entry])] == ["ready"]
    (found,) = import_components([entry])
    assert found.state == "broken"
    assert "a_package_that_comes_and_goes" in found.reason


def test_a_plugin_for_another_version_of_vqfw_is_listed_as_broken(install):
    install("vqfw-odd", FINE, ENTRY, requires="vqfw<0.1")
    (found,) = list_components([find_component("loss/odd")])
    assert found.state == "broken"
    assert "requires vqfw<0.1" in found.reason


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("residual_conv", UsageError, "encoder/residual_conv or decoder/residual_conv"),
        ("quantizer/emma", PluginError, 'did you mean "ema"'),
        ("gradiant", PluginError, "did you mean quantizer/gradient"),
        ("loss/ema", PluginError, '"ema" is a quantizer, not a loss'),
        ("", PluginError, "vqfw plugins list"),
    ],
)
def test_an_unknown_or_ambiguous_name_is_refused_with_the_repair(text, error, told):
    with pytest.raises(error, match=told):
        find_component(text)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "integer ≥ 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number ≥ 0 and < 1"),
        ({"enum": ["a", None]}, '"a" or null'),
        ({"type": ["integer", "null"]}, "integer or null"),
        ({"type": "array", "items": {"type": "number"}}, "array of number"),
        ({"allOf": [{"$ref": "#/$defs/revival"}]}, "revival component"),
        (
            {"if": {"not": {"type": "null"}}, "then": {"$ref": "#/$defs/beta"}},
            "beta component or null",
        ),
    ],
)
def test_the_values_of_an_option_in_words(schema, words):
    assert in_words(schema) == words


def test_options_are_resolved_as_in_an_experiment():
    found = resolved_options(
        find_component("model/vqvae"), ["quantizer.num_embeddings=16", "beta=0.5"]
    )
    assert found["quantizer"]["num_embeddings"] == 16
    assert found["beta"] == {"type": "constant", "value": 0.5}
    assert found["encoder"]["type"] == "residual_conv"
    assert found["revival"]["interval"] == 50


def test_a_wrong_setting_has_the_message_of_an_experiment():
    with pytest.raises(ExperimentError, match='did you mean "num_embeddings"'):
        resolved_options(find_component("ema"), ["num_embedding=16"])
