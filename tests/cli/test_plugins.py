"""``vqfw plugins``: list, show and check."""

from __future__ import annotations

import sys

import pytest

from vqfw.registry import files, index

FINE = '''
class Odd:
    """A loss of other people."""

    vqfw_kind = "loss"

    def __init__(self, share: float = 0.5) -> None: ...
'''
ENTRY = {"vqfw.losses": "odd = MODULE:Odd"}
SUMMED = """
from keras import ops
from vqfw.kinds import Loss

class SummedLoss(Loss):
    def __call__(self, original, reconstruction):
        apart = ops.cast(original, "float32") - ops.cast(reconstruction, "float32")
        return ops.sum(ops.square(apart), axis=(1, 2, 3))
"""


@pytest.fixture
def plugin(root):
    path = root / "mine.py"
    path.write_text(SUMMED)
    yield path
    files._LOADED.clear()
    sys.modules["vqfw.registry.entries"]._FROM_FILES.clear()
    sys.modules.pop("vqfw_plugin_mine", None)
    index.cache_clear()


def test_plugins_list_prints_the_sentence_of_each_component(install, command):
    install("vqfw-odd", FINE, ENTRY)
    answer = command("plugins", "list", "--kind", "loss")
    lines = answer.out.splitlines()
    assert lines[0].split()[:5] == ["loss", "mae", "Mean", "absolute", "error:"]
    assert lines[2].split("  ") == ["loss", "odd", "not read yet (vqfw-odd 0.1)"]
    assert len(lines) == 3
    assert "nothing was imported" in answer.err
    odd = command("plugins", "list", "--kind", "loss", "--json").data["components"][2]
    assert (odd["state"], odd["sentence"], odd["options"]) == ("unread", None, None)


WATCHES = """
'''Says where the run lies.'''
from vqfw.kinds.hooks import hook

@hook
def vqfw_run_end(run, scores):
    print(run.path)
"""


def test_plugins_list_has_observers_too(install, command):
    install("vqfw-watch", WATCHES, {"vqfw": "watch = MODULE"})
    listed = command("plugins", "list", "--json").data["components"]
    assert [each["name"] for each in listed if each["kind"] == "observer"] == ["watch"]
    answer = command("plugins", "list", "--kind", "observer")
    assert answer.out == "observer  watch  not read yet (vqfw-watch 0.1)\n"
    checked = command("plugins", "list", "--kind", "observer", "--check")
    assert "Says where the run lies." in checked.out


def test_observers_of_the_same_name_are_listed_with_their_packages(install, command):
    install("vqfw-watch", WATCHES, {"vqfw": "watch = MODULE"})
    install("vqfw-guard", WATCHES, {"vqfw": "watch = MODULE"})
    out = command("plugins", "list", "--kind", "observer").out
    assert "  vqfw-watch/watch  " in out
    assert command("plugins", "show", "observer/vqfw-watch/watch").code == 0


def test_an_observer_is_shown_with_its_hooks(install, command):
    install("vqfw-watch", WATCHES, {"vqfw": "watch = MODULE"})
    shown = command("plugins", "show", "observer/watch").out
    assert command("plugins", "show", "watch").out == shown
    assert "Hooks: vqfw_run_end." in shown
    assert "to paste" not in shown


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise ValueError('x')", "ValueError: x"),
        (WATCHES.replace("run_end", "run_ends"), 'did you mean "vqfw_run_end"?'),
        (
            WATCHES + "def __getattr__(name):\n    raise ValueError('x')",
            "ValueError: x",
        ),
    ],
)
def test_plugins_list_check_finds_broken_observers(install, command, code, told):
    install("vqfw-watch", code, {"vqfw": "watch = MODULE"})
    answer = command("plugins", "list", "--kind", "observer", "--check")
    assert answer.code == 3
    (line,) = [x for x in answer.err.splitlines() if x.startswith("broken")]
    assert told in line
    assert "repair or uninstall vqfw-watch" in line


def test_plugins_list_check_imports_components_and_reports_broken_ones(
    install, command
):
    install("vqfw-odd", FINE, ENTRY)
    assert command("plugins", "list", "--kind", "loss", "--check").code == 0
    install("vqfw-bad", "raise ValueError('x')", {"vqfw.losses": "bad = MODULE:Bad"})
    answer = command("plugins", "list", "--kind", "loss", "--check", "--json")
    assert answer.code == 3
    states = {each["name"]: each["state"] for each in answer.data["components"]}
    assert states == {"bad": "broken", "mae": "ready", "mse": "ready", "odd": "ready"}
    assert "broken: " in answer.err
    assert "ValueError: x" in answer.err
    assert "1 broken" in answer.err
    assert "vqfw_bad" not in sys.modules


