"""A person's own pictures: a folder or an archive of them, grouped by their folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Record
from vqfw.kinds.options import DataPath
from vqfw_datasets import archives
from vqfw_datasets.left_out import LeftOut


class ImageFolder(Dataset):
    """The pictures of a folder or an archive; a sub-folder is a person or a thing.

    A group is a folder of a picture, by default the first ("data.group_level"); a picture
    outside of any is a group of its own. Folders called train, val and test are the
    official split. Sub-folders are searched to any depth; symbolic links in a folder are
    followed, each picture is taken once. Pictures are files that end in jpg, jpeg, jpe,
    jfif, png, webp, bmp, pbm, pgm, ppm or pnm; other files are counted and named as left
    out, hidden ones are passed over.

    Args:
        path: the folder, or a zip or tar file, which is read without unpacking it.
        channels: 3 for colour, 1 for grey; pictures of the other sort are converted.
    """

    def __init__(self, path: DataPath, channels: Literal[1, 3] = 3) -> None:
        self._path = Path(path)
        self._channels = channels
        self._left_out = LeftOut()

    @property
    def channels(self) -> Literal[1, 3]:
        """As asked for."""
        return self._channels

    def records(self) -> Iterator[Record]:
        """All pictures.

        Raises:
            DataError: if the path does not exist, cannot be read or holds no picture.
        """
        is_empty = True
        self._left_out = LeftOut()
        for name, opened in archives.members(self._path, self._left_out):
            is_empty = False
            yield Record(name, None, opened)
        if is_empty:
            endings = " ".join(ending[1:] for ending in archives.PICTURES)
            text = self._left_out.sentence()
            others = f"; {text}" if text else ""
            convert = "convert pictures of other formats, or " if text else ""
            raise DataError(
                f"{self._path} holds no picture (a file ending in {endings}){others}: "
                f"{convert}correct the path"
            )

    def fingerprint(self) -> str:
        """The fingerprint of the archive, or of the listing of the folder."""
        return archives.fingerprint(self._path)

    def notes(self) -> tuple[str, ...]:
        """The files that were left out, in a sentence."""
        sentence = self._left_out.sentence()
        return (sentence,) if sentence else ()
