"""A run of ``vqfw`` gets a signal or is killed, and is resumed."""

import os
import random
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import vqfw
from vqfw.assembly.autoencoder import Autoencoder
from vqfw.runs.checkpoint import newest, steps

VQFW = [sys.executable, str(Path(sysconfig.get_path("scripts")) / "vqfw")]
CHANGES = ("training.steps=160", "training.checkpoint_every=20", "data.validation=0")
LONG = [part for change in CHANGES for part in ("--set", change)]
DEADLINE = 120  # seconds; only a run that hangs reaches it


@pytest.fixture
def start(tiny_file):
    """Starts ``vqfw run`` and waits until it has a checkpoint."""
    started = []

    def run(name):
        process = subprocess.Popen(
            [*VQFW, "run", str(tiny_file), "--name", name, *LONG],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        states = tiny_file.parent / "checkpoints" / name / "state"
        begun = time.monotonic()
        while not steps(states):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() - begun < DEADLINE
            time.sleep(0.01)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def final(run):
    found = newest(run.folder.states, skipped=pytest.fail)
    assert found is not None
    assert found.step == 160
    return {path: value.tobytes() for path, value in found.arrays.items()}


@pytest.mark.processes
def test_after_ctrl_c_or_kill_9_a_run_resumes_to_the_same_scores(start, tiny, command):
    interrupted = start("interrupted")
    live = command("run", "--resume", "interrupted")
    assert live.code == 2
    assert f"being written by process {interrupted.pid}" in live.err
    interrupted.send_signal(signal.SIGINT)
    _, told = interrupted.communicate(timeout=DEADLINE)
    assert interrupted.returncode == 130, told
    assert "Traceback" not in told
    hint = told.splitlines()[-1].partition("go on with: ")[2].split()
    assert hint == ["vqfw", "run", "--resume", "interrupted"]

    killed = start("killed")
    time.sleep(random.uniform(0, 0.5))  # wherever that is, nothing is lost
    assert killed.poll() is None
    killed.kill()
    killed.communicate(timeout=DEADLINE)

    # One in a process of its own, as it was printed; one in this process.
    resumed = subprocess.run(
        [*VQFW, *hint[1:], "--quiet"], capture_output=True, text=True, timeout=DEADLINE
    )
    assert resumed.returncode == 0, resumed.stderr
    assert command("run", "--resume", "killed", "--quiet").code == 0
    whole = final(tiny(*CHANGES).run(name="whole"))
    assert final(vqfw.open_run("interrupted")) == whole
    assert final(vqfw.open_run("killed")) == whole


@pytest.fixture
def at_step(monkeypatch):
    """Sends this process signals after steps of a training: {step: signal}."""

    def install(signals):
        real, done = Autoencoder.train_on_batch, []

        def counted(self, *arguments, **options):
            found = real(self, *arguments, **options)
            done.append(1)
            if len(done) in signals:
                signal.raise_signal(signals[len(done)])
            return found

        monkeypatch.setattr(Autoencoder, "train_on_batch", counted)

    return install


@pytest.mark.default_cases(1)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_sigint_or_sigterm_saves_the_step_and_prints_the_resume_command(
    number, code, tiny_file, command, at_step, monkeypatch
):
    before = signal.getsignal(number)
    at_step({6: number})
    answer = command("run", "tiny.json", "--name", "a", "--quiet")
    assert answer.code == code
    assert "stopped after step 6 of 12, which is saved" in answer.err
    assert answer.hint() == ["run", "--resume", "a"]
    run = vqfw.open_run("latest")
    assert run.id == "a"
    assert steps(run.folder.states) == [4, 6]
    assert signal.getsignal(number) is before
    at_step({})
    assert command(*answer.hint(), "--quiet").code == 0


def test_sigusr1_saves_and_goes_on(tiny_file, command, at_step):
    at_step({11: signal.SIGUSR1})
    answer = command("run", "tiny.json", "--name", "a", "--quiet")
    assert answer.code == 0
    assert steps(vqfw.open_run("a").folder.states) == [11, 12]


@pytest.mark.processes
def test_a_run_with_a_signal_in_its_last_step_is_finished_and_scored(
    tiny_file, command, at_step
):
    at_step({12: signal.SIGTERM})
    assert command("run", "tiny.json", "--name", "a", "--quiet").code == 0
    assert vqfw.open_run("a").scores["test"]


def test_a_second_signal_ends_the_process_at_once(tiny_file):
    code = (
        "import signal\n"
        "from vqfw.training.signals import listening\n"
        "with listening() as wishes:\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    assert wishes.stop == signal.SIGTERM\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    print('still here')\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == -signal.SIGTERM
    assert found.stdout == ""


def test_outside_the_main_thread_a_run_trains_without_signals(tiny):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(tiny("training.steps=2").run).result()
    assert run.trained is not None
    assert run.trained.steps == 2
    assert os.getpid() == int((run.folder.path / "lock").read_text())
