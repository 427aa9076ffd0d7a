import errno
import os
import tempfile
import threading

import pytest

from vqfw.errors import UsageError, VqfwError
from vqfw.runs import outputs
from vqfw.runs.outputs import checked_file, checked_folder, require_free, write_output


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*")}


def test_checking_an_output_path_makes_no_file_or_folder(tmp_path):
    checked_file(tmp_path / "new" / "tokens.npz")
    checked_folder(tmp_path / "new" / "pictures")
    assert not list(tmp_path.iterdir())


def test_a_file_is_made_with_its_folders_and_replaces_the_old_one(tmp_path):
    target = checked_file(tmp_path / "new" / "tokens.npz")
    for content in (b"old", b"new"):
        write_output(target, content)
        assert contents(target.parent) == {"tokens.npz": content}


def test_names_that_the_program_chose_replace_no_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"mine")
    (tmp_path / "b.png").symlink_to("nothing")
    require_free([tmp_path / "new.png"])
    with pytest.raises(UsageError, match=r"a\.png and 1 more exist already"):
        require_free([tmp_path / name for name in ("new.png", "a.png", "b.png")])


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_output(checked_file(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    target = checked_file(pipe)
    writer = threading.Thread(target=write_output, args=(target, b"tokens"))
    writer.start()
    assert pipe.read_bytes() == b"tokens"
    writer.join()
    assert pipe.is_fifo()


def test_a_pipe_of_the_shell_is_written_into(tmp_path):
    reading, writing = os.pipe()
    target = checked_file(f"/dev/fd/{writing}")
    write_output(target, b"tokens")
    assert os.read(reading, 100) == b"tokens"
    for each in (reading, writing):
        os.close(each)


@pytest.mark.parametrize("path", ["", ".", "a\0b", "file/tokens.npz", "x" * 300])
def test_a_path_that_cannot_be_a_file_is_refused_in_one_sentence(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UsageError) as caught:
        checked_file(path)
    assert "-o" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["", "file", "file/pictures", "/dev/null"])
def test_a_path_that_cannot_be_a_folder_is_refused_in_one_sentence(
    path, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(UsageError, match="-o"):
        checked_folder(path)


@pytest.mark.parametrize("check", [checked_file, checked_folder])
def test_a_read_only_file_system_is_an_error_of_the_check(check, tmp_path, monkeypatch):
    def refuse(dir):  # as in tempfile
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(outputs, "tempfile", type("", (), {"TemporaryFile": refuse}))
    with pytest.raises(UsageError, match="Read-only file system"):
        check(tmp_path / "new" / "place")
    assert tempfile.TemporaryFile is not refuse


def test_a_write_protected_file_is_not_replaced(tmp_path, monkeypatch):
    target = tmp_path / "tokens.npz"
    target.touch()
    monkeypatch.setattr(
        outputs.os, "access", lambda path, mode: False
    )  # as for no root
    with pytest.raises(UsageError, match="write-protected"):
        checked_file(target)


def test_a_disk_that_fills_up_keeps_the_old_file(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = checked_file(tmp_path / "tokens.npz")
    write_output(target, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VqfwError, match=r"No space left.*make room"):
        write_output(target, b"new")
    assert contents(tmp_path) == {"tokens.npz": b"old"}
