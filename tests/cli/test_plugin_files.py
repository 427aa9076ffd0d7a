"""``--plugin FILE``: a component in a file, without a package."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys

import pytest

from vqfw.registry import files, index

SOURCE = '''
from keras import ops
from vqfw.kinds import Loss

class DoubledLoss(Loss):
    """Twice the mean squared error."""

    def __call__(self, original, reconstruction):
        return 2 * ops.mean(ops.square(original - reconstruction), axis=(1, 2, 3))
'''


def forget():
    files._LOADED.clear()
    sys.modules["vqfw.registry.entries"]._FROM_FILES.clear()
    sys.modules.pop("vqfw_plugin_mine", None)
    index.cache_clear()


@pytest.fixture
def plugin(tiny_file):
    """A file with a loss, beside an experiment that names it; nothing is loaded."""
    forget()
    path = tiny_file.with_name("mine.py")
    path.write_text(SOURCE)
    experiment = json.loads(tiny_file.read_text())
    tiny_file.write_text(json.dumps({**experiment, "losses": ["doubled"]}))
    yield path
    forget()


def test_a_component_is_unknown_without_its_plugin_file(plugin, command):
    answer = command("validate", "tiny.json")
    assert answer.code == 2
    assert 'no loss is called "doubled"' in answer.err


@pytest.mark.parametrize("verb", ["validate", "plan", "explain"])
def test_a_reading_verb_takes_a_plugin_file(plugin, command, verb):
    answer = command(verb, "tiny.json", "--plugin", "mine.py", "--json")
    assert answer.code == 0, answer.err
    assert 'plugin mine.py: loss "doubled"' in answer.err
    assert answer.data["vqfw"] == 1


def test_a_run_records_its_plugin_file_and_resumes_only_with_the_same(
    plugin, command, root
):
    options = ("--plugin", "mine.py", "--name", "a", "--json", "--quiet")
    ran = command("run", "tiny.json", *options)
    assert ran.code == 0, ran.err
    path = root / "checkpoints" / "a" / "environment.json"
    digest = hashlib.sha256(SOURCE.encode()).hexdigest()
    recorded = json.loads(path.read_text())["plugin_files"]
    assert recorded == [{"path": str(plugin), "sha256": digest}]
    forget()
    scored = command("eval", "--json")
    assert scored.code == 0, scored.err
    assert scored.data["scores"] == ran.data["scores"]
    forget()
    plugin.write_text(SOURCE.replace("2 *", "3 *"))
    for verb in (["eval"], ["run", "--resume", "a"]):
        refused = command(*verb)
        assert refused.code == 3
        assert f"{plugin} has changed since the run was made with it" in refused.err
    plugin.write_text(SOURCE)
    assert command("run", "--resume", "a", "--quiet").code == 0


@pytest.fixture
def another_person(tmp_path, monkeypatch):
    """Switches to a user who has trusted no plugin file yet."""
    numbers = itertools.count()
    return lambda: monkeypatch.setenv(
        "VQFW_STATE", str(tmp_path / f"person{next(numbers)}")
    )


@pytest.fixture
def run_with_code(plugin, command, another_person):
    """A run of another user, made with a plugin file that leaves a mark when it runs."""
    ran = plugin.with_name("ran")
    plugin.write_text(SOURCE + f"\nopen({str(ran)!r}, 'w').close()\n")
    assert command("run", "tiny.json", "--plugin", "mine.py", "--quiet").code == 0
    ran.unlink()
    forget()
    another_person()
    return ran


VERBS = [
    ["eval"],
    ["eval", "--split", "validation", "--quiet"],
    ["run", "--resume", "latest", "--quiet"],
    ["tokenize", "pictures", "-o", "x y.npz"],
    ["reconstruct", "tokens.npz"],
]


@pytest.mark.processes
def test_plugin_code_of_a_foreign_run_runs_only_with_plugin(
    run_with_code, pictures, command, root, another_person
):
    found = next((root / "checkpoints").glob("*/tokens_test.npz"))
    shutil.copy(found, root / "tokens.npz")
    for verb in VERBS:
        refused = command(*verb)
        assert refused.code == 3, refused.err
        assert "you have not run on this machine" in refused.err
        assert not run_with_code.exists()
        hint = refused.hint()
        assert command(*hint).code == 0
        assert run_with_code.exists()
        forget()
        shutil.rmtree(root / "reconstructed", ignore_errors=True)
        assert command(*verb).code == 0  # it has been named once
        forget()
        run_with_code.unlink()
        another_person()


@pytest.mark.processes
def test_a_named_plugin_file_is_accepted_by_its_checksum_from_any_path(
    run_with_code, plugin, command
):
    other = plugin.with_name("other.py")
    other.write_text(plugin.read_text() + "#")
    refused = command("eval", "--plugin", "other.py")
    assert refused.code == 3
    assert "other.py (sha256 " in refused.err
    assert "mine.py (sha256 " in refused.err
    assert not run_with_code.exists()
    plugin.rename(other)
    gone = command("eval")
    assert gone.code == 3
    assert "ask its author for mine.py" in gone.err
    assert command("eval", "--plugin", "other.py", "--quiet").code == 0
    forget()
    assert command("eval", "--quiet").code == 0  # found where it was run last


READER = """
from pathlib import Path
from keras import ops
from vqfw.kinds import DataPath, Loss

