from __future__ import annotations

import doctest
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import vqfw_datasets.left_out
from vqfw_datasets import archives
from vqfw_datasets.left_out import LeftOut

from vqfw.errors import DataError

FORMS = ("folder", "zip", "tar", "tgz")
Packed = Callable[[Mapping[str, bytes], str], Path]


def read(path: Path) -> dict[str, bytes]:
    found = {}
    for name, opened in archives.members(path):
        with opened() as stream:
            found[name] = stream.read()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pictures(form: str, packed: Packed) -> None:
    files = {"a/one.jpg": b"1", "a/b/TWO.PNG": b"22", "three.ppm": b"333"}
    ignored = {"a/readme.txt": b"x", ".hidden.jpg": b"x", "__MACOSX/a/one.jpg": b"x"}
    assert read(packed({**files, **ignored}, form)) == files


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize(
    "name",
    [
        "../one.jpg",
        "a/../../one.jpg",
        "/etc/one.jpg",
        "C:/one.jpg",
        "c:one.jpg",
        "..\\one.jpg",
        "\\\\server\\one.jpg",
        "a\none.jpg",
        "a/\x1bone.jpg",
    ],
)
def test_a_name_that_leaves_the_archive_is_refused(
    form: str, name: str, packed: Packed
) -> None:
    with pytest.raises(DataError, match="plain relative names"):
        read(packed({name: b"1"}, form))


def test_a_name_cut_by_a_nul_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nul.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aXb.jpg", b"1")
    path.write_bytes(path.read_bytes().replace(b"aXb.jpg", b"a\0b.jpg"))
    with pytest.raises(DataError, match="plain relative names"):
        read(path)


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_dots_and_backslashes_become_a_plain_name(form: str, packed: Packed) -> None:
    assert list(read(packed({"./a\\b//one.jpg": b"1"}, form))) == ["a/b/one.jpg"]


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_name_given_twice_is_refused(form: str, packed: Packed) -> None:
    with pytest.raises(DataError, match=r"'a/one\.jpg' twice"):
        read(packed({"a/one.jpg": b"1", "./a/one.jpg": b"2"}, form))


def test_links_devices_and_pipes_in_a_tar_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "special.tar"
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
    with tarfile.open(path, "w") as tar:
        for number, kind in enumerate(kinds):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        info = tarfile.TarInfo("real.jpg")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"1"))
    assert read(path) == {"real.jpg": b"1"}


def test_a_symbolic_link_in_a_zip_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("real.jpg", b"1")
    assert read(path) == {"real.jpg": b"1"}


def left_out(path: Path) -> str:
    counted = LeftOut()
    for _ in archives.members(path, counted):
        pass
    return counted.sentence()


def test_links_in_a_folder_are_followed(tmp_path: Path, packed: Packed) -> None:
    outside = tmp_path / "outside" / "eve"
    outside.mkdir(parents=True)
    (outside / "2.jpg").write_bytes(b"2")
    path = packed({"anna/1.jpg": b"1"}, "folder")
    (path / "one.jpg").symlink_to(outside / "2.jpg")
    (path / "more").symlink_to(tmp_path / "outside")
    # A picture is taken once, by the first of its names.
    assert read(path) == {"anna/1.jpg": b"1", "more/eve/2.jpg": b"2"}
    assert left_out(path) == "left out: 1 duplicate link ('one.jpg')"


def test_link_loops_in_a_folder_end_and_each_picture_is_read_once(
    packed: Packed,
) -> None:
    path = packed({"a/1.jpg": b"1", "b/2.jpg": b"2"}, "folder")
    (path / "a" / "up").symlink_to("..")
    (path / "a" / "b").symlink_to("../b")
    (path / "b" / "a").symlink_to("../a")
    (path / "b" / "outer").symlink_to("../..")
    (path / "itself").symlink_to("itself")
    (path / "again.jpg").symlink_to("a/1.jpg")
    assert read(path) == {"a/1.jpg": b"1", "b/2.jpg": b"2"}
    text = left_out(path)
    assert "4 duplicate links ('a/b', ...)" in text
    assert "1 broken link ('itself')" in text


def test_a_picture_with_two_hard_links_is_taken_once(packed: Packed) -> None:
    path = packed({"a/1.jpg": b"1", "b/2.jpg": b"2"}, "folder")
    (path / "b" / "again.jpg").hardlink_to(path / "a" / "1.jpg")
    assert sorted(read(path).values()) == [b"1", b"2"]
    assert "1 duplicate link" in left_out(path)


