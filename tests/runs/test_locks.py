"""The lock of an open file, and file systems that have none."""

from __future__ import annotations

import errno

import pytest

from vqfw.runs.locks import take_lock


def test_a_lock_is_held_until_its_file_is_closed(tmp_path):
    with open(tmp_path / "lock", "a") as first, open(tmp_path / "lock", "a") as second:
        assert take_lock(first)
        assert not take_lock(second)
        first.close()
        assert take_lock(second, wait=True)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks_gives_every_lock(number, tmp_path, monkeypatch):
    monkeypatch.setattr("filelock.lock_descriptor", failing(number))
    with open(tmp_path / "lock", "a") as file:
        assert take_lock(file)


def test_another_error_of_locking_is_raised(tmp_path, monkeypatch):
    monkeypatch.setattr("filelock.lock_descriptor", failing(errno.EIO))
    with open(tmp_path / "lock", "a") as file, pytest.raises(OSError, match="Input"):
        take_lock(file)


def failing(number):
    def lock(descriptor, blocking):
        raise OSError(number, "Input/output error")

    return lock