class WeighedLoss(Loss):
    '''Weighed by what a file says.

    Args:
        weights: The file.
        other: Another one.
    '''

    def __init__(self, weights: DataPath, other: DataPath = "none") -> None:
        self.weight = float(Path(weights).read_text())

    def __call__(self, original, reconstruction):
        return self.weight * ops.mean(ops.square(original - reconstruction), (1, 2, 3))
"""


@pytest.mark.processes
def test_files_that_options_of_a_run_made_elsewhere_name_are_not_read(
    plugin, tiny_file, command, root, another_person
):
    plugin.write_text(READER)
    (root / "weight.txt").write_text("2")
    weighed = {"type": "weighed", "weights": str(root / "weight.txt")}
    values = json.loads(tiny_file.read_text()) | {"losses": [weighed]}
    tiny_file.write_text(json.dumps(values))
    ran = command("run", "tiny.json", "--plugin", "mine.py", "--name", "a", "--quiet")
    assert ran.code == 0, ran.err
    assert command("eval", "--quiet").code == 0
    another_person()
    refused = command("eval", "--plugin", "mine.py")
    assert refused.code == 4, refused.err
    assert f'its "losses[0].weights" reads {root / "weight.txt"}' in refused.err
    again = command(*refused.hint(), "--plugin", "mine.py", "--name", "b", "--quiet")
    assert again.code == 0, again.err


def test_a_plugin_file_is_loaded_from_the_path_where_it_was_run_first(
    plugin, command, root
):
    plugin.write_text(
        f"{SOURCE}\nfrom pathlib import Path\n"
        "exec(Path(__file__).with_name('beside.py').read_text())\n"
    )
    (root / "beside.py").write_text("")
    options = ("--plugin", "mine.py", "--name", "a", "--quiet")
    assert command("run", "tiny.json", *options).code == 0
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    copy = shutil.copy(plugin, elsewhere)
    (elsewhere / "beside.py").write_text(f"open({str(root / 'ran')!r}, 'w').close()")
    path = root / "checkpoints" / "a" / "environment.json"
    record = path.read_text().replace(str(plugin), str(copy))
    path.write_text(record)
    forget()
    assert command("eval", "--quiet").code == 0
    forget()
    plugin.unlink()
    refused = command("eval", "--quiet")
    assert refused.code == 3
    assert f"{plugin}, which is missing" in refused.err
    assert not (root / "ran").exists()
    assert command(*refused.hint()).code == 0  # now it is this person's choice


def test_option_plugin_is_an_error_for_a_run_without_plugin_files(
    done, plugin, command
):
    refused = command("eval", "--plugin", "mine.py")
    assert refused.code == 3
    assert "leave --plugin out" in refused.err
    assert "vqfw_plugin_mine" not in sys.modules


@pytest.mark.processes
def test_without_a_state_folder_a_run_works_and_warns_once(
    plugin, command, root, monkeypatch
):
    (root / "file").write_text("")
    monkeypatch.setenv("VQFW_STATE", str(root / "file"))
    ran = command("run", "tiny.json", "--plugin", "mine.py", "--name", "a")
    assert ran.code == 0, ran.err
    assert ran.err.count("VQFW_STATE") == 1
    forget()
    refused = command("eval")
    assert refused.code == 3
    assert command(*refused.hint(), "--quiet").code == 0


def test_an_experiment_file_cannot_bring_code_along(plugin, command, tiny_file):
    experiment = json.loads(tiny_file.read_text())
    for key in ("plugin", "plugins"):
        tiny_file.write_text(json.dumps({**experiment, key: ["mine.py"]}))
        answer = command("validate", "tiny.json")
        assert answer.code == 2
        assert f'unknown key "{key}"' in answer.err
    assert "vqfw_plugin_mine" not in sys.modules


def test_a_broken_plugin_file_exits_with_3(plugin, command):
    plugin.write_text("print('noise')\nraise ValueError('broken')")
    answer = command("validate", "tiny.json", "--plugin", "mine.py", "--json")
    assert answer.code == 3
    assert "ValueError: broken, line 2" in answer.data["error"]


def test_the_hint_for_a_broken_plugin_file_is_to_repair_it(plugin, command):
    refusing = (
        "    def __init__(self):\n        raise ValueError('odd')\n\n    def __call__"
    )
    plugin.write_text(SOURCE.replace("    def __call__", refusing))
    answer = command("run", "tiny.json", "--plugin", "mine.py", "--quiet")
    assert answer.code == 3
    assert 'loss "doubled" of mine.py' in answer.err
    assert f"(ValueError: odd at {plugin}:" in answer.err
    assert f"): change its options, or repair {plugin}\n" in answer.err


PICTURES = """
from PIL import ImageOps
from vqfw.kinds import Count, ImageAugmentation

