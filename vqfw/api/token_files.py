"""Token files of a run: pictures to a file of tokens, and such a file to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vqfw.api.pictures import BadImage, Crop, as_options, pictures_of
from vqfw.api.reopened import Reopened
from vqfw.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vqfw.data.arrays import Images
    from vqfw.evaluation.inference import Inference
    from vqfw.evaluation.tokens import TokenFile
    from vqfw.kinds.model import Model
    from vqfw.plan import Plan


def write_tokens(
    run: Reopened,
    data: str | Path,
    output: str | Path,
    quiet: bool,
    crop: Crop | None,
    on_bad_image: BadImage | None,
) -> int:
    """Does what ``Run.tokenize`` says."""
    import numpy as np

    from vqfw.api.codec import Codec
    from vqfw.runs.outputs import checked_file, write_output

    target = checked_file(output)
    if Path(data).is_file() and target.exists() and target.samefile(data):
        raise UsageError(f"{output} holds the pictures: choose another file with -o")
    options = as_options(crop, on_bad_image)
    asked = ["tokenize", str(data), "--run", run.folder.id, "-o", str(output)]
    plan = run.plan(*asked, *options)
    images = pictures_of(plan, data, quiet, crop, on_bad_image)
    codec = Codec(run, plan)
    tokens = np.asarray(codec.encode(images.pixels))
    file = token_file(plan, codec.inference.model, images, tokens)
    write_output(target, file.content())
    return len(images)


def write_pictures(run: Reopened, tokens: str | Path, output: str | Path) -> int:
    """Does what ``Run.detokenize`` says."""
    from vqfw.api.codec import Codec
    from vqfw.assembly.assemble import codebook_fingerprint
    from vqfw.evaluation.pictures import save_picture, to_pixels
    from vqfw.evaluation.tokens import (
        TokenFile,
        require_decodable,
        require_fingerprint,
    )
    from vqfw.runs.outputs import checked_folder, refused, require_free

    folder = checked_folder(output)
    file = TokenFile.load(Path(tokens))
    targets = targets_of(folder, file.names)
    require_free(targets)
    asked = ("reconstruct", str(tokens), "--run", run.folder.id, "-o", str(output))
    plan = run.plan(*asked)
    codec = Codec(run, plan)
    model = codec.inference.model
    run.require_tokens(model)
    name, shape = run.folder.id, codec.token_shape
    repair = "the file is damaged, make it again with vqfw tokenize"
    require_fingerprint(file.fingerprint, codebook_fingerprint(model), name)
    require_decodable(file.tokens, model.vocabulary, shape, name, repair)
    for rows, images in codec.inference.decode(file.tokens):
        for target, image in zip(targets[rows], to_pixels(images), strict=True):
            with refused(target, "choose another folder with -o"):
                target.parent.mkdir(parents=True, exist_ok=True)
                save_picture(target, image)
    return len(file.names)


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
    files = [f"{name}.png" for name in (bare if unique else names)]
    for file in files:
        try:
            inside = (folder / file).resolve().is_relative_to(folder.resolve())
        except ValueError:  # a NUL, or half a character
            inside = False
        if not inside:
            raise DataError(
                f"the picture {file!r} would be written outside {folder}: the "
                "token file is damaged or was made to do harm"
            )
    return [folder / file for file in files]
