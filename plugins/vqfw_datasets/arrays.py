"""Images that a caller of the Python API hands over, so that no file is read.

The pixels come with the call; what is here names them in an experiment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NoReturn

from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Drawn, Record


class Arrays(Dataset):
    """An array of images, given in Python: ``experiment.run(images=array)``.

    Pixels and groups are not recorded, so ``run.resume``, ``run.evaluate`` and
    ``run.images`` of a run take the same ``images=array`` again.

    Args:
        channels: 1 for grey, 3 for colour; ``experiment.run`` sets it from the array.
    """

    def __init__(self, channels: Literal[1, 3] = 3) -> None:
        self._channels = channels

    @property
    def channels(self) -> Literal[1, 3]:
        return self._channels

    def records(self) -> Iterator[Record | Drawn]:
        self._missing()

    def fingerprint(self) -> str:
        self._missing()

    def _missing(self) -> NoReturn:
        raise DataError(
            'dataset "arrays" reads no file: give the array in Python, as '
            "experiment.run(images=array, groups=labels); for a run as "
            "run.resume(images=array, groups=labels), run.evaluate(...) or "
            "run.images(...)"
        )