class CoarseImageAugmentation(ImageAugmentation):
    '''Keeps a few bits of each colour.

    Args:
        fewest: Bits that are left at least.
    '''

    def __init__(self, fewest: Count = 2) -> None:
        self.fewest = fewest

    def apply(self, image, rng):
        return ImageOps.posterize(image, int(rng.integers(self.fewest, 8)))
"""


def augmented_by(tiny_file, *augmentations):
    experiment = json.loads(tiny_file.read_text()) | {"losses": ["mse"]}
    experiment["data"]["augmentations"] = augmentations
    tiny_file.write_text(json.dumps(experiment, indent=1))


@pytest.mark.processes
def test_a_file_with_an_image_augmentation_trains(plugin, command, tiny_file):
    plugin.write_text(PICTURES)
    coarse = {"type": "coarse", "fewest": 3, "probability": 0.5}
    augmented_by(tiny_file, coarse, "horizontal_flip")
    told = command("plan", "tiny.json", "--plugin", "mine.py", "--json", "--measure")
    assert told.code == 0, told.err
    assert told.data["seconds_per_step"] > 0
    ran = command("run", "tiny.json", "--plugin", "mine.py", "--json", "--quiet")
    assert ran.code == 0, ran.err
    checked = command("plugins", "check", "mine.py", "--json")
    assert checked.code == 0, checked.out


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_tensor_augmentation_before_an_image_augmentation_is_refused_in_its_line(
    plugin, command, tiny_file, verb
):
    plugin.write_text(PICTURES)
    augmented_by(tiny_file, "coarse", "horizontal_flip", {"type": "coarse"}, "zoom")
    answer = command(verb, "tiny.json", "--plugin", "mine.py", "--json")
    assert answer.code == 2
    (problem,) = answer.data["problems"]
    assert problem["code"] == "augmentation-order"
    assert problem["path"] == "data.augmentations[2]"
    line = tiny_file.read_text().splitlines()[problem["line"] - 1]
    assert line[problem["column"] - 1 :].startswith("{")
    assert problem["help"] == 'move "coarse" before "horizontal_flip"'
    right = command(
        "plan",
        "tiny.json",
        "--plugin",
        "mine.py",
        "--set",
        'data.augmentations=["coarse","coarse","horizontal_flip","zoom"]',
    )
    assert right.code == 0, right.err


def test_an_image_augmentation_that_fails_ends_with_the_code_for_plugins(
    plugin, command, tiny_file
):
    plugin.write_text(PICTURES.replace("return", "raise ValueError('odd');"))
    augmented_by(tiny_file, "coarse")
    answer = command("run", "tiny.json", "--plugin", "mine.py", "--quiet")
    assert answer.code == 3
    assert 'augmentation "coarse" of mine.py' in answer.err
    assert f"(ValueError: odd at {plugin}:16): repair {plugin}\n" in answer.err


@pytest.mark.parametrize(
    ("bases", "fact"), [("object", "none"), ("Augmentation, ImageAugmentation", "both")]
)
def test_an_augmentation_has_exactly_one_form(plugin, command, tiny_file, bases, fact):
    plugin.write_text(
        "from vqfw.kinds import Augmentation, ImageAugmentation\n"
        f"class Mixed({bases}):\n"
        "    vqfw_kind = 'augmentation'\n"
        "    def draw(self, rng, count): ...\n"
        "    def apply(self, image, rng): ...\n"
    )
    augmented_by(tiny_file, "mixed")
    answer = command("plan", "tiny.json", "--plugin", "mine.py")
    assert answer.code == 3
    repair = "derive it from Augmentation or ImageAugmentation of vqfw.kinds"
    assert f"has {fact} of its forms: {repair}" in answer.err


def test_an_unknown_backend_is_not_blamed_on_the_plugin_file(plugin, root):
    code = "from vqfw.cli.command_line import main; main()"
    paths = os.pathsep.join(each for each in sys.path if each)
    found = subprocess.run(
        [sys.executable, "-c", code, "validate", "tiny.json", "--plugin", "mine.py"],
        cwd=root,
        env={**os.environ, "KERAS_BACKEND": "nonsense", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2, found.stderr
    assert '"nonsense" of KERAS_BACKEND' in found.stderr
    assert "mine.py" not in found.stderr
