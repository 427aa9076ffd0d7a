"""Token files of a run: made, compared with the pictures they stand for, and written back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vqfw.errors import (
    DataError,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vqfw.data.arrays import Images
    from vqfw.evaluation.reconstruct import Inference
    from vqfw.evaluation.tokens import TokenFile
    from vqfw.kinds.model import Model
    from vqfw.plan import Plan


def token_file(
    plan: Plan, model: Model, images: Images, tokens: NDArray[np.int32]
) -> TokenFile:
    """The tokens of images, with all that decoding them asks for."""
    from vqfw.assembly.assemble import codebook_fingerprint
    from vqfw.evaluation.tokens import TokenFile

    return TokenFile(
        tokens=tokens,
        names=images.ids,
        image_shape=plan.image_shape,
        vocabulary=model.vocabulary,
        fingerprint=codebook_fingerprint(model),
    )


def token_shape(plan: Plan, model: Model) -> tuple[int, ...]:
    """(*positions, num_codebooks) of the tokens of one image."""
    import keras

    images = keras.KerasTensor((1, *plan.image_shape), "float32")
    return tuple(model.compute_output_spec(images).tokens.shape[1:])


def agreement(inference: Inference, images: Images, file: TokenFile) -> str:
    """Decodes tokens alone and says whether that gives the same pictures."""
    from vqfw.evaluation.score import token_difference

    apart = token_difference(inference, images, file.tokens)
    verdict = (
        "equal in every bit to the model's own reconstruction"
        if apart == 0.0
        else f"at most {apart:.2g} (of 1) from the model's own reconstruction"
    )
    noun = "image" if len(images) == 1 else "images"
    return f"{len(images):,} {noun} decoded from the tokens alone: {verdict}"


def targets_of(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where the picture of each name goes; no two share a file.

    Raises:
        DataError: if a name leads out of the folder.
    """
    bare = [
        str(PurePosixPath(name).with_suffix("")) for name in names if name.strip("./")
    ]
    unique = len(set(map(str.casefold, bare))) == len(names)
    return [_inside(folder, f"{name}.png") for name in (bare if unique else names)]


def _inside(folder: Path, name: str) -> Path:
    """The path of a picture below a folder.

    Raises:
        DataError: if its name leads out of it, or cannot be one.
    """
    target = folder / name
    try:
        inside = target.resolve().is_relative_to(folder.resolve())
    except ValueError:  # a NUL, or half a character
        inside = False
    if not inside:
        raise DataError(
            f"the picture {name!r} would be written outside {folder}: the token file is "
            "damaged or was made to do harm"
        )
    return target