def test_show_prints_options_owner_and_a_block_to_paste(command):
    answer = command("plugins", "show", "quantizer/ema")
    assert answer.code == 0
    assert (
        'quantizer "ema"   vqfw 0.1.0   vqfw_quantizers.ema:EMAQuantizer' in answer.out
    )
    assert "  decay: number ≥ 0 and < 1, default 0.99" in answer.out
    assert "Share of the moving average" in answer.out
    assert '"quantizer": {\n  "type": "ema",' in answer.out
    data = command("plugins", "show", "ema", "--json").data
    assert data["target"] == "vqfw_quantizers.ema:EMAQuantizer"
    assert data["example"] in answer.out
    assert "keras" not in answer.err


def test_showing_a_broken_component_prints_the_reason(install, command):
    install("vqfw-odd", "raise SystemExit(4)", ENTRY)
    answer = command("plugins", "show", "loss/odd")
    assert answer.code == 3
    assert "vqfw-odd 0.1" in answer.err
    assert "exit code 4" in answer.err


def test_a_component_that_keeps_its_contract_passes(command):
    answer = command("plugins", "check", "loss/mse", "--json")
    assert answer.code == 0
    assert answer.data["failed"] == 0
    assert len(answer.data["checks"]) == 10


def test_a_failed_check_prints_its_meaning_and_its_repair(plugin, command):
    answer = command("plugins", "check", "mine.py")
    assert answer.code == 1
    line = answer.out.index("FAILED  the_loss_does_not_grow_with_the_image: An image")
    assert "take the mean over height, width and channels" in answer.out[line:]
    assert "ok      the_original_has_the_least_loss" in answer.out
    assert "10 checks; 1 failed" in answer.err


def test_a_component_that_raises_in_a_check_fails_it(plugin, command):
    plugin.write_text(SUMMED.replace("ops.sum(", "[][1]("))
    answer = command("plugins", "check", "mine.py", "--json")
    assert answer.code == 1
    assert answer.data["failed"] == 7
    assert (
        "IndexError: list index out of range" in answer.data["checks"][3]["complaint"]
    )
    assert "mine.py:8" in answer.data["checks"][3]["complaint"]


def test_a_constructor_that_raises_is_a_failed_check(plugin, command):
    broken = SUMMED.replace(
        "Loss):\n", "Loss):\n    def __init__(self):\n        [][1]\n\n"
    )
    plugin.write_text(broken)
    answer = command("plugins", "check", "mine.py", "--json")
    assert answer.code == 1
    (check,) = answer.data["checks"]
    assert check["check"] == "it_can_be_made"
    complaint = check["complaint"]
    assert "the check fails with IndexError: list index out of range (" in complaint
    assert "mine.py:7)" in complaint


def test_plugins_check_passes_settings_to_the_component(command):
    wrong = command("plugins", "check", "ema", "--set", "num_embedding=16")
    assert wrong.code == 2
    assert 'did you mean "num_embeddings"' in wrong.err
    small = ("--set", "count=12", "--set", "people=4", "--set", "size=16")
    answer = command("plugins", "check", "synthetic_faces", *small, "--json")
    assert answer.code == 0, answer.out


GREY = """
from vqfw.kinds import Count, Dataset, Drawn
import numpy as np

class Grey(Dataset):
    channels = 1

    def __init__(self, people: Count, mood: str) -> None:
        self.people = people

    def records(self):
        for at in range(self.people):
            yield Drawn(f"{at}.png", str(at), np.full((8, 8, 1), at, "uint8"))

    def fingerprint(self):
        return str(self.people)
"""


def test_a_required_option_is_asked_for_with_a_command_that_works(plugin, command):
    plugin.write_text(GREY)
    asked = command("plugins", "check", "mine.py")
    assert asked.code == 2
    assert '"people" and "mood" of dataset "grey" have no default' in asked.err
    assert "FAILED" not in asked.out
    assert command(*asked.hint()).code == 0
    half = command("plugins", "check", "mine.py", "--set", "people=4")
    assert '"mood" of dataset "grey" has no default' in half.err
    assert "people=4" in half.hint()
    assert command(*half.hint()).code == 0


def test_plugins_check_passes_a_setting_to_each_component_with_that_option(
    plugin, command
):
    plugin.write_text(GREY + SUMMED.replace("sum(", "mean("))
    both = ("--set", "people=4", "--set", "mood=good")
    answer = command("plugins", "check", "mine.py", *both, "--json")
    assert answer.code == 0, answer.err
    assert {each["kind"] for each in answer.data["checks"]} == {"dataset", "loss"}
    wrong = command("plugins", "check", "mine.py", *both, "--set", "peeple=4")
    assert wrong.code == 2
    assert 'did you mean "people"' in wrong.err


