"""The documentation shows the template's code, and what it shows works."""

import re
import sys
from pathlib import Path

import pytest

from vqfw import kinds
from vqfw.authoring.guide import guide_page, inserted
from vqfw.authoring.template import (
    promised,
    template_folder,
    template_kinds,
)
from vqfw.kinds.catalog import OBSERVER
from vqfw.registry import files, index
from vqfw.testing.component import outcomes

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "plugins" / "README.md").read_text()
MEND = "mend with: python -m vqfw.authoring.guide"

# The observer has a page of its own, plugins/HOOKS.md.
SHOWN = [kind for kind in template_kinds() if kind != OBSERVER]
NARROW = "filters=8,residual_filters=4,residual_blocks=1"
# Small is quick; the defaults are for real pictures.
SMALL = {
    "quantizer": ["num_embeddings=16"],
    "dataset": ["count=20", "size=16"],
    "model": [
        f"{part}.{setting}"
        for part in ("encoder", "decoder")
        for setting in NARROW.split(",")
    ],
}


def code(text: str, language: str) -> str:
    """The one block of a language in a text."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def page(kind: str) -> str:
    """What the guide says of a kind."""
    return re.split(rf"^## {kind}$", GUIDE, flags=re.MULTILINE)[1].split("\n## ")[0]


@pytest.fixture
def forgotten():
    """Forgets the plugin files of a test after it."""
    yield
    files._LOADED.clear()
    sys.modules["vqfw.registry.entries"]._FROM_FILES.clear()
    for name in [each for each in sys.modules if "plugin_documented" in each]:
        del sys.modules[name]
    index.cache_clear()


@pytest.fixture
def documented(tmp_path, forgotten):
    """Loads the example of a kind as a file of one's own."""

    def load(kind: str):
        path = tmp_path / f"documented_{kind}.py"
        path.write_text(code(page(kind), "python"))
        (entry,) = files.load_file(path)
        return entry

    return load


def test_the_guide_is_what_the_template_makes_it():
    assert guide_page(GUIDE) == GUIDE, MEND


def test_the_reference_has_everything_that_a_component_can_import():
    found = GUIDE.partition("\n## reference\n")[2]
    statement = r"^(?:(?:class|def) )?(\w+)(?:[(:]| = | *: )[^`]*?\"\"\""
    entries = re.findall(statement, found, re.MULTILINE)
    assert set(kinds.__all__) <= set(entries)
    assert len(entries) == len(set(entries))


def test_the_reference_shows_no_private_member_and_no_body():
    found = GUIDE.partition("\n## reference\n")[2]
    assert not re.findall(r"^ *def _(?!_call__)", found, re.MULTILINE)
    assert not re.findall(r"^ *return ops\.", found, re.MULTILINE)


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["quantizer", "loss", "tracker"])
def test_the_recipe_keeps_its_contract(kind, tmp_path, forgotten):
    text = GUIDE.partition(f"<!-- recipe: {kind} -->\n")[2].partition("\n```\n")[0]
    path = tmp_path / f"documented_{kind}.py"
    path.write_text(text.removeprefix("```python\n") + "\n")
    (entry,) = files.load_file(path)
    small = ["quantizer.num_embeddings=16"] if kind == "quantizer" else []
    found = list(outcomes(entry, small))
    assert [(each.check, each.complaint) for each in found if each.complaint] == []
    assert len(found) > 5


def test_the_readme_shows_the_quantizer_of_the_template():
    assert inserted(README) == README, MEND
    shown = README.partition("<!-- template: quantizer -->")[2].partition("<!--")[0]
    template = (template_folder() / "vqfw_template" / "quantizer.py").read_text()
    assert code(shown, "python") == template.replace("Template", "Mine")
    metadata = (template_folder() / "pyproject.toml").read_text()
    for line in filter(None, code(shown, "toml").splitlines()):
        told = line.replace("mine", "template").replace("Mine", "Template")
        assert told in metadata


@pytest.mark.parametrize("kind", SHOWN)
def test_every_kind_has_a_complete_example(kind):
    text = page(kind)
    found, contract = promised(kind)
    assert f"class Mine({contract.partition(':')[2]})" in text
    assert f'[project.entry-points."{found.group}"]' in code(text, "toml")
    assert found.key.removesuffix("[]") in code(text, "sh")


@pytest.mark.parametrize("kind", SHOWN)
def test_the_example_of_the_documentation_keeps_its_contract(kind, documented):
    found = list(outcomes(documented(kind), SMALL.get(kind, ())))
    assert found
    assert [(each.check, each.complaint) for each in found if each.complaint] == []
