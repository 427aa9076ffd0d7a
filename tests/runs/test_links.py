"""Links in a run folder: what a run reads and writes lies there itself."""

from __future__ import annotations

import os

import numpy as np
import pytest
from vqfw_trackers.csv_file import CSV

from vqfw.errors import RunError, UnwritableError
from vqfw.evaluation.pictures import save_film, save_pairs, save_picture
from vqfw.runs import create_run, find_run
from vqfw.runs.checkpoint import Checkpoint, commit, steps
from vqfw.runs.files import open_own, read_own, write_whole

PICTURES = np.zeros((1, 4, 4, 3), "uint8")


@pytest.fixture
def outside(tmp_path):
    """A file of this person, which stays as it is."""
    path = tmp_path / "outside" / "thesis.txt"
    path.parent.mkdir()
    path.write_text("years of work")
    yield path
    assert path.read_text() == "years of work"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def run(tmp_path):
    return create_run(tmp_path, "faces", "mine")


def csv_of(path):
    tracker = CSV(path.parent)
    tracker.scalars(1, {"loss": 1.0})
    tracker.close()


WRITERS = {
    "scores.json": lambda path: write_whole(path, b"{}"),
    "original_1.png": lambda path: save_pairs(path.parent, PICTURES, PICTURES),
    "grid_00001.png": lambda path: save_picture(path, PICTURES[0]),
    "metrics.csv": csv_of,
}


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_link_is_replaced_and_not_written_through(run, outside, name, link):
    path = run.path / name
    link(outside, path)
    WRITERS[name](path)
    assert not path.is_symlink()
    assert not path.samefile(outside)


def test_a_dangling_link_creates_no_file(run, outside):
    path = run.path / "metrics.jsonl"
    path.symlink_to(outside.parent / "new")
    with pytest.raises(OSError, match="it is a link"):
        open_own(path, os.O_WRONLY | os.O_CREAT)


def test_the_lock_follows_no_link_and_writes_into_no_other_name(run, outside):
    lock = run.path / "lock"
    os.link(outside, lock)
    with run.locked():
        pass
    lock.unlink()
    lock.symlink_to(outside)
    with pytest.raises(RunError, match=r"lock is a link to .*thesis\.txt"):
        run.require_contained()
    with pytest.raises(UnwritableError, match="it is a link"):
        run.require_free()


def test_a_failure_is_noted_in_the_run_alone(run, outside):
    os.link(outside, run.path / "failures.jsonl")
    run.note_failure({"tracker": "csv"})
    assert run.failures == [{"tracker": "csv"}]


def test_only_regular_files_are_read(run, outside, tmp_path):
    os.mkfifo(run.path / "pipe")
    (run.path / "link").symlink_to(outside)
    (run.path / "zero").symlink_to("/dev/zero")
    (run.path / "large").write_bytes(b"12345")
    for name in ("pipe", "link", "zero", "missing"):
        with pytest.raises(OSError, match=r"it is|No such file"):
            read_own(run.path / name)
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_own(run.path / "large", 4)


def test_checkpoints_behind_a_link_are_ignored_and_a_link_in_their_place_is_replaced(
    run, outside
):
    state = Checkpoint(4, {"x": np.zeros(2)}, {})
    commit(run.states, state, keep=1)
    elsewhere = run.path.with_name("elsewhere")
    run.states.rename(elsewhere)
    run.states.symlink_to(elsewhere)
    assert steps(run.states) == []
    with pytest.raises(RunError, match="state is a link to"):
        run.require_contained()
    run.states.unlink()
    run.states.mkdir()
    (run.states / "00000004").symlink_to(outside.parent)
    (run.states / ".00000004.1.tmp").symlink_to(outside.parent)
    assert steps(run.states) == []
    commit(run.states, state, keep=1)
    assert steps(run.states) == [4]


def test_the_film_follows_no_link(run, tmp_path):
    save_picture(tmp_path / "private.png", PICTURES[0])
    (run.pictures / "grid_00001.png").symlink_to(tmp_path / "private.png")
    save_film(run.pictures, run.pictures / "training.gif")
    assert not (run.pictures / "training.gif").exists()


def test_pictures_behind_a_link_are_not_written(run, outside):
    run.pictures.rmdir()
    run.pictures.symlink_to(outside.parent)
    with pytest.raises(UnwritableError, match="mine is a link"):
        run.require_free()
    run.pictures.unlink()
    run.pictures.mkdir()
    (run.pictures / "data").symlink_to(outside.parent)
    with pytest.raises(UnwritableError, match="data is a link to"):
        run.require_free()


def test_a_run_folder_that_is_a_link_can_be_used(run, tmp_path):
    (run.path / "resolved.json").write_text("{}")
    (run.path / "best").symlink_to("state")
    run.states.mkdir()
    moved = tmp_path / "big disk"
    run.path.rename(moved)
    run.path.symlink_to(moved)
    found = find_run(tmp_path, "mine")
    with found.locked():
        assert found.is_recorded
    assert (moved / "lock").exists()


def test_unfinished_files_of_a_killed_process_are_removed(run, outside):
    left = run.path / f".scores.json.{'a1' * 8}.tmp"
    left.write_text("{")
    link = run.pictures / f".grid_1.png.{'b2' * 8}.tmp"
    link.symlink_to("training.gif")
    own = run.path / ".notes.tmp"
    own.write_text("mine")
    with run.locked():
        pass
    assert not left.exists()
    assert not link.is_symlink()
    assert own.exists()


def test_an_unwritable_folder_of_pictures_is_an_error_before_the_work(run, monkeypatch):
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != run.pictures and allowed(path, mode)
    )
    with pytest.raises(UnwritableError, match=r"images_saved.mine cannot be written"):
        run.require_free()
