from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from vqfw_datasets import archives

from vqfw.errors import DataError

FORMS = ("folder", "zip", "tar", "tgz")
Packed = Callable[[Mapping[str, bytes], str], Path]


def read(path: Path) -> dict[str, bytes]:
    found = {}
    for member in archives.members(path):
        with member.open() as stream:
            found[member.name] = stream.read()
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


def test_links_devices_and_pipes_in_a_tar_are_passed_over(tmp_path: Path) -> None:
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


def test_a_symbolic_link_in_a_zip_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("real.jpg", b"1")
    assert read(path) == {"real.jpg": b"1"}


def test_links_and_pipes_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.jpg").symlink_to(outside)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "real.jpg").write_bytes(b"1")
    # The names alone: to open a pipe would wait for ever.
    assert [member.name for member in archives.members(folder)] == ["real.jpg"]


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


def test_the_fingerprint_of_a_folder_follows_its_times_but_not_its_notes(
    packed: Packed,
) -> None:
    path = packed({"one.jpg": b"1"}, "folder")
    os.utime(path / "one.jpg", ns=(1, 1))
    before = archives.fingerprint(path)
    (path / "notes.txt").write_bytes(b"x")
    assert archives.fingerprint(path) == before
    os.utime(path / "one.jpg", ns=(1, 2))
    assert archives.fingerprint(path) != before
