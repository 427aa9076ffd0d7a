"""Counts the calls that change the disk, and makes one of them fail."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from typing import Any

import pytest

from vqfw.runs import checkpoint, files

CALLS = ("mkdir", "rename", "replace", "unlink", "rmdir", "fsync")


class Disk:
    """Every call that changes the disk passes here.

    Args:
        fault: called at the chosen call, before it is made.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.at = 0
        self.fault: Callable[[], None] = lambda: None
        self.unsynced: set[str] = set()
        for name in CALLS:
            patch.setattr(os, name, self._counted(getattr(os, name)))
        for module in (checkpoint, files):
            patch.setattr(module, "open", self._open, raising=False)

    def fail(self, at: int, fault: Callable[[], None]) -> None:
        """From now on, the ``at``-th call fails; counted from 1."""
        self.calls, self.at, self.fault = 0, at, fault
        self.unsynced.clear()

    def lose_power(self) -> None:
        """What was never synced is gone, and so is the process."""
        for path in self.unsynced:
            if os.path.exists(path):
                os.truncate(path, 0)
        os._exit(9)

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.fault()

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.step()
            found = real(*arguments, **options)
            if real.__name__ == "fsync":
                self.unsynced.discard(os.readlink(f"/proc/self/fd/{arguments[0]}"))
            return found

        return call

    def _open(self, path: Any, *arguments: Any, **options: Any) -> Any:
        self.step()
        file = builtins.open(path, *arguments, **options)  # noqa: SIM115  # _File closes it
        self.unsynced.add(str(path))
        return _File(file, self)


class _File:
    """A file whose writes are counted; a write that fails has written half."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def write(self, content: bytes) -> None:
        half = len(content) // 2
        self._file.write(content[:half])
        self._file.flush()
        self._disk.step()
        self._file.write(content[half:])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)
