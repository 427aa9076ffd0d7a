"""Makes run folders without training, and replaces ``vqfw study`` by a program that does."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from vqfw.registry.backends import chosen_backend
from vqfw.runs.environment import describe_environment
from vqfw.runs.origin import KEY, sign
from vqfw.study.grid import Point
from vqfw.study.loading import load_grid


def begin(root: Path, point: Point, name: str = "", **environment: Any) -> Path:
    """The folder of a run that was begun here, as its signature says."""
    folder = root / "checkpoints" / (name or point.id)
    folder.mkdir(parents=True)
    recorded = {
        **describe_environment(chosen_backend()),
        "threads": 2,
        "precision": "float32",
        "data_fingerprint": "d" * 64,
        "plugin_files": [],
        **environment,
    }
    resolved = point.experiment.resolved_json()
    signed = {KEY: sign(recorded, resolved.encode()), **recorded}
    (folder / "environment.json").write_text(json.dumps(signed))
    origins = {path: each.source for path, each in point.experiment.origins.items()}
    (folder / "origins.json").write_text(json.dumps(origins))
    (folder / "resolved.json").write_text(resolved)
    return folder


def finish(
    root: Path, point: Point, name: str = "", psnr: float = 20.0, **changes: Any
) -> Path:
    """The folder of a run that was finished, with one score."""
    folder = begin(root, point, name, **changes.pop("environment", {}))
    score = {"value": psnr, "interval": [psnr - 1, psnr + 1], "unit": "dB"}
    scores = {
        "images": 4,
        "bits_per_image": 64.0,
        "psnr": {**score, "better": "higher"},
    }
    training = {
        "steps": point.experiment.training.steps,
        "seconds": 60.0,
        "images_per_second": 100.0,
        "revival": {"revived": 9, "examined": 8, "survived": 6},
        **changes,
    }
    (folder / "scores.json").write_text(json.dumps({"test": scores}))
    (folder / "training.json").write_text(json.dumps(training))
    return folder


def main(file: str, *options: str) -> int:
    """Acts as a process of ``vqfw study FILE``; PRETEND gives the behaviour of each arm."""
    if "--check" in options:
        return 0
    root = Path(os.environ["VQFW_ROOT"])
    wanted = options[options.index("--point") + 1]
    changes = [each for key, each in pairwise(options) if key == "--set"]
    (point,) = [each for each in load_grid(file, changes).points if each.id == wanted]
    _note(root / "started", str(point))
    what = json.loads(os.environ["PRETEND"]).get(point.arm.label, "finish")
    if what == "fail":
        print("a first line\nerror: the loss of step 7 is nan", flush=True)
        return 1
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "wait":
        signal.signal(signal.SIGINT, lambda number, frame: sys.exit(130))
        _note(root / "waiting", str(point))
        time.sleep(60)
    if what == "meet":
        _note(root / "met", json.dumps(sorted(os.sched_getaffinity(0))))
        deadline = time.monotonic() + 60
        while len((root / "met").read_text().splitlines()) < 2:
            if time.monotonic() > deadline:
                return 1
            time.sleep(0.01)
    finish(root, point)
    return 0


def _note(file: Path, line: str) -> None:
    with file.open("a") as log:
        log.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[2:]))
