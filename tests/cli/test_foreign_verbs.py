"""Verbs of other packages work, and neither break nor replace a verb of vqfw."""

import subprocess
import sys

import pytest

from vqfw.registry import hooks

GROUP = {"vqfw": "verbs = MODULE"}
VERBS = """
import click
from vqfw.kinds.hooks import Section, hook

@hook
def vqfw_cli():
    @click.command("NAME")
    def command():
        "Say a word."
        click.echo("a word")
    return [command]

@hook
def vqfw_report_sections(run):
    return [Section("Diary", f"it was {run.id}\\n")]
"""
TRAP = """
import sys
sys.stderr.write("sprung\\n")
raise ValueError("broken")
"""


@pytest.fixture(autouse=True)
def anew():
    hooks.observers.cache_clear()
    yield
    hooks.observers.cache_clear()


def test_a_verb_of_another_package_is_listed_and_works(install, command):
    install("vqfw-word", VERBS.replace("NAME", "word"), GROUP)
    listed = command("--help")
    assert "word" in listed.out
    assert "Say a word." in listed.out
    assert command("word") == (0, "a word\n", "")


def test_a_plugin_cannot_replace_a_verb_of_vqfw(install, command, root):
    install("vqfw-word", VERBS.replace("NAME", "runs"), GROUP)
    assert command("runs", "list") == (0, "", "")
    listed = command("--help")
    assert "Say a word." not in listed.out
    assert listed.err == (
        'left out: verb "runs" of observer "vqfw-word/verbs": vqfw has a verb of that '
        "name; rename it there\n"
    )


def test_a_verb_claimed_by_two_packages_is_left_out(install, command):
    for name in ("vqfw-word", "vqfw-other"):
        install(name, VERBS.replace("NAME", "word"), GROUP)
    answer = command("word")
    assert answer.code == 2
    assert (
        'left out: verb "word" is claimed by observer "vqfw-other/verbs" and observer '
        '"vqfw-word/verbs": uninstall one of them'
    ) in answer.err
    assert "No such command 'word'" in answer.err


@pytest.mark.parametrize(
    "source",
    [
        TRAP,
        VERBS.replace("[command]", "command"),
        VERBS.replace('@click.command("NAME")', "@int"),
    ],
    ids=["does_not_import", "returns_no_list", "raises"],
)
def test_a_broken_package_is_reported_and_every_other_verb_works(
    install, command, root, source
):
    install("vqfw-bad", source, GROUP)
    install("vqfw-word", VERBS.replace("NAME", "word"), GROUP)
    listed = command("--help")
    assert listed.code == 0
    assert "validate" in listed.out
    assert "word" in listed.out
    (line,) = [line for line in listed.err.splitlines() if "observer" in line]
    assert '"vqfw-bad/verbs"' in line
    assert "uninstall vqfw-bad" in line
    assert command("word").out == "a word\n"


def test_a_verb_of_vqfw_imports_no_observer(install, command, root):
    install("vqfw-bad", TRAP, GROUP)
    for verb in (["runs", "list"], ["plugins", "list"], ["validate", "--help"], []):
        assert "sprung" not in command(*verb).err


@pytest.mark.parametrize("arguments", [["--help"], ["word"]])
def test_no_plugins_removes_the_verbs_of_other_packages(
    install, command, arguments, monkeypatch
):
    monkeypatch.setenv("VQFW_NO_PLUGINS", "")
    install("vqfw-bad", TRAP, GROUP)
    answer = command("--no-plugins", *arguments)
    assert "sprung" not in answer.err


def test_an_unknown_verb_is_an_error(command):
    answer = command("rum")
    assert answer.code == 2
    assert 'unknown verb "rum": did you mean vqfw run?' in answer.err


def test_an_error_in_a_verb_of_a_plugin_names_the_plugin_package(install):
    from vqfw.cli.command_line import main

    bad = VERBS.replace("NAME", "word").replace('click.echo("a word")', "[][1]")
    install("vqfw-word", bad, GROUP)
    with pytest.raises(IndexError) as caught:
        main(["word"])
    assert any("came through vqfw-word 0.1" in note for note in caught.value.__notes__)


def test_help_imports_no_keras_and_no_registry_where_nobody_observes(tmp_path):
    code = (
        "import sys; from vqfw.cli.command_line import vqfw\n"
        "vqfw.main(['--help'], standalone_mode=False)\n"
        "assert not {'keras', 'pluggy', 'vqfw.registry'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_run_is_shown_with_the_report_sections_of_plugins(install, command, done):
    install("vqfw-word", VERBS.replace("NAME", "word"), GROUP)
    done.folder.note_failure(
        {"tracker": "x", "hook": "close", "error": "OSError: full"}
    )
    answer = command("runs", "show", "done")
    assert answer.code == 0
    assert answer.out.startswith("run done · tiny · vqvae\n  12 steps saved · ")
    assert "psnr" in answer.out
    assert answer.out.endswith("\nDiary\n\nit was done\n")
    assert "failed: x · close · OSError: full" in answer.err
    data = command("runs", "show", "done", "--json").data
    assert data["sections"] == [{"title": "Diary", "text": "it was done\n"}]
    assert data["steps"] == 12
    assert data["scores"]["test"]["psnr"]["value"] > 0


def test_a_run_is_shown_although_a_report_section_fails(install, command, done):
    bad = VERBS.replace("{run.id}", "{run.nothing}")
    install("vqfw-word", bad, GROUP)
    answer = command("runs", "show", "done", "--json")
    assert answer.code == 0
    assert answer.data["sections"] == []
    assert "AttributeError" in answer.err


def test_plugins_hooks_names_the_installed_observers(install, command):
    install("vqfw-bad", TRAP, GROUP)
    answer = command("plugins", "hooks", "--json")
    assert answer.data["observers"] == ["vqfw-bad/verbs (vqfw-bad 0.1)"]
    assert answer.err == ""
