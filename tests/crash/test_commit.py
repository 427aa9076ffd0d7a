"""A process is killed, or the disk fails, at each call of a commit in turn."""

import errno
import os
from collections.abc import Callable

import numpy as np
import pytest

from vqfw.runs.checkpoint import Checkpoint, commit, newest, steps
from vqfw.runs.files import write_whole

pytestmark = pytest.mark.filterwarnings("ignore:.*fork")


def state(step):
    values = np.arange(600, dtype="float32") + step
    return Checkpoint(
        step, {"a/weights": values, "a/step": np.int32(step)}, {"n": step}
    )


def loaded(folder):
    """The newest step; its content was compared."""
    found = newest(folder, skipped=lambda sentence: None)
    expected = state(found.step)
    assert found.counters == expected.counters
    for path, value in expected.arrays.items():
        np.testing.assert_array_equal(found.arrays[path], value)
    return found.step


def dies_in_child(work: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    return code == 9


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


# Steps that are there, whether the newest is damaged, the step to commit, how many stay.
SITUATIONS = {
    "first": ([], False, 4, 2),
    "one is kept": ([4], False, 8, 1),
    "two are kept": ([4, 8], False, 12, 2),
    "a damaged one is replaced": ([4, 8], True, 8, 2),
    "a damaged one lies ahead": ([4, 8], True, 6, 1),
}


@pytest.mark.processes
@pytest.mark.parametrize("power", [True, False], ids=["power cut", "kill"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_commit_cut_by_kill_or_power_loss_leaves_the_old_or_the_new_state(
    situation, power, disk, tmp_path
):
    present, damaged, step, keep = SITUATIONS[situation]
    fault = disk.lose_power if power else lambda: os._exit(9)
    at, died = 0, True
    while died:
        at += 1
        folder = tmp_path / f"{at}"
        for each in present:
            commit(folder, state(each), keep=len(present))
        if damaged:
            damage(folder / f"{present[-1]:08d}" / "state.npz")
        whole = present[:-1] if damaged else present
        old = whole[-1] if whole else None

        def work(folder=folder, at=at):
            disk.fail(at, fault)
            commit(folder, state(step), keep)

        died = dies_in_child(work)
        if old is None and not steps(folder):
            assert died
        else:
            assert loaded(folder) in ((old, step) if died else (step,))
        # The next process tidies up and goes on.
        commit(folder, state(step + 1), keep)
        assert loaded(folder) in (step + 1, max(present, default=0))
        assert not list(folder.glob(".*"))
    assert at > 12


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("present", [[], [4], [4, 8]])
def test_a_failing_disk_loses_no_checkpoint(present, number, disk, tmp_path):
    def fault():
        raise OSError(number, os.strerror(number))

    at, reached = 0, True
    while reached:
        at += 1
        folder = tmp_path / f"{at}"
        for each in present:
            commit(folder, state(each), keep=2)
        disk.fail(at, fault)
        failure = None
        try:
            commit(folder, state(12), keep=2)
        except OSError as error:
            failure = error.errno
        reached = disk.calls >= at
        disk.fail(0, fault)
        assert not list(folder.glob(".*"))
        there = steps(folder)
        assert failure in (None, number)
        assert 12 in there or failure
        assert 12 in there or there == present
        if there:
            assert loaded(folder) == there[-1]
    assert at > 12


def test_a_replaced_file_is_old_or_new_after_any_kill_or_power_loss(disk, tmp_path):
    path = tmp_path / "LATEST"
    at, died = 0, True
    while died:
        at += 1
        path.write_bytes(b"old")

        def work(at=at):
            disk.fail(at, disk.lose_power)
            write_whole(path, b"entirely new")

        died = dies_in_child(work)
        assert path.read_bytes() in (b"old", b"entirely new")
    assert path.read_bytes() == b"entirely new"
    assert at > 4


def test_no_old_checkpoint_is_removed_before_the_new_one_is_durable(
    monkeypatch, tmp_path
):
    commit(tmp_path, state(4), keep=1)
    order = []
    real = {name: getattr(os, name) for name in ("fsync", "rename", "rmdir")}

    def noted(name):
        def call(*arguments, **options):
            order.append(name)
            return real[name](*arguments, **options)

        return call

    for name in real:
        monkeypatch.setattr(os, name, noted(name))
    commit(tmp_path, state(8), keep=1)
    renamed = order.index("rename")
    assert order[:renamed].count("fsync") == 4  # three files and their folder
    assert order[renamed + 1] == "fsync"  # the rename itself
    assert "rmdir" not in order[: renamed + 2]
    assert order[-1] == "rmdir"
    assert steps(tmp_path) == [8]
