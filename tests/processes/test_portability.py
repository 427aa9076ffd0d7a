"""The verbs work without the Unix parts of Python: flock, alarms, process groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes

# Hidden before anything else is imported. One process for all verbs: importing TensorFlow
# is most of each.
VERBS = """
import os, signal, sys
sys.modules["fcntl"] = None
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm", "pthread_kill"):
    delattr(signal, name)
for name in ("getpgid", "killpg", "sched_getaffinity", "sched_setaffinity", "setsid"):
    delattr(os, name)
import json
from vqfw.cli.command_line import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code, (arguments, ended.code)
"""
LOSS = '''
from vqfw.kinds import Loss
from keras import ops

class Own(Loss):
    """The mean of squares."""

    def __call__(self, original, reconstruction):
        return ops.mean(ops.square(original - reconstruction), axis=(1, 2, 3))
'''


def test_verbs_work_without_the_unix_parts_of_python(tiny_file, root, install):
    install("vqfw-own", LOSS, {"vqfw.losses": "own = MODULE:Own"})
    own = ("tiny.json", "--set", 'losses=["own"]', "--set", "training.steps=3")
    calls = [
        ("validate", *own),
        ("plan", *own),
        ("run", *own, "--name", "own", "--quiet"),
        ("eval", "--run", "own"),
        ("runs", "list"),
        ("doctor", "own"),
    ]
    # What a person has set for Keras holds for other programs.
    odd = {"floatx": "float16", "image_data_format": "channels_first"}
    (root / "keras.json").write_text(json.dumps(odd))
    path = os.pathsep.join([str(root / "site"), *filter(None, sys.path)])
    command = [sys.executable, "-P", "-c", VERBS, json.dumps(calls)]
    found = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path, "KERAS_HOME": str(root)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert json.loads((root / "checkpoints/own/scores.json").read_text())["test"]
