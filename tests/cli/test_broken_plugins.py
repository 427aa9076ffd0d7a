"""Broken packages stop no verb; only an experiment that names one exits with code 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from vqfw.registry import hooks, importing, index

ENTRY = {"vqfw.losses": "odd = MODULE:Odd"}
FINE = '''
class Odd:
    """A loss of other people."""

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...

    def __call__(self, original, reconstruction):
        return [][1]
'''
MISSPELT = "from vqfw.kinds.hooks import hook\n\n@hook\ndef vqfw_run_ends(run): ...\n"


class Bad(NamedTuple):
    """A broken package.

    Args:
        source: of its module.
        reason: what is told of it.
        repair: what to do about it.
        requires: a line of its metadata.
        name: what it registers its loss as.
        read: whether verbs that read all options find it out.
    """

    source: str
    reason: str
    repair: str = "repair or uninstall vqfw-odd"
    requires: str = ""
    name: str = "odd"
    read: bool = True


def made_for(requires: str) -> Bad:
    told = requires.partition(" ")[2] or requires
    fits = "install a version of vqfw-odd that fits"
    return Bad(FINE, f"it requires {told}, and this is", fits, requires)


def with_share(annotation: str) -> str:
    return FINE.replace("share: float = 0.5", f"share: {annotation}")


CHANGE = "change the annotations of vqfw_odd"
BAD = {
    "raises": Bad("raise ValueError('broken')", "ValueError: broken"),
    "exits": Bad("raise SystemExit(0)", "ends Python with exit code 0"),
    "prints": Bad("print('{}')\nraise ValueError('broken')", "ValueError: broken"),
    "hangs": Bad("import time\ntime.sleep(600)", "its import took more than"),
    "lacks_a_package": Bad("import nobody_has_this", "nobody_has_this"),
    "lacks_its_class": Bad("", "no attribute 'Odd'"),
    "kills_python": Bad("import os\nos._exit(0)", "ended Python with exit code 0"),
    "crashes_python": Bad(
        "import os\nos.kill(os.getpid(), 11)", "ended Python with exit code -11"
    ),
    "is_of_another_kind": Bad(
        FINE.replace('"loss"', '"metric"'), "is a metric", "move its entry point"
    ),
    "is_of_no_kind": Bad(
        FINE.replace('"loss"', '"lossy"'), "which is unknown", "derive it from Loss"
    ),
    "is_made_for_an_older_vqfw": made_for("vqfw<0.1"),
    "is_made_for_a_later_vqfw": made_for("vqfw>=1"),
    "is_made_for_a_release_candidate": made_for("vqfw==0.1.0rc1"),
    "is_made_for_a_later_pre_release": made_for("vqfw>=0.1.1.dev0"),
    "has_an_option_of_no_json": Bad(with_share("object"), "cannot be used", CHANGE),
    "has_annotations_that_raise": Bad(
        "from __future__ import annotations\n" + with_share("nothing[1]"),
        "cannot be used",
        CHANGE,
    ),
    "has_a_default_of_no_json": Bad(
        with_share("float = float('inf')"), "cannot be used", CHANGE
    ),
    "fails_when_it_is_made": Bad(
        FINE.replace("-> None: ...", "-> None: [][1]"), "IndexError: list index",
        read=False,
    ),
    "exits_when_it_is_made": Bad(
        FINE.replace("-> None: ...", "-> None: exit(0)"), "ends Python with exit code 0",
        read=False,
    ),
    "tells_a_whole_page": Bad(
        "raise ValueError('broken' + chr(10) + 'for many reasons')",
        "ValueError: broken at",
    ),
}  # fmt: skip
each = pytest.mark.parametrize("bad", BAD.values(), ids=list(BAD))
# Verbs that run no code of a package that is not named, with what they say to a script.
QUIET = {
    "--help": ("--help",),
    "plugins list": ("plugins", "list", "--json"),
    "plugins show": ("plugins", "show", "loss/mse", "--json"),
    "validate": ("validate", "tiny.json", "--json"),
    "plan": ("plan", "tiny.json", "--json"),
    "explain": ("explain", "tiny.json", "--json"),
    "run": ("run", "tiny.json", "--json", "--quiet"),
    "runs list": ("runs", "list", "--json"),
}
READING = {
    "plugins list --check": ("plugins", "list", "--check", "--json"),
    "schema": ("schema",),
}


@pytest.fixture(autouse=True)
def observers_anew():
    hooks.observers.cache_clear()
    yield
    hooks.observers.cache_clear()


@pytest.fixture
def everything_bad(install):
    """Installs every bad package, and more that claim names or misspell a hook."""
    owners = []
    for name, bad in BAD.items():
        owner = f"vqfw-odd-{name.replace('_', '-')}"
        entry = {"vqfw.losses": f"{name} = MODULE:Odd"}
        install(owner, bad.source, entry, requires=bad.requires)
        owners.append(owner)
    install("vqfw-claims-ours", "raise ValueError", {"vqfw.losses": "mse = MODULE:Odd"})
    for owner in ("vqfw-claims-one", "vqfw-claims-two"):
        install(owner, "raise ValueError", {"vqfw.losses": "twice = MODULE:Odd"})
    install("vqfw-misspells", MISSPELT, {"vqfw": "watch = MODULE"})
    return [*owners, "vqfw-claims-ours", "vqfw-claims-one", "vqfw-misspells"]


@pytest.mark.parametrize("verb", QUIET)
def test_a_verb_works_although_other_packages_are_broken(
    verb, everything_bad, tiny_file, command
):
    answer = command(*QUIET[verb])
    assert answer.code == 0, answer.err
    if verb != "--help":
        assert answer.data["vqfw"] == 1
    for owner in everything_bad:
        lines = [
            line for line in answer.err.splitlines() if owner in line.split("/")[0]
        ]
        assert len(lines) <= 1, (owner, lines)
    loaded = {name for name in sys.modules if name.startswith(("vqfw_odd", "vqfw_cl"))}
    assert not loaded


@pytest.mark.processes
@pytest.mark.parametrize("verb", READING)
def test_a_verb_that_reads_all_options_prints_a_line_for_each_broken_package(
    verb, everything_bad, tiny_file, command, root
):
    # The one that hangs costs its deadline, and is looked at alone.
    hanging = root / "site" / "vqfw_odd_hangs-0.1.dist-info"
    (hanging / "entry_points.txt").unlink()
    index.cache_clear()
    answer = command(*READING[verb])
    assert answer.code == (3 if verb == "plugins list --check" else 0)
    json.loads(answer.out)
    for name, bad in BAD.items():
        owner = f"vqfw-odd-{name.replace('_', '-')} 0.1"
        lines = [line for line in answer.err.splitlines() if owner in line]
        assert len(lines) == (bad.read and name != "hangs"), (name, lines)
        assert all(bad.reason in line for line in lines), lines


@each
def test_an_experiment_that_names_a_broken_component_gets_owner_reason_and_repair(
    bad, install, tiny_file, command, root, monkeypatch
):
    if "sleep" in bad.source:
        monkeypatch.setattr(importing, "IMPORT_SECONDS", 1.0)
    install("vqfw-odd", bad.source, ENTRY, requires=bad.requires)
    # What only its constructor does shows when it is made.
    verbs = ("validate", "run") if bad.read else ("run",)
    for verb in verbs:
        answer = command(verb, "tiny.json", "--set", 'losses=["odd"]')
        assert answer.code == 3
        assert answer.out == ""
        assert "vqfw-odd 0.1" in answer.err
        assert bad.reason in answer.err
        assert bad.repair in answer.err
        assert "Traceback" not in answer.err
    assert not list((root / "checkpoints").glob("*/state"))


@pytest.mark.processes
def test_a_process_of_vqfw_works_although_other_packages_are_broken(
    everything_bad, tiny_file, root
):
    code = "from vqfw.cli.command_line import main; main()"
    path = os.pathsep.join([str(root / "site"), *filter(None, sys.path)])
    found = subprocess.run(
        [sys.executable, "-P", "-c", code, "run", "tiny.json", "--json", "--quiet"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["steps"] == 12
    (line,) = found.stderr.splitlines()
    assert 'observer "vqfw-misspells/watch" failed in import' in line
    assert 'did you mean "vqfw_run_end"' in line


def test_a_first_party_name_wins_and_the_list_reports_the_claim(
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


def test_a_name_claimed_by_two_packages_is_an_error(install, tiny_file, command):
    for distribution in ("vqfw-odd", "vqfw-even"):
        install(distribution, FINE, ENTRY)
    assert command("validate", "tiny.json").code == 0
    answer = command("validate", "tiny.json", "--set", 'losses=["odd"]')
    assert answer.code == 3
    assert '"vqfw-even/odd" or "vqfw-odd/odd"' in answer.err
    qualified = 'losses=["vqfw-even/odd"]'
    assert command("validate", "tiny.json", "--set", qualified).code == 0


FAILS = "[][1]  # fails"
METRIC = f'''
from vqfw.kinds import Metric

class Odd(Metric):
    """A metric of other people."""

    def update(self, scored):
        {FAILS}

    def result(self): ...
'''


def place_of(path, text):
    """The file and the line that holds a text."""
    lines = path.read_text().splitlines()
    (number,) = [at for at, line in enumerate(lines, start=1) if text in line]
    return f"{path}:{number}"


@pytest.mark.default_cases(1)
@pytest.mark.parametrize(
    ("group", "setting", "source"),
    [
        ("losses", 'losses=["odd"]', FINE.replace("return [][1]", FAILS)),
        ("metrics", 'evaluation.metrics=["odd"]', METRIC),
    ],
)
def test_a_traceback_names_the_package_at_fault(
    group, setting, source, install, tiny_file
):
    from vqfw.cli.command_line import main

    path = install("vqfw-odd", source, {f"vqfw.{group}": "odd = MODULE:Odd"})
    with pytest.raises(IndexError) as caught:
        main(["run", "tiny.json", "--set", setting, "--quiet"])
    (note,) = [each for each in caught.value.__notes__ if "came through" in each]
    assert note == (
        f"this error came through vqfw-odd 0.1 ({place_of(path, FAILS)}), not from "
        "vqfw: report it to its authors"
    )


@pytest.mark.parametrize(
    "source",
    [
        FAILS,
        "x = (  # fails",
        "raise SystemExit(1)  # fails",
        FINE.replace("-> None: ...", "-> None: [][1]  # fails"),
    ],
    ids=["import", "syntax", "exit", "build"],
)
def test_a_failing_import_or_constructor_is_an_error_with_its_line(
    source, install, tiny_file, command
):
    path = install("vqfw-odd", source, ENTRY)
    answer = command("run", "tiny.json", "--set", 'losses=["odd"]')
    assert answer.code == 3
    assert 'loss "odd" of vqfw-odd 0.1' in answer.err
    assert f" at {place_of(path, '# fails')})" in answer.err
