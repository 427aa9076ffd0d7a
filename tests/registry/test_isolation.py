"""A broken package harms the experiment that names it, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from vqfw.errors import PluginError, UsageError
from vqfw.registry import importing, index, load, load_folder
from vqfw.registry.compatibility import unmet
from vqfw.registry.tracebacks import blame

GROUP = "vqfw.losses"
ENTRY = {GROUP: "odd = MODULE:Odd"}
FINE = '''
class Odd:
    """A loss of other people."""

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...
'''
BROKEN = {
    "raises": ("raise ValueError('broken')", "ValueError: broken"),
    "exits": ("raise SystemExit(7)", "exit code 7"),
    "prints_and_raises": ("print('{}')\nraise ValueError('x')", "ValueError: x"),
    "lacks_a_package": ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
    "lacks_its_class": ("x = 1", "Odd"),
    "is_of_another_kind": (FINE.replace('"loss"', '"metric"'), "is a metric"),
    "is_of_no_kind": (FINE.replace('"loss"', '"lossy"'), "which is unknown"),
}
named = pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=list(BROKEN))


@named
def test_a_broken_component_is_reported_with_its_package_and_the_reason(
    install, source, reason
) -> None:
    install("vqfw-odd", source, ENTRY)
    with pytest.raises(PluginError, match=reason) as caught:
        load("loss", "odd")
    assert "vqfw-odd 0.1" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("hang", ["import time\ntime.sleep(60)", "while True: pass"])
def test_an_import_that_hangs_is_interrupted(install, monkeypatch, hang) -> None:
    monkeypatch.setattr(importing, "IMPORT_SECONDS", 0.2)
    install("vqfw-odd", hang, ENTRY)
    with pytest.raises(PluginError, match=r"took more than 0\.2 seconds"):
        load("loss", "odd")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no alarm")
def test_an_import_leaves_the_alarm_of_its_caller_as_it_was(install) -> None:
    install("vqfw-odd", FINE, ENTRY)
    handler = signal.signal(signal.SIGALRM, lambda *_: None)
    timer = signal.setitimer(signal.ITIMER_REAL, 500.0)
    try:
        load("loss", "odd")
        assert signal.getsignal(signal.SIGALRM).__name__ == "<lambda>"
        assert 490 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no alarm")
def test_an_import_that_sets_an_alarm_is_not_taken_to_hang(install) -> None:
    alarm = "import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\n"
    install("vqfw-odd", f"{alarm}time.sleep(0.05)\n{FINE}", ENTRY)
    load("loss", "odd")


def test_a_script_of_a_folder_that_only_mentions_a_class_is_not_run(tmp_path) -> None:
    script = '"""Uses vqfw.kinds.\n\nclass A is elsewhere.\n"""\nraise ValueError\n'
    (tmp_path / "script.py").write_text(script, "utf-8")
    with pytest.raises(UsageError, match="has no component"):
        load_folder(tmp_path)


def test_a_syntax_error_in_a_file_of_a_folder_is_reported_with_its_line(
    tmp_path,
) -> None:
    (tmp_path / "losses.py").write_text("import vqfw.kinds\nclass A(\n", "utf-8")
    with pytest.raises(PluginError, match="line 2"):
        load_folder(tmp_path)


def test_what_an_import_prints_goes_to_stderr(install, capsys) -> None:
    install("vqfw-odd", "print('noise')" + FINE, ENTRY)
    load("loss", "odd")
    assert capsys.readouterr() == ("", "noise\n")


@pytest.mark.parametrize(
    ("requires", "told"),
    [
        ("vqfw<0.1", "vqfw<0.1"),
        ("VQFW (>=9.1)", "vqfw>=9.1"),
        ("vqfw<9", None),
        ("vqfw", None),
        ("vqfw<0.1; extra == 'old'", None),
        ("numpy<0.1", None),
        ("=what?", None),
    ],
)
def test_a_package_made_for_another_vqfw_is_not_imported(
    install, requires, told
) -> None:
    install("vqfw-odd", FINE, ENTRY, requires=requires)
    assert unmet(index().find("loss", "odd")) == told
    if told is None:
        assert load("loss", "odd").__name__ == "Odd"
    else:
        with pytest.raises(
            PluginError, match="install a version of vqfw-odd that fits"
        ):
            load("loss", "odd")
        assert "vqfw_odd" not in sys.modules


def test_a_package_with_unreadable_metadata_has_no_components(
    install, tmp_path
) -> None:
    install("vqfw-odd", FINE, ENTRY)
    ruin = tmp_path / "site" / "ruined-1.0.dist-info"
    ruin.mkdir()
    (ruin / "entry_points.txt").write_bytes(b"[vqfw.losses]\nx = \xff\xfe")
    index.cache_clear()
    assert index().find("loss", "odd").distribution == "vqfw-odd"
    assert "x" not in index().names("loss")


def test_a_traceback_names_the_package_that_it_came_through(install) -> None:
    source = FINE + "\n    def __call__(self):\n        return [][1]\n"
    path = install("vqfw-odd", source, ENTRY)
    with pytest.raises(IndexError) as caught:
        load("loss", "odd")()()
    line = source.splitlines().index("        return [][1]") + 1
    assert blame(caught.value) == (
        f"this error came through vqfw-odd 0.1 ({path}:{line}), not from vqfw: report "
        "it to its authors"
    )


def test_an_error_of_vqfw_names_no_package(install) -> None:
    install("vqfw-odd", FINE, ENTRY)
    # Registering a library's class does not make its package the culprit.
    install("vqfw-keras", "", {GROUP: "far = keras.losses:Nothing"})
    import keras

    with pytest.raises(ValueError, match="nothing_of_this_name") as caught:
        keras.losses.get("nothing_of_this_name")
    assert blame(caught.value) is None


def test_listing_sixty_foreign_components_reads_their_metadata_alone(
    install, tmp_path
) -> None:
    marker = tmp_path / "imported"
    for number in range(60):
        install(
            f"vqfw-many{number}",
            f"open({str(marker)!r}, 'a')",
            {GROUP: f"many{number} = MODULE:Odd"},
            requires="vqfw>=0.1",
        )
    site = tmp_path / "site"
    code = (
        "import os, sys\n"
        "read = set()\n"
        "def watch(event, arguments):\n"
        f"    if event == 'open' and str(arguments[0]).startswith({str(site)!r}):\n"
        "        read.add(os.path.basename(arguments[0]))\n"
        "sys.addaudithook(watch)\n"
        "from vqfw.cli.command_line import vqfw\n"
        "vqfw.main(['plugins', 'list', '--json'], standalone_mode=False)\n"
        "foreign = {name for name in sys.modules if name.startswith('vqfw_many')}\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'jax', 'numpy'} & set(sys.modules)\n"
        "assert not foreign and not heavy, (foreign, heavy)\n"
        "assert read == {'METADATA', 'entry_points.txt'}, read\n"
    )
    path = os.pathsep.join([str(site), *filter(None, sys.path)])
    found = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    listed = json.loads(found.stdout)["components"]
    foreign = {c["name"]: c for c in listed if c["distribution"] != "vqfw"}
    assert set(foreign) == {f"many{number}" for number in range(60)}
    assert {each["state"] for each in foreign.values()} == {"unread"}
    assert not marker.exists()
