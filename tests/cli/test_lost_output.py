"""A closed pipe, a full disk, a closed stream: lost words are ignored, lost data is an error."""

import errno
import io
import os
import shlex
import subprocess
import sys

import pytest

import vqfw
from vqfw.streams import standard_streams, tell

VQFW = shlex.join([sys.executable, "-P", "-m", "vqfw"])


class Broken(io.StringIO):
    """A stream that takes some lines, then fails at each write."""

    def __init__(self, error, takes=0, terminal=False):
        super().__init__()
        self.error, self.takes, self.terminal, self.failed = error, takes, terminal, 0

    def isatty(self):
        return self.terminal

    def write(self, text):
        if self.takes <= 0:
            self.failed += 1
            raise self.error
        self.takes -= "\n" in text
        return super().write(text)


LOSSES = {
    "its reader has gone": BrokenPipeError(errno.EPIPE, "Broken pipe"),
    "the disk is full": OSError(errno.ENOSPC, "No space left on device"),
    "its terminal has gone": OSError(errno.EIO, "Input/output error"),
}


def shell(command):
    """Exit code, stdout and stderr of a shell command."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    ("loss", "terminal"), [*zip(LOSSES, (False, False, True), strict=True)]
)
def test_training_continues_after_its_terminal_is_closed(
    loss, terminal, tiny, monkeypatch
):
    stderr = Broken(LOSSES[loss], takes=0, terminal=terminal)
    monkeypatch.setattr("sys.stderr", stderr)
    run = tiny("training.steps=5").run(name="a", quiet=False)
    assert stderr.failed
    assert run.trained.steps == 5
    assert vqfw.open_run("a").scores["test"]["images"] == 4


def test_a_training_needs_no_stderr(tiny, monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    monkeypatch.setattr("sys.stdout", None)
    assert tiny("training.steps=5").run(name="a", quiet=False).trained.steps == 5


def test_vqfw_run_says_on_stderr_where_the_scores_lie_that_stdout_lost(
    tiny_file, command, monkeypatch
):
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("sys.stdout", Broken(LOSSES["the disk is full"]))
    verb = ["run", str(tiny_file), "--name", "a", "--set", "training.steps=5"]
    answer = command(*verb)
    assert answer.code == 0
    path = vqfw.open_run("a").folder.path
    end = f"stdout cannot be written; the run is done: {path}\n"
    assert stderr.getvalue().endswith(end)


@pytest.mark.processes
def test_vqfw_run_keeps_training_when_both_streams_are_lost(
    tiny_file, command, monkeypatch
):
    for name in ("stdout", "stderr"):
        gone = Broken(LOSSES["its reader has gone"], takes=1)
        monkeypatch.setattr(f"sys.{name}", gone)
    change = ["--set", "training.steps=5"]
    assert command("run", str(tiny_file), "--name", "a", *change).code == 0
    assert "test" in vqfw.open_run("a").scores
    # A script that asked for the object has to learn that it did not come.
    assert command("run", str(tiny_file), "--name", "b", "--json", *change).code == 1
    assert "test" in vqfw.open_run("b").scores


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
@pytest.mark.parametrize(
    "verb",
    [
        "runs list --json",
        "plugins list",
        "validate tiny.json --json",
        "explain tiny.json",
        "--help",
    ],
)
def test_output_that_cannot_be_written_is_one_error_line(verb, done, tiny_file):
    code, _, said = shell(f"{VQFW} {verb} > /dev/full")
    sentence = "error: stdout cannot be written (No space left on device): make room"
    assert code == 1
    assert said.startswith(sentence)
    assert said.count("\n") == 1


@pytest.mark.processes
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
def test_a_lost_stderr_changes_no_exit_code(root):
    assert shell(f"{VQFW} plugins list --kind beta 2> /dev/full")[0] == 0
    assert shell(f"{VQFW} plugins list --kind beta 2>&-")[0] == 0
    assert shell(f"{VQFW} plugins list --kind beta >&- 2>&-") == (0, "", "")
    assert shell(f"{VQFW} validate nothing.json 2> /dev/full") == (2, "", "")
    assert shell(f"{VQFW} wrong 2>&-") == (2, "", "")


def test_a_closed_pipe_prints_no_error(root):
    code, out, said = shell(f"({VQFW} schema; echo $? >&2) | true")
    assert (code, out) == (0, "")
    assert said in ("0\n", "1\n")


def test_a_closed_descriptor_is_not_given_to_the_next_file(root):
    script = (
        "import os, sys; from vqfw.streams import standard_streams\n"
        "with standard_streams():\n"
        "    print(open('kept', 'w').fileno())"
    )
    python = shlex.join([sys.executable, "-c", script])
    code, out, _ = shell(f"{python} <&- 2>&-")
    assert code == 0
    assert int(out) > 2


def test_output_resumes_when_a_failed_stream_works_again(monkeypatch):
    stderr = Broken(LOSSES["the disk is full"])
    monkeypatch.setattr("sys.stderr", stderr)
    with standard_streams():
        tell("lost")
        stderr.takes = 9
        tell("kept")
    assert stderr.getvalue() == "kept\n"