def test_an_attribute_that_its_contract_does_not_allow_is_named(plugin, command):
    plugin.write_text(
        GREY.replace("channels = 1", "channels = 4").replace(", mood: str", "")
    )
    answer = command("plugins", "check", "mine.py", "--set", "people=4")
    assert answer.code == 3
    assert (
        '"channels" of Grey is 4, which is not allowed: set it to 1 or 3' in answer.err
    )


@pytest.mark.parametrize("kind", ["loss", "observer"])
def test_a_new_package_is_checked_by_its_folder(kind, root, command, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys.modules["vqfw.registry.entries"], "_FROM_FILES", {})
    written = command("plugins", "new", kind, f"fresh_{kind}")
    folder = written.out.strip()
    assert written.hint() == ["plugins", "check", folder]
    for subject in (folder, f"{folder}/vqfw_fresh_{kind}", f"{folder}/pyproject.toml"):
        answer = command("plugins", "check", subject, "--json")
        assert answer.code == 0, answer.out + answer.err
        assert {each["name"] for each in answer.data["checks"]} == {f"fresh_{kind}"}
    index.cache_clear()


def test_a_folder_with_a_plugin_file_is_checked(plugin, root, command):
    (root / "new").mkdir()
    (root / "new" / "mine.py").write_text(SUMMED)
    (root / "new" / "train.py").write_text("raise SystemExit('a script was run')")
    answer = command("plugins", "check", "new")
    assert answer.code == 1
    assert "10 checks; 1 failed" in answer.err


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "has no component: give a Python file or a package"),
        ({"pyproject.toml": "[project]\nname='x'"}, "registers no component"),
        ({"pyproject.toml": "[project"}, "cannot be read (TOMLDecodeError"),
        ({"pyproject.toml": "[project]\nname='vqfw'"}, "is vqfw itself"),
    ],
)
def test_a_folder_without_a_component_is_an_error(files, told, root, command):
    (root / "new").mkdir()
    for name, text in files.items():
        (root / "new" / name).write_text(text)
    answer = command("plugins", "check", "new")
    assert answer.code == 2
    assert told in answer.err
    assert "there is no file or folder ./no" in command("plugins", "check", "./no").err


def test_a_kind_without_checks_is_an_error(command):
    answer = command("plugins", "check", "adam")
    assert answer.code == 2
    assert 'no checks for kind "optimizer"' in answer.err


def test_plugins_new_writes_a_package_and_prints_its_folder(root, command):
    answer = command("plugins", "new", "loss", "my_own")
    assert answer.code == 0
    assert answer.out == "vqfw-my-own\n"
    assert (root / "vqfw-my-own" / "vqfw_my_own" / "loss.py").exists()
    again = command("plugins", "new", "loss", "my_own")
    assert again.code == 2
    assert "nothing is overwritten" in again.err
    assert command("plugins", "new", "loss", "my_own", "-o", "other").code == 0


WATCH = """
from vqfw.kinds.hooks import hook

@hook
def vqfw_run_start(run):
    pass
"""


@pytest.mark.parametrize("name", ["watch", "vqfw-watch/watch"])
def test_an_observer_is_checked_by_its_name(name, install, command):
    install("vqfw-watch", WATCH, {"vqfw": "watch = MODULE"})
    answer = command("plugins", "check", f"observer/{name}", "--json")
    assert answer.code == 0, answer.out
    assert "importing_it_changes_nothing" in answer.out


def test_showing_an_unknown_observer_is_an_error(install, command):
    install("vqfw-watch", WATCH, {"vqfw": "watch = MODULE"})
    answer = command("plugins", "check", "observer/wach")
    assert answer.code == 3
    assert 'no observers are called "wach": write one of vqfw-watch/watch' in answer.err


def test_an_observer_whose_import_changes_the_process_fails_its_check(install, command):
    noisy = "import os\nos.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n" + WATCH
    install("vqfw-watch", noisy, {"vqfw": "watch = MODULE"})
    answer = command("plugins", "check", "observer/watch")
    assert answer.code == 1
    assert "importing vqfw_watch changes the environment" in answer.out


def test_a_skipped_check_gives_its_reason(command):
    answer = command("plugins", "check", "quantizer/fsq")
    assert answer.code == 0
    assert (
        "-       unused_codes_keep_their_vectors: it hands out no codebooks"
        in answer.out
    )
    assert "ok      unused_codes" not in answer.out
