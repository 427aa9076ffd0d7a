import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vqfw.errors import RunError, UnwritableError
from vqfw.runs import create_run, find_run, list_folders, mark_latest


@pytest.fixture
def recorded(tmp_path):
    """Makes a run that has recorded an experiment, and maybe a score."""

    def make(name, **scores):
        run = create_run(tmp_path, "faces", name)
        (run.path / "resolved.json").write_text("{}")
        if scores:
            test = {k: {"value": v, "better": b} for k, (v, b) in scores.items()}
            (run.path / "scores.json").write_text(json.dumps({"test": test}))
        return run

    return make


def test_a_generated_id_has_the_time_and_the_experiment(tmp_path):
    run = create_run(tmp_path, "faces", None)
    assert run.id.endswith("_faces")
    assert run.path.is_dir()
    assert run.pictures.is_dir()


def test_runs_of_the_same_second_do_not_share_a_folder(tmp_path):
    runs = [create_run(tmp_path, "faces", None) for _ in range(20)]
    assert len({run.path for run in runs}) == 20


@pytest.mark.parametrize(
    "name",
    ["", "latest", "../x", "a/b", "A", "-a", ".a", "a..b", "a\n", "con", "x" * 65, "ä"],
)
def test_a_harmful_name_is_refused(tmp_path, name):
    with pytest.raises(RunError, match="cannot name a run"):
        create_run(tmp_path, "faces", name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_given_once(recorded, tmp_path):
    recorded("mine")
    with pytest.raises(RunError, match="vqfw run --resume mine"):
        create_run(tmp_path, "faces", "mine")


def test_a_folder_without_an_experiment_is_not_offered_for_resuming(tmp_path):
    create_run(tmp_path, "faces", "mine")
    with pytest.raises(RunError, match=r"remove .*mine, which holds no experiment"):
        create_run(tmp_path, "faces", "mine")


@pytest.fixture
def removed(tmp_path):
    """A run of which only the folder of its pictures was left."""
    run = create_run(tmp_path, "faces", "mine")
    run.path.rmdir()
    return run


def test_pictures_of_a_removed_run_are_named_and_kept(removed, tmp_path):
    (removed.pictures / "grid.png").write_text("a picture")
    with pytest.raises(RunError, match=r"images_saved.mine exists.*move it away"):
        create_run(tmp_path, "faces", "mine")
    assert not removed.path.exists()
    assert (removed.pictures / "grid.png").exists()


def test_a_file_in_place_of_the_pictures_is_named_and_kept(removed, tmp_path):
    removed.pictures.rmdir()
    removed.pictures.write_text("a file")
    with pytest.raises(RunError, match=r"images_saved.mine exists.*move it away"):
        create_run(tmp_path, "faces", "mine")
    assert not removed.path.exists()
    assert removed.pictures.read_text() == "a file"


def test_the_error_on_a_starting_run_says_wait_and_not_remove(tmp_path):
    starting = create_run(tmp_path, "faces", "mine")
    with starting.locked(), pytest.raises(RunError, match="wait for it") as refused:
        create_run(tmp_path, "faces", "mine")
    assert "remove" not in str(refused.value)


def test_a_full_disk_at_the_lock_is_an_error_about_the_disk(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = create_run(tmp_path, "faces", "mine")
    monkeypatch.setattr("vqfw.runs.folder.take_lock", full)
    with pytest.raises(UnwritableError, match=r"mine cannot be written .*make room"):
        run.require_free()


def test_a_name_is_held_until_the_pictures_are_gone_too(tmp_path, monkeypatch):
    run = create_run(tmp_path, "faces", "mine")
    gone = []
    monkeypatch.setattr(
        "shutil.rmtree", lambda path, **options: gone.append(path.parent.name)
    )
    run.discard()
    assert gone == ["images_saved", "checkpoints"]


def test_an_empty_folder_of_pictures_holds_no_name(removed, tmp_path):
    assert create_run(tmp_path, "faces", "mine").path.is_dir()


@pytest.mark.parametrize("blocked", ["checkpoints", "images_saved"])
@pytest.mark.parametrize("name", [None, "mine"])
def test_a_file_in_place_of_a_run_folder_is_named_and_no_folder_is_made(
    tmp_path, blocked, name
):
    (tmp_path / blocked).write_text("a file")
    with pytest.raises(RunError, match=f"{blocked}.* cannot be made .*VQFW_ROOT"):
        create_run(tmp_path, "faces", name)
    assert not list(tmp_path.glob("*/*"))


def test_a_run_is_found_by_id_prefix_latest_and_best(recorded, tmp_path):
    recorded("abc", psnr=(20.0, "higher"), error=(0.1, "lower"))
    recorded("abd", psnr=(25.0, "higher"), error=(0.3, "lower"))
    last = recorded("xyz")
    mark_latest(last)
    found = {
        wanted: find_run(tmp_path, wanted).id
        for wanted in ("abc", "x", "latest", "best:psnr", "best:error")
    }
    assert found == {
        "abc": "abc",
        "x": "xyz",
        "latest": "xyz",
        "best:psnr": "abd",
        "best:error": "abc",
    }


def test_a_whole_id_wins_over_longer_ones(recorded, tmp_path):
    recorded("a")
    recorded("ab")
    assert find_run(tmp_path, "a").id == "a"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("ab", "beginning of 2 runs: abc, abd"),
        ("abx", 'did you mean "abd"|did you mean "abc"'),
        ("nothing", "there are abc, abd"),
        ("", 'no run is called ""'),
        ("checkpoints/abc/", 'did you mean "abc"'),
        ("../xyz", "no run is called"),
        ("best:lpips", 'no run has a test score called "lpips"'),
        ("latest", "no run with a checkpoint"),
    ],
)
def test_a_missing_run_is_an_error_with_the_existing_ids(
    recorded, tmp_path, wanted, sentence
):
    recorded("abc")
    recorded("abd")
    with pytest.raises(RunError, match=sentence):
        find_run(tmp_path, wanted)


def test_an_unfinished_record_is_no_run(tmp_path):
    create_run(tmp_path, "faces", "half")
    assert list_folders(tmp_path) == []


HOLDER = """
import os, signal, sys
from pathlib import Path
from vqfw.runs import RunFolder
with RunFolder("mine", Path(sys.argv[1])).locked():
    print("held", flush=True)
    signal.pause()
"""


def test_a_run_has_one_writer_and_the_lock_of_a_killed_one_is_free(recorded, tmp_path):
    run = recorded("mine")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"written by process {holder.pid}"):
            run.require_free()
        os.kill(holder.pid, signal.SIGKILL)
    finally:
        holder.kill()
        holder.communicate()
    with run.locked(), pytest.raises(RunError, match=str(os.getpid())):
        run.require_free()
    run.require_free()


def test_a_run_stays_where_it_is_when_the_working_folder_changes(
    recorded, tmp_path, monkeypatch
):
    recorded("mine", psnr=(20.0, "higher"))
    monkeypatch.chdir(tmp_path)
    found, (listed,) = find_run(Path(), "mine"), list_folders(Path())
    new = create_run(Path(), "faces", "new")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert found.scores == listed.scores
    assert found.scores["test"]["psnr"]["value"] == 20.0
    assert new.path.is_dir()