def test_a_folder_whose_files_cannot_be_reached_is_named(
    packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed({"a/1.jpg": b"1"}, "folder")

    def refuse(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("vqfw_datasets.folders.os.lstat", refuse)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\): allow"):
        read(path)


def test_pictures_renamed_to_other_odd_bytes_have_another_fingerprint(
    packed: Packed,
) -> None:
    path = packed({"a/1.jpg": b"1"}, "folder")
    one, other = (os.path.join(os.fsencode(path), b"a/%c.jpg" % i) for i in (253, 254))
    os.rename(os.path.join(os.fsencode(path), b"a/1.jpg"), one)
    before = archives.fingerprint(path)
    os.rename(one, other)
    assert archives.fingerprint(path) != before


def test_a_link_to_a_folder_of_links_is_followed(
    tmp_path: Path, packed: Packed
) -> None:
    (tmp_path / "pool").mkdir()
    for i in range(3):
        (tmp_path / "pool" / f"{i}.jpg").write_bytes(b"x")
    (tmp_path / "farm").mkdir()
    for i in range(3):
        (tmp_path / "farm" / f"{i}.jpg").symlink_to(f"../pool/{i}.jpg")
    path = packed({"real.jpg": b"1"}, "folder")
    (path / "linked").symlink_to(tmp_path / "farm")
    assert sorted(read(path)) == [*(f"linked/{i}.jpg" for i in range(3)), "real.jpg"]


def test_pipes_and_broken_links_are_not_opened_but_counted(packed: Packed) -> None:
    path = packed({"real.jpg": b"1"}, "folder")
    os.mkfifo(path / "pipe.jpg")
    (path / "gone.jpg").symlink_to("nowhere.jpg")
    (path / "null.jpg").symlink_to("/dev/null")
    assert read(path) == {"real.jpg": b"1"}
    assert left_out(path) == (
        "left out: 2 special files ('pipe.jpg', ...), 1 broken link ('gone.jpg')"
    )


@pytest.mark.parametrize("form", FORMS)
def test_files_that_are_no_pictures_are_counted_and_named(
    form: str, packed: Packed
) -> None:
    files = {
        "a/1.jfif": b"1",
        "a/2.HEIC": b"",
        "a/3.heic": b"",
        "b/4.tif": b"",
        "README": b"",
        ".DS_Store": b"",
        "__MACOSX/a/1.heic": b"",
    }
    assert left_out(packed(files, form)) == (
        "left out: 2 .heic ('a/2.HEIC', ...), 1 .tif ('b/4.tif'), "
        "1 extensionless file ('README')"
    )
    assert list(read(packed(files, form))) == ["a/1.jfif"]


def test_links_in_an_archive_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("a.jpg", tarfile.SYMTYPE), ("b.jpg", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert left_out(path) == "left out: 2 links ('a.jpg', ...)"


def test_a_folder_that_cannot_be_read_is_named(
    packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed({"a/1.jpg": b"1", "shut/2.jpg": b"2"}, "folder")
    listdir = os.listdir

    def refuse(folder: Path) -> list[str]:
        if Path(folder).name == "shut":
            raise PermissionError(13, "Permission denied")
        return listdir(folder)

    monkeypatch.setattr("os.listdir", refuse)
    for reading in (archives.fingerprint, read):
        with pytest.raises(
            DataError, match=r"/shut cannot be read \(Permission denied"
        ):
            reading(path)


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    for reading in (archives.fingerprint, read):
        with pytest.raises(DataError, match="neither a folder nor a regular file"):
            reading(tmp_path / "pipe.zip")


@pytest.mark.parametrize("form", FORMS)
def test_a_giant_member_is_refused_before_it_is_read(
    form: str, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MEMBER_BYTES", 10)
    assert read(packed({"fits.jpg": b"1" * 10}, form))
    path = packed({"giant.jpg": b"1" * 11}, form)
    with pytest.raises(DataError, match=r"'giant\.jpg' in .* takes 11 bytes, and 10"):
        read(path)


@pytest.mark.parametrize("form", FORMS)
def test_too_many_members_are_refused(
    form: str, packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MEMBER_COUNT", 2)
    with pytest.raises(DataError, match="more than 2 files"):
        read(packed({"1.jpg": b"", "2.txt": b"", "3.jpg": b""}, form))


def test_a_giant_name_in_a_tar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "name.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("a" * 2_000_000 + ".jpg"))
    with pytest.raises(DataError, match="a name of 2,000,"):
        read(path)


@pytest.mark.parametrize("form", ["zip", "tar", "tgz"])
def test_an_archive_cut_short_is_named(form: str, packed: Packed) -> None:
    noise = os.urandom(50_000)
    path = packed({"one.jpg": noise, "two.jpg": noise}, form)
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(DataError, match=f"pictures.{form} cannot be read to its end"):
        list(archives.members(path))


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(DataError, match=r"notes\.txt is neither a folder nor a zip"):
        list(archives.members(path))


def test_an_encrypted_zip_is_named(tmp_path: Path, packed: Packed) -> None:
    path = packed({"one.jpg": b"1"}, "zip")
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the encryption flag of the member's own header
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read to its end .*encrypted"):
        read(path)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        list(archives.members(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere does not exist"):
        archives.fingerprint(tmp_path / "nowhere")


@pytest.mark.parametrize("form", FORMS)
def test_the_fingerprint_follows_the_content(form: str, packed: Packed) -> None:
    path = packed({"one.jpg": b"1"}, form)
    before = archives.fingerprint(path)
    assert archives.fingerprint(path) == before
    packed({"one.jpg": b"12"}, form)
    assert archives.fingerprint(path) != before


def test_the_fingerprint_of_a_folder_follows_its_times_and_its_left_out_files(
    packed: Packed,
) -> None:
    path = packed({"one.jpg": b"1"}, "folder")
    os.utime(path / "one.jpg", ns=(1, 1))
    before = archives.fingerprint(path)
    (path / ".hidden.txt").write_bytes(b"x")
    assert archives.fingerprint(path) == before
    (path / "notes.txt").write_bytes(b"x")
    noted = archives.fingerprint(path)
    assert noted != before
    (path / "notes.txt").write_bytes(b"more")
    assert archives.fingerprint(path) == noted
    os.utime(path / "one.jpg", ns=(1, 2))
    assert archives.fingerprint(path) != noted


def test_examples_are_true() -> None:
    for module in (archives, vqfw_datasets.left_out):
        assert not doctest.testmod(module).failed
