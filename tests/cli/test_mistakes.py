"""Every error message contains its repair, and a failed command leaves no files behind."""

import errno
import os
import re

import pytest

from vqfw.api.reopened import Reopened
from vqfw.runs import create_run

VAE = (
    'model={"type":"vae","encoder":{"type":"residual_conv","filters":8},'
    '"decoder":{"type":"residual_conv","filters":8}}'
)

MISTAKES = {
    "no such experiment": (["run", "tinny.json"], 2, "tinny.json"),
    "no such data": (
        ["run", "tiny.json", "--set", "data.dataset=./nowhere"],
        4,
        "nowhere: set VQFW_DATA",
    ),
    "empty folder": (
        ["run", "tiny.json", "--set", "data.dataset=./empty"],
        4,
        "empty",
    ),
    "unreadable picture": (
        ["run", "tiny.json", "--set", "data.dataset=./broken"],
        4,
        "anna/torn.png",
    ),
    "a size that cannot be halved": (
        ["run", "tiny.json", "--set", "data.image_size=18"],
        2,
        '"image_size"',
    ),
    "an unknown component": (
        ["run", "tiny.json", "--set", "model.quantizer.type=emma"],
        2,
        'did you mean "ema"?',
    ),
    "a batch larger than the data": (
        ["run", "tiny.json", "--set", "training.batch_size=64"],
        4,
        'set "batch_size" to 40 or less',
    ),
    "a name that is none": (["run", "tiny.json", "--name", "../x"], 2, "a-z 0-9"),
    "no file": (["run"], 2, "vqfw run experiments/experiment.json"),
    "a file beside --resume": (
        ["run", "tiny.json", "--resume", "x"],
        2,
        "remove FILE",
    ),
    "no run to resume": (["run", "--resume", "x"], 2, "it is empty"),
    "no run to score": (["eval"], 2, "vqfw run experiments/experiment.json"),
    "a split that is none": (["eval", "--split", "train"], 2, "'validation', 'test'"),
    "an unknown option": (["run", "--fast"], 2, "--fast"),
    "a setting as an option": (
        ["run", "tiny.json", "--steps", "5"],
        2,
        "--set training.steps=600",
    ),
    "a setting without an option": (
        ["run", "tiny.json", "training.steps=5"],
        2,
        "--set training.steps=600",
    ),
    "an unknown verb": (["trian"], 2, "trian"),
    "a verb of other tools": (["train", "x.json"], 2, "did you mean vqfw run?"),
    "a verb of other tools below another": (
        ["runs", "ls"],
        2,
        "did you mean vqfw runs list?",
    ),
    "a slip in a verb": (["valdate"], 2, "did you mean vqfw validate?"),
    "a slip in an option": (["run", "--resum", "x"], 2, "--resume"),
    "a kind that is none": (["plugins", "list", "--kind", "x"], 2, "quantizer"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_message_contains_its_repair(
    mistake, tiny_file, pictures, command, files
):
    arguments, code, repair = MISTAKES[mistake]
    (tiny_file.parent / "empty").mkdir()
    torn = tiny_file.parent / "broken" / "anna" / "torn.png"
    torn.parent.mkdir(parents=True)
    torn.write_bytes((pictures / "anna" / "1.png").read_bytes()[:200])
    before = files()
    answer = command(*arguments)
    assert answer.code == code, answer.err
    assert repair in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert files() == before
    assert not (tiny_file.parent / "checkpoints" / "LATEST").exists()
    assert not list(tiny_file.parent.glob("checkpoints/*/"))
    assert not list(tiny_file.parent.glob("images_saved/*/"))


@pytest.mark.parametrize("arguments", [["tinny.json"], ["tiny.json", "--set", "x=1"]])
def test_json_reports_the_problems(arguments, tiny_file, command):
    answer = command("validate", *arguments, "--json")
    assert answer.code == 2
    assert answer.data["vqfw"] == 1
    assert answer.data["problems"][0]["message"]


@pytest.mark.parametrize("arguments", [["run"], ["run", "--fast"], ["trian"]])
def test_json_reports_a_wrong_command_line(arguments, root, command):
    answer = command(*arguments, "--json")
    assert answer.code == 2
    assert answer.data["vqfw"] == 1
    assert answer.data["exit_code"] == 2
    assert answer.data["error"] in answer.err


def test_an_error_of_an_optimizer_prints_no_traceback(tiny_file, command):
    answer = command("plan", "tiny.json", "--set", "training.optimizer.clipnorm=1",
                     "--set", "training.optimizer.global_clipnorm=1")  # fmt: skip
    assert answer.code == 2
    assert "error[refused-by-component]" in answer.err
    assert 'change "clipnorm" or "global_clipnorm"' in answer.err
    assert "Traceback" not in answer.err


def test_json_reports_an_error(tiny_file, command):
    answer = command("run", "tiny.json", "--set", "data.dataset=./nowhere", "--json")
    assert answer.data["exit_code"] == answer.code == 4
    assert "nowhere" in answer.data["error"]


ON_A_RUN = {
    "a taken name": (["run", "tiny.json", "--name", "done"], 2, "--resume done"),
    "a misspelt run": (["eval", "--run", "dune"], 2, 'did you mean "done"?'),
    "an unscored metric": (["eval", "--run", "best:fid"], 2, '"fid"'),
    "no pictures to score": (["eval", "--data", "empty"], 4, "empty"),
    "nowhere to score": (["eval", "--data", "nowhere"], 4, "nowhere"),
    "no pictures to tokenize": (["tokenize", "empty"], 4, "empty"),
    "no token file": (["reconstruct", "tokens.npz"], 4, "no token file tokens.npz"),
    "something else": (["reconstruct", "tiny.json"], 4, "vqfw tokenize"),
}
IN_THE_WAY = {
    "tokens below a file": ["tokenize", "pictures", "-o", "tiny.json/tokens.npz"],
    "tokens in a folder": ["tokenize", "pictures", "-o", "pictures"],
    "tokens without a name": ["tokenize", "pictures", "-o", ""],
    "tokens over the pictures": ["tokenize", "faces.zip", "-o", "./faces.zip"],
    "pictures in a file": ["reconstruct", "tokens.npz", "-o", "tiny.json"],
    "pictures in a device": ["reconstruct", "tokens.npz", "-o", "/dev/null"],
    "pictures without a name": ["reconstruct", "tokens.npz", "-o", ""],
    "a package in a file": ["plugins", "new", "beta", "mine", "-o", "tiny.json"],
    "a package without a name": ["plugins", "new", "beta", "mine", "-o", ""],
    "an experiment below a file": ["init"],
    "a schema below a file": ["schema", "--write"],
}


@pytest.mark.parametrize("place", IN_THE_WAY)
def test_an_unwritable_output_is_an_error_before_any_work(
    place, tiny_file, done, pictures, command, files, monkeypatch
):
    for name in ("faces.zip", "experiments", "schemas"):
        (tiny_file.parent / name).touch()
    before = files()
    work = "a model is built or a picture read"
    monkeypatch.setattr(Reopened, "plan", lambda *command: pytest.fail(work))
    answer = command(*IN_THE_WAY[place])
    assert answer.code == 2, answer.err
    assert re.match(r"error: .+: (choose|write|give|run) .*\n\Z", answer.err)
    assert answer.out == ""
    assert files() == before


@pytest.mark.parametrize("mistake", ON_A_RUN)
def test_a_failed_command_leaves_an_existing_run_unchanged(
    mistake, tiny_file, done, pictures, command, files
):
    arguments, code, repair = ON_A_RUN[mistake]
    (tiny_file.parent / "empty").mkdir()
    before = files()
    answer = command(*arguments)
    assert answer.code == code, answer.err
    assert repair in answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert files() == before


def test_the_hint_of_a_taken_name_works(tiny_file, done, command):
    answer = command("run", "tiny.json", "--name", "done")
    assert answer.hint() == ["run", "--resume", "done"]
    assert command(*answer.hint(), "--quiet").code == 0


@pytest.mark.processes
def test_a_run_without_a_checkpoint_says_how_to_train_it(tiny, done, command):
    state = done.folder.states
    for path in state.iterdir():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    answer = command("eval", "--run", "done")
    assert answer.code == 2
    assert answer.hint() == ["run", "--resume", "done"]
    assert command(*answer.hint(), "--quiet").code == 0
    assert command("eval", "--run", "done", "--quiet").code == 0


def test_a_run_whose_checkpoints_are_all_damaged_fails(done, command):
    for path in done.folder.states.glob("*/state.npz"):
        path.write_bytes(b"")
    answer = command("eval")
    assert answer.code == 1
    assert "every checkpoint" in answer.err


@pytest.mark.parametrize("blocked", ["checkpoints", "images_saved"])
def test_a_folder_that_cannot_be_written_is_named(blocked, tiny_file, command):
    (tiny_file.parent / blocked).write_text("a file")
    answer = command("run", "tiny.json")
    assert answer.code == 2
    assert f"{blocked} cannot be made" in answer.err
    assert "VQFW_ROOT" in answer.err


def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_from_the_start_leaves_no_run(
    tiny_file, command, monkeypatch, files
):
    before = files()
    monkeypatch.setattr(os, "fsync", full)
    answer = command("run", "tiny.json", "--quiet")
    assert answer.code == 2
    assert "No space left on device" in answer.err
    assert "make room" in answer.err
    assert files() == before
    assert not list(tiny_file.parent.glob("checkpoints/*/"))


@pytest.mark.default_cases(1)
@pytest.mark.parametrize("step", [2, 6])
def test_a_disk_that_fills_up_costs_no_checkpoint_and_the_hint_works(
    step, tiny_file, command, monkeypatch
):
    from vqfw.assembly.autoencoder import Autoencoder

    real, done = Autoencoder.train_on_batch, []

    def counted(self, *arguments, **options):
        done.append(1)
        if len(done) == step:
            monkeypatch.setattr(os, "fsync", full)
        return real(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Autoencoder, "train_on_batch", counted)
        answer = command("run", "tiny.json", "--name", "a", "--quiet")
    monkeypatch.undo()
    assert answer.code == 1
    assert "No space left on device" in answer.err
    assert "Traceback" not in answer.err
    if step == 2:
        assert "nothing was saved yet" in answer.err
    else:
        assert answer.hint() == ["run", "--resume", "a"]


def test_a_run_folder_without_an_experiment_gets_no_hint_to_resume(tiny_file, command):
    create_run(tiny_file.parent, "tiny", "half")
    answer = command("run", "tiny.json", "--name", "half")
    assert answer.code == 2
    assert "--resume" not in answer.err
