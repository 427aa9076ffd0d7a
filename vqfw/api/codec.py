"""The model of a run between arrays of images and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from vqfw.api.arrays import checked_images
from vqfw.api.reopened import Reopened
from vqfw.api.tokens import Tokens
from vqfw.assembly.assemble import codebook_fingerprint
from vqfw.errors import UsageError
from vqfw.evaluation.inference import Inference
from vqfw.evaluation.pictures import to_pixels
from vqfw.evaluation.tokens import require_decodable, require_fingerprint
from vqfw.plan import Plan

_GRID = "quantizer"  # the attribute of the model that makes its tokens


@dataclass(frozen=True)
class Codec:
    """Encodes and decodes with the weights of a run."""

    run: Reopened
    plan: Plan

    @cached_property
    def inference(self) -> Inference:
        """The model, built when it is first needed."""
        return self.run.inference(self.plan)

    @property
    def token_shape(self) -> tuple[int, ...]:
        """(*positions, num_codebooks) of the tokens of one image."""
        images = keras.KerasTensor((1, *self.plan.image_shape), "float32")
        output = self.inference.model.compute_output_spec(images)
        return tuple(output.tokens.shape[1:])

    def encode(self, images: Any) -> Tokens:
        """The tokens of images; see ``Run.encode``."""
        pixels, model = self._checked(images), self.inference.model
        self.run.require_tokens(model)
        batches = self.inference.reconstruct(pixels)
        grid = np.concatenate([each.tokens for each in batches])
        return Tokens({_GRID: grid}, codebook_fingerprint(model))

    def decode(self, tokens: Any) -> NDArray[Any]:
        """The images of tokens, float32 in [0, 1]; see ``Run.decode``."""
        model, name = self.inference.model, self.run.folder.id
        self.run.require_tokens(model)
        if isinstance(tokens, Tokens):
            fingerprint = codebook_fingerprint(model)
            require_fingerprint(tokens.fingerprint, fingerprint, name)
        grid = np.asarray(tokens)
        if grid.dtype.kind not in "ui":
            raise UsageError(
                f"tokens are {grid.dtype} and must be integers: round them"
            )
        require_decodable(grid, model.vocabulary, self.token_shape, name)
        decoded = [each for _, each in self.inference.decode(grid.astype("int32"))]
        none = np.empty((0, *self.plan.image_shape), "float32")
        return np.concatenate([none, *decoded])

    def reconstruct(self, images: Any) -> NDArray[Any]:
        """The reconstructions of images, in their type; see ``Run.reconstruct``."""
        pixels = self._checked(images)
        if self.inference.model.vocabulary:
            decoded = self.decode(self.encode(pixels))
        else:
            batches = self.inference.reconstruct(pixels)
            decoded = np.concatenate([each.reconstruction for each in batches])
        return to_pixels(decoded) if pixels.dtype == np.uint8 else decoded

    def _checked(self, images: Any) -> NDArray[Any]:
        owner = f'run "{self.run.folder.id}"'
        return checked_images(images, self.plan.image_shape, owner)


def codec_of(run: Reopened) -> Codec:
    """The codec of a run."""
    return Codec(run, run.plan("eval", "--run", run.folder.id))
