"""A study trains its missing runs in order, shares cores, and handles failures and signals."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import vqfw
from vqfw.errors import DataError, ExperimentError, UsageError, VqfwError
from vqfw.plan import settled_threads
from vqfw.study import children
from vqfw.study.standing import alone

ARMS = {"a": {}, "b": {"model.beta": 0.5}}


def started(root, name="started"):
    log = root / name
    return log.read_text().splitlines() if log.exists() else []


def interrupt_when(ready):
    """Sends Ctrl-C as soon as a condition holds."""

    def interrupt():
        deadline = time.monotonic() + 60
        while not ready() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()


several_cores = pytest.mark.skipif(
    settled_threads(None) < 2, reason="two runs at once need two cores"
)


def test_a_study_trains_only_runs_that_are_not_finished(
    write, root, pretending, pretend
):
    study = vqfw.load_study(write(arms=ARMS, vary={"seed": [0, 1]}))
    pretend.finish(root, study.grid.points[1], "by-hand", psnr=30.0)
    told = []
    table = study.run(say=told.append)
    assert started(root) == ["a · seed 0", "a · seed 1", "b · seed 1"]
    assert told[0] == "study small: 4 runs: 1 finished, 3 to run"
    assert told[1] == "[2/4] a · seed 0 ..."
    assert "[4/4] b · seed 1: " in told[-1]
    assert "psnr 20" in told[-1]
    assert "left" in told[2]
    assert table.rows[1].cells["psnr"].values == (30.0, 20.0)
    assert table.rows[1].runs[0] == "by-hand"
    assert study.run().rows == table.rows
    assert len(started(root)) == 3


def test_a_failed_run_stops_no_other_run(write, root, pretending, command):
    write(arms=ARMS)
    pretending(a="fail")
    answer = command("study", "study.json")
    assert answer.code == 1
    assert started(root) == ["a · seed 0", "b · seed 0"]
    assert "[1/2] a · seed 0: failed: the loss of step 7 is nan" in answer.err
    assert "Failed: a · seed 0: the loss of step 7 is nan" in answer.out
    assert "| b | 1 | 20.00 ± 1.00 |" in answer.out
    pretending()
    # The command that is printed tries again what failed, and nothing else.
    assert command(*answer.hint()).code == 0
    assert started(root)[2:] == ["a · seed 0"]


def test_a_killed_run_is_a_failure_that_names_the_signal(
    write, root, pretending, command
):
    write(arms=ARMS)
    pretending(a="die")
    answer = command("study", "study.json", "--json", "--quiet")
    assert answer.code == 1
    assert answer.err == ""
    (failure,) = answer.data["failures"]
    assert failure["label"] == "a · seed 0"
    assert failure["reason"] == "killed by SIGKILL, perhaps out of memory"
    assert answer.data["rows"][0]["runs"] == []


def test_ctrl_c_ends_a_study_and_prints_the_command_that_continues_it(
    write, root, pretending, command
):
    write(arms=ARMS)
    pretending(a="wait")
    before = signal.getsignal(signal.SIGINT)
    interrupt_when(lambda: started(root, "waiting"))
    answer = command("study", "study.json", "--set", "training.steps=9")
    assert answer.code == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert started(root) == ["a · seed 0"]
    assert answer.hint() == ["study", "study.json", "--set", "training.steps=9"]
    assert "0 of 2 runs finished" in answer.err
    assert (root / "checkpoints" / "studies" / "small" / "table.md").exists()


@several_cores
def test_two_jobs_run_at_once_on_different_cores(write, root, pretending, command):
    write(arms={**ARMS, "c": {"model.beta": 1.0}})
    pretending(a="meet", b="meet")
    answer = command("study", "study.json", "--jobs", "2", "--json")
    assert answer.code == 0
    assert [len(row["runs"]) for row in answer.data["rows"]] == [1, 1, 1]
    first, second = map(json.loads, started(root, "met"))
    assert len(first) == len(second) == settled_threads(None) // 2
    assert not set(first) & set(second)


@several_cores
def test_ctrl_c_ends_all_parallel_runs_of_a_study(write, root, pretending, command):
    write(arms={**ARMS, "c": {"model.beta": 1.0}})
    pretending(a="wait", b="wait")
    interrupt_when(lambda: len(started(root, "waiting")) == 2)
    begun = time.monotonic()
    answer = command("study", "study.json", "--jobs", "2")
    assert answer.code == 130
    assert time.monotonic() - begun < 50  # they would have waited for 60 seconds
    assert sorted(started(root)) == ["a · seed 0", "b · seed 0"]
    assert answer.hint() == ["study", "study.json", "--jobs", "2"]


@several_cores
def test_a_job_that_fails_leaves_its_cores_to_the_next(
    write, root, pretending, command
):
    write(arms={**ARMS, "c": {"model.beta": 1.0}})
    pretending(a="fail", b="die")
    answer = command("study", "study.json", "--jobs", "2", "--json")
    assert answer.code == 1
    assert len(answer.data["failures"]) == 2
    assert [len(row["runs"]) for row in answer.data["rows"]] == [0, 0, 1]


def test_more_jobs_than_cores_are_an_error_with_the_number_of_cores(
    write, root, pretending, command
):
    write(arms=ARMS)
    answer = command("study", "study.json", "--jobs", "1000")
    assert answer.code == 2
    assert f"set 1 to {settled_threads(None)}" in answer.err
    assert command("study", "study.json", "--jobs", "1000", "--dry-run").code == 2
    assert not started(root)
    with pytest.raises(UsageError):
        vqfw.load_study(root / "study.json").run(jobs=0)


def test_a_run_that_another_process_trains_is_started_last(write, root, pretending):
    study = vqfw.load_study(write(arms=ARMS))
    with alone(study.grid.points[0], root, pytest.fail):
        study.run()
    assert started(root) == ["b · seed 0", "a · seed 0"]


def test_set_and_plugins_reach_every_process(write, root, monkeypatch):
    monkeypatch.setattr(children, "_VQFW", ("echo",))
    study = vqfw.load_study(write(), ["training.steps=9"])
    log = root / "log"
    called = children.Children(study._call().arguments, root).run("x", log)
    assert called == 0
    file = str(root / "study.json")
    assert log.read_text().split() == [
        "study",
        file,
        "--set",
        "training.steps=9",
        "--point",
        "x",
    ]


@pytest.mark.parametrize(
    ("said", "code", "error", "words"),
    [
        (
            {"error": "there is no data", "exit_code": 4},
            4,
            DataError,
            "there is no data",
        ),
        ("Traceback", 1, VqfwError, "ended with code 1"),
    ],
)
def test_a_problem_of_the_check_ends_the_study(
    write, root, monkeypatch, said, code, error, words
):
    text = said if isinstance(said, str) else json.dumps(said)
    program = f"import sys; print({text!r}); sys.exit({code})"
    monkeypatch.setattr(children, "_VQFW", (sys.executable, "-c", program))
    with pytest.raises(error, match=words):
        vqfw.load_study(write(arms=ARMS)).run()
    assert not (root / "checkpoints" / "studies" / "small" / "logs").exists()


def test_problems_found_by_components_are_reported_before_training(
    write, root, command
):
    write(vary={"data.image_size": [16, 18, 22]})
    answer = command("study", "study.json", "--check", "--json")
    assert answer.code == 2
    assert [each["code"] for each in answer.data["problems"]] == ["size-mismatch"] * 2
    assert "in the run image_size=18 · seed 0" in answer.err
    # A study lets a process find the same, and raises it as its own.
    monkey = pytest.MonkeyPatch()
    program = f"import sys; print({answer.out!r}); sys.exit(2)"
    monkey.setattr(children, "_VQFW", (sys.executable, "-c", program))
    again = command("study", "study.json")
    monkey.undo()
    assert again.code == 2
    assert again.err.splitlines()[1:] == answer.err.splitlines()
    assert not (root / "checkpoints" / "small").exists()


@several_cores
def test_a_dry_run_says_what_would_run_and_how_long(
    write, root, pretend, command, pretending
):
    study = vqfw.load_study(write(arms=ARMS, vary={"seed": [0, 1]}))
    pretend.finish(root, study.grid.points[0], seconds=120.0)
    pretend.begin(root, study.grid.points[1])
    answer = command("study", "study.json", "--dry-run")
    assert answer.out.splitlines() == [
        f"a · seed 0   finished: {study.grid.points[0].id}",
        "b · seed 0   to resume after step 0: 2 min",
        "a · seed 1   to run: 2 min",
        "b · seed 1   to run: 2 min",
        "3 of 4 to run: 6 min. Nothing was run.",
    ]
    data = command("study", "study.json", "--dry-run", "--json").data
    assert data["seconds"] == 360
    two = command("study", "study.json", "--dry-run", "--json", "--jobs", "2")
    assert two.data["seconds"] == 240
    assert [each["state"] for each in data["points"]] == [
        "finished",
        "begun",
        "missing",
        "missing",
    ]
    assert not started(root)


def test_study_table_prints_finished_runs_and_trains_no_run(
    write, root, pretend, command, pretending
):
    study = vqfw.load_study(write(arms=ARMS))
    pretend.finish(root, study.grid.points[0], psnr=21.0)
    answer = command("study", "study.json", "--table")
    assert answer.code == 0
    assert "| a | 1 | 21.00 ± 1.00 |" in answer.out
    assert "| b | 0 of 1 |" in answer.out
    kept = root / "checkpoints" / "studies" / "small" / "table.md"
    assert kept.read_text() == answer.out
    assert "21.00" in study._repr_html_()
    assert not started(root)


def test_an_unknown_point_is_an_error_with_the_command_that_lists_them(write, command):
    write()
    answer = command("study", "study.json", "--point", "nothing")
    assert answer.code == 2
    assert command(*answer.hint()).data["points"][0]["state"] == "missing"


def test_exclusive_options_are_an_error(write, command):
    write()
    assert command("study", "study.json", "--dry-run", "--table").code == 2
    assert command("study", "study.json", "--jobs", "2", "--table").code == 2


@pytest.mark.parametrize("option", ["--dry-run", "--table", "--help"])
def test_the_parent_needs_no_keras(write, root, option):
    write(arms=ARMS)
    code = (
        "import sys; from vqfw.cli.command_line import vqfw\n"
        f"vqfw.main(['study', 'study.json', {option!r}], standalone_mode=False)\n"
        "loaded = {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_load_study_raises_for_a_file_that_is_not_a_study(write):
    with pytest.raises(ExperimentError, match="unknown key"):
        vqfw.load_study(write(varied={}))
