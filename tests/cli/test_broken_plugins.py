"""Every verb works beside a broken package; only what names it ends with code 3."""

from __future__ import annotations

import json

import pytest

ENTRY = {"vqfw.losses": "odd = MODULE:Odd"}
FINE = '''
class Odd:
    """A loss of other people."""

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...

    def __call__(self, original, reconstruction):
        return [][1]
'''
BROKEN = {
    "raises": ("print('noise')\nraise ValueError('broken')", {}),
    "exits": ("raise SystemExit(0)", {}),
    "kills_python": ("import os\nos._exit(0)", {}),
    "lacks_a_package": ("import a_module_that_nobody_has", {}),
    "is_of_another_kind": (FINE.replace('"loss"', '"metric"'), {}),
    "is_made_for_another_vqfw": (FINE, {"requires": "vqfw<0.1"}),
}
each = pytest.mark.parametrize(("source", "options"), BROKEN.values(), ids=list(BROKEN))


@each
def test_every_verb_works_beside_it(install, tiny_file, command, source, options):
    install("vqfw-odd", source, ENTRY, **options)
    listed = command("plugins", "list", "--json")
    assert listed.code == 0
    assert "odd" in {each["name"] for each in listed.data["components"]}
    for verb in ("validate", "explain"):
        answer = command(verb, "tiny.json", "--json")
        assert answer.code == 0
        assert "odd" not in answer.err
    schema = command("schema")
    assert schema.code == 0
    assert "loss.odd" not in json.loads(schema.out)["$defs"]
    (line,) = schema.err.splitlines()
    assert line.startswith("left out: ")
    assert "vqfw-odd 0.1" in line


@each
def test_what_names_it_ends_with_the_code_for_plugins(
    install, tiny_file, command, root, source, options
):
    install("vqfw-odd", source, ENTRY, **options)
    for verb in ("validate", "run"):
        answer = command(verb, "tiny.json", "--set", 'losses=["odd"]')
        assert answer.code == 3
        assert answer.out == ""
        assert "vqfw-odd" in answer.err
        assert "Traceback" not in answer.err
    assert not (root / "checkpoints").exists()


def test_a_name_of_ours_keeps_its_meaning_and_the_list_says_so(
    install, tiny_file, command
):
    install("vqfw-odd", FINE, {"vqfw.losses": "mse = MODULE:Odd"})
    before = command("explain", "tiny.json", "--json").data
    values = {each["path"]: each["source"] for each in before["values"]}
    assert "losses[0].share" not in values
    listed = command("plugins", "list", "--json").data["components"]
    written = {
        each["distribution"]: each["write"] for each in listed if each["name"] == "mse"
    }
    assert written == {"vqfw": "mse", "vqfw-odd": "vqfw-odd/mse"}


def test_a_name_that_two_claim_is_nobodys(install, tiny_file, command):
    for distribution in ("vqfw-odd", "vqfw-even"):
        install(distribution, FINE, ENTRY)
    assert command("validate", "tiny.json").code == 0
    answer = command("validate", "tiny.json", "--set", 'losses=["odd"]')
    assert answer.code == 3
    assert '"vqfw-even/odd" or "vqfw-odd/odd"' in answer.err
    qualified = 'losses=["vqfw-even/odd"]'
    assert command("validate", "tiny.json", "--set", qualified).code == 0


def test_a_traceback_says_whose_fault_it_is(install, tiny_file):
    from vqfw.cli.main import main

    install("vqfw-odd", FINE, ENTRY)
    arguments = ["run", "tiny.json", "--set", 'losses=["odd"]', "--quiet"]
    with pytest.raises(IndexError) as caught:
        main(arguments)
    (note,) = [each for each in caught.value.__notes__ if "came through" in each]
    assert note.startswith("this error came through vqfw-odd 0.1 (")
    assert note.endswith("not from vqfw: report it to its authors")
