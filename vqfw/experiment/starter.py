"""Experiments to begin with: small, commented, right as they are."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

from vqfw.kinds.catalog import KINDS

_MODEL = """\
  "model": {
    "type": "vqvae",
    "encoder": {"type": "residual_conv", "downsampling": 4},
    "quantizer": {"type": "ema", "num_embeddings": 512, "embedding_dim": 64},
    "revival": "perturb_active",
    "beta": 0.25,        // weight of the commitment loss; a number means constant
    "decoder": "residual_conv"
  },
  "losses": [{"type": "mse", "weight": 4}],
"""
_OPTIMIZER = """\
    "optimizer": {"type": "adam", "learning_rate": 4e-4}
"""

STARTER = f"""\
{{
  // Check it with: vqfw validate experiments/experiment.json
  // See what it would run with: vqfw plan experiments/experiment.json
  "$schema": "../schemas/experiment.schema.json",
  "name": "first",
  "data": {{
    // "orl" is embedded; a path such as "./pictures.zip" takes your own images.
    "dataset": "orl",
    "crop": 92,          // centred square, in pixels of the picture
    "image_size": 64,    // what the model sees; the encoder halves it
    "augmentations": ["horizontal_flip"]
  }},
{_MODEL}\
  "training": {{
    "steps": 600,
{_OPTIMIZER}\
  }}
}}
"""
"""What ``vqfw init`` writes."""

_HALVED = 4  # pixels of an image for one latent, along one side
_SMALLEST = 12  # SSIM looks through windows of 11 pixels
_BATCH = 32
# The embedded faces take 60 passes. More pictures need fewer, and 3,000 steps take about
# ten minutes on two cores.
_PASSES, _FEWEST_STEPS, _MOST_STEPS = 60, 600, 3000


@dataclass(frozen=True)
class Pictures:
    """A person's own pictures, as an experiment on them has to know them.

    Args:
        path: as the file is to say it: absolute, or relative to the file.
        count: of the pictures; at least two.
        short_side: of a usual picture, in pixels.
        grey: whether all of them are grey.
    """

    path: str
    count: int
    short_side: int
    grey: bool

    @property
    def image_size(self) -> int:
        """Pixels that the model sees, along a side: 64, or fewer where there are fewer."""
        halved = self.short_side // _HALVED * _HALVED
        return min(64, max(_SMALLEST, halved))

    @property
    def batch_size(self) -> int:
        """Images in a step: 32, or a power of two of which the training has enough."""
        third = max(1, self.count // 3)
        return min(_BATCH, 1 << (third.bit_length() - 1))

    @property
    def steps(self) -> int:
        """Optimizer steps of the training.

        >>> [Pictures("", n, 64, False).steps for n in (60, 1_000, 10_000, 100_000)]
        [600, 1900, 3000, 3000]
        """
        wanted = round(_PASSES * self.count / self.batch_size / 100) * 100
        return min(_MOST_STEPS, max(_FEWEST_STEPS, wanted))


def name_of(folder: str) -> str:
    """The name of an experiment on a folder or archive.

    >>> name_of("Meine Bilder (2024)"), name_of("faces.v2.tar.gz"), name_of("写真")
    ('meine_bilder_2024', 'faces_v2', 'pictures')
    """
    stem = re.sub(r"(?i)(\.(tar|zip|tgz|tbz2?|txz|gz|bz2|xz|zst))+$", "", folder)
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9-]+", "_", letters.lower()).strip("_-")
    return words[:40].rstrip("_-") or "pictures"


def starter_for(pictures: Pictures, name: str) -> str:
    """An experiment on a person's own pictures.

    Args:
        pictures: what they are like.
        name: of the experiment, and of its file without ``.json``.
    """
    short = KINDS["dataset"].shorthand
    assert short is not None
    dataset = path = json.dumps(pictures.path, ensure_ascii=False)
    if pictures.grey:
        dataset = (
            f'{{"type": "{short.component}", "{short.option}": {path}, "channels": 1}}'
        )
    batch = pictures.batch_size
    batch_line = f'    "batch_size": {batch},\n' if batch != _BATCH else ""
    return f"""\
{{
  // See what this runs: vqfw plan {name}.json
  // Change it, then train: vqfw run {name}.json
  "name": "{name}",
  "data": {{
    "dataset": {dataset},
    "image_size": {pictures.image_size},    // the largest centred square of a picture, resized
    "on_bad_image": "skip",  // leaves out, counts and names what cannot be read
    "augmentations": ["horizontal_flip"]
  }},
{_MODEL}\
  "training": {{
    "steps": {pictures.steps},        // for {pictures.count:,} pictures; more steps, sharper ones
{batch_line}{_OPTIMIZER}\
  }}
}}
"""
