"""Token files: the tokens of images, and the checks before a model decodes tokens.

A file is an ``.npz`` of plain arrays: ``tokens`` (images, *positions, num_codebooks), ``names``,
``image_shape``, ``vocabulary``, and the ``fingerprint`` of the model that made them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import DataError
from vqfw.runs.files import write_whole

_FORMAT = 1


@dataclass(frozen=True)
class TokenFile:
    """Tokens of images, with the names of the images and of their model.

    Args:
        tokens: (images, *positions, num_codebooks) int32.
        names: of the images.
        image_shape: (height, width, channels) of what they decode to.
        vocabulary: the number of codes of each codebook.
        fingerprint: of the model that made them.
    """

    tokens: NDArray[np.int32]
    names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    vocabulary: tuple[int, ...]
    fingerprint: str

    def content(self) -> bytes:
        """The file as bytes, in the smallest integers that hold the vocabulary."""
        smallest = np.min_scalar_type(max(self.vocabulary) - 1)
        file = io.BytesIO()
        np.savez_compressed(
            file,
            format=_FORMAT,
            tokens=self.tokens.astype(smallest),
            names=np.array(self.names, dtype=np.str_),
            image_shape=np.array(self.image_shape),
            vocabulary=np.array(self.vocabulary),
            fingerprint=np.array(self.fingerprint),
        )
        return file.getvalue()

    def save(self, path: Path) -> None:
        """Writes the file whole.

        Raises:
            OSError: if it cannot be written; a file of that name stays as it was.
        """
        write_whole(path, self.content())

    @classmethod
    def load(cls, path: Path) -> TokenFile:
        """Reads a file that ``save`` wrote.

        Raises:
            DataError: if the file is missing or is no token file.
        """
        try:
            # NumPy does not close a file that it opens and cannot read.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            tokens = arrays["tokens"]
            if tokens.dtype.kind not in "ui" or tokens.ndim < 3:
                raise ValueError(
                    f"its tokens are {tokens.dtype} of shape {tokens.shape}"
                )
            if not np.array_equal(tokens, tokens.astype("int32")):
                raise ValueError("one of its tokens does not fit int32")
            names = tuple(str(name) for name in arrays["names"])
            vocabulary = tuple(int(n) for n in arrays["vocabulary"])
            if tokens.shape[0] != len(names) or tokens.shape[-1] != len(vocabulary):
                raise ValueError(
                    f"its tokens have shape {tokens.shape}, for {len(names)} names and "
                    f"{len(vocabulary)} codebooks"
                )
            if len(set(names)) != len(names):
                raise ValueError("two of its pictures have the same name")
            return cls(
                tokens=tokens.astype("int32"),
                names=names,
                image_shape=tuple(int(n) for n in arrays["image_shape"]),  # type: ignore[arg-type]  # three by construction
                vocabulary=vocabulary,
                fingerprint=str(arrays["fingerprint"]),
            )
        except FileNotFoundError:
            raise DataError(f"there is no token file {path}") from None
        except Exception as error:  # which one depends on the byte that is wrong
            raise DataError(
                f"{path} is not a token file ({error}): make one with vqfw tokenize"
            ) from error


def require_fingerprint(fingerprint: str, expected: str, run_id: str) -> None:
    """Refuses tokens of another codebook.

    Raises:
        DataError: with both fingerprints.
    """
    if fingerprint != expected:
        raise DataError(
            f"these tokens were made with codebook {fingerprint[:12]}, run "
            f'"{run_id}" has {expected[:12]}: decode them with the run that made them'
        )


def require_decodable(
    tokens: NDArray[Any],
    vocabulary: tuple[int, ...],
    shape: tuple[int, ...],
    run_id: str,
    repair: str = "give what encode() returned, with other codes where you like",
) -> None:
    """Refuses tokens that a model cannot read.

    Args:
        tokens: (n, *positions, num_codebooks) integers.
        vocabulary: the number of codes of each codebook.
        shape: (*positions, num_codebooks) of one image's tokens.
        run_id: of the run that has the model.
        repair: ends the message.

    Raises:
        DataError: with both shapes, or the token that is out of range.
    """
    if tokens.shape[1:] != shape or not tokens.ndim:
        raise DataError(
            f'tokens have shape {tokens.shape}, run "{run_id}" decodes '
            f"(n, {', '.join(map(str, shape))}): {repair}"
        )
    for codebook, size in enumerate(vocabulary):
        column = tokens[..., codebook]
        outside = column[(column < 0) | (column >= size)]
        if len(outside):
            raise DataError(
                f"token {int(outside[0])} is outside the vocabulary of {size} codes "
                f"(0 to {size - 1}): {repair}"
            )
