"""The page about hooks is what the specifications say."""

import inspect
from pathlib import Path

import pytest

from vqfw.authoring.hook_reference import as_markdown, describe_hooks
from vqfw.kinds.hooks import Hooks
from vqfw.registry.hooks import HOOKS, arguments_of
from vqfw.registry.parameters import arguments_section

PAGE = Path(__file__).parents[2] / "plugins" / "HOOKS.md"


def test_the_committed_page_is_the_one_that_the_verb_writes(command):
    # Mended by: vqfw plugins hooks > plugins/HOOKS.md
    assert command("plugins", "hooks").out == PAGE.read_text()


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_documents_exactly_its_arguments(name):
    documented = arguments_section(inspect.getdoc(getattr(Hooks, name)) or "")
    assert tuple(documented) == arguments_of(name)
    assert f"## `{name}({', '.join(arguments_of(name))})`" in PAGE.read_text()


def test_a_run_folder_has_every_property_of_an_observed_run(done):
    from vqfw.kinds.hooks import ObservedRun

    names = [name for name, it in vars(ObservedRun).items() if isinstance(it, property)]
    assert names == ["id", "path", "pictures", "resolved", "scores"]
    for name in names:
        assert getattr(done.folder, name)
        assert f"`run.{name}`" in as_markdown(describe_hooks())
