"""Fixtures that end a training early, and that read all files of a run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import vqfw
from vqfw.assembly.autoencoder import Autoencoder
from vqfw.errors import Interrupted
from vqfw.runs.checkpoint import newest


class Killed(BaseException):
    """What no part of the engine catches, as it could not catch a kill -9."""


def kill() -> None:
    raise Killed


@pytest.fixture
def after_step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has something happen right after an optimizer step, before it is recorded."""

    def install(
        step: int, happens: Callable[[], Any], patch: pytest.MonkeyPatch = monkeypatch
    ) -> None:
        real = Autoencoder.train_on_batch
        done = 0

        def counted(self: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal done
            found = real(self, *arguments, **options)
            done += 1
            if done == step:
                happens()
            return found

        patch.setattr(Autoencoder, "train_on_batch", counted)

    return install


@pytest.fixture
def cut(after_step: Callable[..., None]) -> Callable[..., vqfw.Run]:
    """Trains until a step: there it is ``interrupted`` by Ctrl-C, or ``killed``."""

    def until(experiment: vqfw.Experiment, step: int, how: str) -> vqfw.Run:
        ends = {
            "interrupted": lambda: signal.raise_signal(signal.SIGINT),
            "killed": kill,
        }
        with pytest.MonkeyPatch.context() as patch:
            after_step(step, ends[how], patch)
            with pytest.raises((Killed, Interrupted)):
                experiment.run(name="cut")
        return vqfw.open_run("cut")

    return until


@pytest.fixture
def everything() -> Callable[[vqfw.Run], dict[str, bytes]]:
    """Every bit of the state, the records and the pictures of a run, by name."""

    def read(run: vqfw.Run) -> dict[str, bytes]:
        found = newest(run.folder.states, skipped=pytest.fail)
        assert found is not None
        bits = {
            path: value.dtype.str.encode() + np.ascontiguousarray(value).tobytes()
            for path, value in found.arrays.items()
        }
        bits["counters"] = f"{found.step} {found.counters}".encode()
        files = [run.folder.path / name for name in ("metrics.jsonl", "scores.json")]
        for path in (*files, *run.folder.pictures.iterdir()):
            bits[path.name] = path.read_bytes()
        return bits

    return read
