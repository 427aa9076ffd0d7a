"""A study whose run is killed resumes it from its checkpoint."""

import os
import signal
import subprocess
import sys
import time

import pytest

import vqfw
from vqfw.runs.checkpoint import newest, steps

VQFW = [sys.executable, "-m", "vqfw"]
DEADLINE = 900  # seconds; only a study that hangs reaches it


@pytest.mark.processes
def test_a_killed_study_resumes_its_run(write, root):
    path = write(
        arms={"long": {"training.steps": 160}, "short": {"training.steps": 5}},
        vary={"training.checkpoint_every": [40], "data.validation": [0]},
    )
    study = vqfw.load_study(path)
    long, short = study.grid.points
    process = subprocess.Popen(
        [*VQFW, "study", "study.json"], stderr=subprocess.PIPE, text=True
    )
    states = root / "checkpoints" / long.id / "state"
    begun = time.monotonic()
    while not steps(states):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() - begun < DEADLINE
        time.sleep(0.01)
    child = int((root / "checkpoints" / long.id / "lock").read_text())
    os.kill(child, signal.SIGKILL)
    _, told = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1, told
    assert "failed: killed by SIGKILL" in told
    assert [each.state for each, _ in study.standings()] == ["begun", "finished"]
    before = (root / "checkpoints" / short.id / "training.json").stat().st_mtime_ns

    again = subprocess.run(
        [*VQFW, "study", "study.json"], capture_output=True, text=True, timeout=DEADLINE
    )
    assert again.returncode == 0, again.stderr
    assert "2 runs: 1 finished, 1 to resume" in again.stderr
    log = root / "checkpoints" / "studies" / "small" / "logs" / f"{long.id}.log"
    assert "resumed after step" in log.read_text()
    after = (root / "checkpoints" / short.id / "training.json").stat().st_mtime_ns
    assert after == before
    assert "| long | 1 |" in again.stdout
    assert newest(vqfw.open_run(long.id).folder.states, pytest.fail).step == 160
