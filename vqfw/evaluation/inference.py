"""Runs images through a model, and tokens through its decoder, batch by batch.

Every batch has the same shape, the last one padded: the model is compiled once, and the
result of an image does not depend on the others in its batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.evaluation.pictures import to_pixels
from vqfw.kinds.model import Model
from vqfw.kinds.tensors import Floats, Images, Tensor, Tokens


class Reconstructed(NamedTuple):
    """A reconstructed batch; NumPy arrays.

    Args:
        rows: of the input.
        reconstruction: (count, height, width, channels) float32, clipped to [0, 1].
        tokens: (count, *positions, num_codebooks) int32, or None.
        bits: (count,) float32.
    """

    rows: slice
    reconstruction: Floats
    tokens: NDArray[np.int32] | None
    bits: Floats


class Inference:
    """A model in evaluation: changes no variable of it, and compiles it once.

    Args:
        model: built.
        batch_size: images at once.
    """

    def __init__(self, model: Model, batch_size: int) -> None:
        self.model = model
        self._batch_size = batch_size
        self._reconstructor = Reconstructor(model)
        self._decoder = TokenDecoder(model)

    def reconstruct(self, pixels: NDArray[Any]) -> Iterator[Reconstructed]:
        """Reconstructs (count, height, width, channels): uint8, or floats in [0, 1]."""
        for rows in self._batches(len(pixels)):
            count = rows.stop - rows.start
            output = self._reconstructor.predict_on_batch(self._padded(pixels[rows]))
            tokens = output["tokens"][:count] if "tokens" in output else None
            images = np.clip(output["reconstruction"][:count], 0.0, 1.0)
            yield Reconstructed(rows, images, tokens, output["bits"][:count])

    def pictures(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Reconstructions of uint8 images, as uint8 images."""
        pictures = [to_pixels(each.reconstruction) for each in self.reconstruct(pixels)]
        return np.concatenate(pictures) if pictures else pixels[:0]

    def decode(self, tokens: NDArray[np.int32]) -> Iterator[tuple[slice, Floats]]:
        """Decodes tokens: (count, *positions, num_codebooks).

        Yields:
            Rows of the input, and their images: float32, clipped to [0, 1].
        """
        for rows in self._batches(len(tokens)):
            count = rows.stop - rows.start
            images = self._decoder.predict_on_batch(self._padded(tokens[rows]))
            yield rows, np.clip(np.asarray(images)[:count], 0.0, 1.0)

    def _batches(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self._batch_size):
            yield slice(start, min(start + self._batch_size, count))

    def _padded(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Repeats the last row until the batch is full."""
        missing = self._batch_size - len(rows)
        return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)])


class _Evaluation(keras.Model):
    def __init__(self, model: Model) -> None:
        super().__init__(dtype="float32")
        self.model = model
        self.built = True


class Reconstructor(_Evaluation):
    """Images to reconstructions, tokens and bits, for evaluation: changes no variable."""

    def call(self, images: Tensor) -> dict[str, Tensor]:
        """Reconstructs (batch, height, width, channels): uint8, or floats in [0, 1]."""
        if keras.backend.standardize_dtype(images.dtype) == "uint8":
            images = ops.cast(images, "float32") / 255.0
        output = self.model(images, training=False)
        tensors = {"reconstruction": output.reconstruction, "bits": output.bits}
        return tensors if output.tokens is None else tensors | {"tokens": output.tokens}


class TokenDecoder(_Evaluation):
    """Tokens to images."""

    def call(self, tokens: Tokens) -> Images:
        """Decodes int32 (batch, *positions, num_codebooks)."""
        return self.model.decode_tokens(tokens)
