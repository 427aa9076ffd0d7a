"""Predictive quantization: quantizes the difference between a latent and its prediction.

The grid of latents is divided into cells of 2 x 2. The four places of a cell are quantized
in the order of ``PLACES``: first the top left latents as they are, then the others, each
minus a linear map of the four decoded ``NEIGHBOURS``. At the border the last cell is
repeated. The maps begin as the mean of the neighbours. They learn to predict the latents;
the encoder gets no gradient of this.

In training each token is chosen once, in this order. Outside training all tokens are
chosen again, ``SWEEPS`` times, place after place, because a code also changes the latents
that are predicted from it. With ``F`` the map from codes ``e`` to latents ``z``, and ``w``
the sum of the squared weights of a code in all latents (``REACH``), the wrapped quantizer
gets ``e + F^T (z - F e) / w``, whose nearest code lowers the error of all of them. An image
keeps its tokens where the new ones are no closer to its latents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import keras
import numpy as np
from keras import ops

from vqfw.errors import ExperimentError, Problem
from vqfw.kinds import Context, Copies, Default, Quantized, Quantizer
from vqfw.kinds.tensors import Floats, Latents, Tensor, Tokens
from vqfw_quantizers.wrapper import Wrapper

CELL = 2
# Row and column in a cell, in the order of quantization.
PLACES = ((0, 0), (1, 1), (0, 1), (1, 0))
# The neighbours that predict each place but the first: the index of their place, and the
# rows and columns of cells to them.
NEIGHBOURS = (
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)),
    ((0, 0, 0), (0, 0, 1), (1, -1, 0), (1, 0, 0)),
    ((0, 0, 0), (0, 1, 0), (1, 0, -1), (1, 0, 0)),
)
# The sum of the squared weights of one code in all latents, away from the border, while the
# maps are means. A code at the first place has weight 1 in its own latent, 1/4 in four
# at the second place, 3/8 in four beside it and 1/16 in eight more; a code at the second
# place has 1/4 in four latents.
REACH = (1 + 4 / 4**2 + 4 * (3 / 8) ** 2 + 8 / 16**2, 1 + 4 / 4**2, 1.0, 1.0)
SWEEPS = 2


class PredictiveQuantizer(Wrapper):
    """Quantizes the difference between each latent and its prediction from neighbours.

    (batch, rows, columns, channels) to the same shape; rows and columns are even. Each of
    the four places of a cell of 2 x 2 latents has a quantizer of its own: tokens are
    (batch, rows / 2, columns / 2, 4 times those of the wrapped quantizer). Outside training, tokens are chosen again so that they
    also fit the latents that are predicted from them. Losses are means over places, of
    the first choice of tokens; the mean squared error of the predictions is part of the
    codebook loss.

    Sources: the closed loop, Gersho and Gray 1992, chapter 13,
    https://doi.org/10.1007/978-1-4615-3626-0; the order of the places, Roos et al. 1988,
    https://doi.org/10.1109/42.14513; iterated conditional modes, here a place at a time,
    Besag 1986, https://doi.org/10.1111/j.2517-6161.1986.tb01412.x.

    Args:
        quantizer: Quantizes one place of the cells; each place has its own copy, with its
            own codes.

    >>> from vqfw_quantizers.fsq import FSQQuantizer
    >>> quantizer = PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(5,)))
    >>> quantizer.build((None, 2, 2, 1))
    >>> quantizer.vocabulary
    (5, 5, 5, 5)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[4, 2, 2, 0]]]]))
    >>> ops.convert_to_numpy(codes)[0, ..., 0].tolist()  # all predictions are 1
    [[1.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, quantizer: Annotated[Copies[Quantizer], Default("ema")]) -> None:
        super().__init__(quantizer, len(PLACES), "place")
        self.cell = CELL * self.parts[0].cell
        self.predictors: list[keras.layers.Layer] = []

    def build(self, shape: tuple[int | None, ...]) -> None:
        batch, *grid, channels = shape
        if len(grid) != 2 or any(side is None or side % self.cell for side in grid):
            raise ExperimentError([_uneven(grid, self.cell)])
        rows, columns = (side // CELL for side in grid if side is not None)
        self.build_parts((batch, rows, columns, channels))
        for place in range(1, len(PLACES)):
            predictor = keras.layers.Dense(
                channels,
                kernel_initializer=_mean_of_neighbours,
                dtype="float32",
                name=f"predictor_{place}",
            )
            predictor.build((batch, rows, columns, 4 * (channels or 0)))
            self.predictors.append(predictor)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        decoded: list[Tensor] = []
        outputs: list[Tensor] = []
        parts: list[Quantized] = []
        error = ops.zeros(())
        for part, latent in zip(self.parts, _split(latents), strict=True):
            predicted = self._predicted(decoded) if decoded else ops.zeros_like(latent)
            if decoded:
                error += ops.mean(ops.square(ops.stop_gradient(latent) - predicted))
            predicted = ops.stop_gradient(predicted)
            parts.append(part(latent - predicted, training=training))
            outputs.append(predicted + parts[-1].latents)
            decoded.append(ops.stop_gradient(outputs[-1]))
        quantized = self.together(parts, _merged(outputs))
        loss = quantized.codebook_loss + error / len(PLACES)
        quantized = quantized._replace(codebook_loss=loss)
        if training:
            return quantized
        tokens = self._chosen_again(latents, quantized.tokens)
        return quantized._replace(tokens=tokens, latents=self.embed(tokens))

    def embed(self, tokens: Tokens) -> Latents:
        return _merged(self._decoded(self._codes(tokens)))

    def initialize(self, latents: Floats, seed: int) -> None:
        decoded: list[Tensor] = []
        for i, latent in enumerate(_split(ops.convert_to_tensor(latents))):
            predicted = self._predicted(decoded) if decoded else ops.zeros_like(latent)
            self.place_codes(i, ops.convert_to_numpy(latent - predicted), seed)
            decoded.append(predicted + self.parts[i](latent - predicted).latents)

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses a grid that cannot be divided into cells."""
        encoder = context.experiment["model"].get("encoder")
        factor = encoder.get("downsampling") if isinstance(encoder, Mapping) else None
        # An encoder without this option is checked by ``build``.
        if not isinstance(factor, int) or context.image_size % factor:
            return []
        side, cell = context.image_size // factor, _cell_of(options)
        return [_uneven((side, side), cell)] if side % cell else []

    def _chosen_again(self, latents: Latents, tokens: Tokens) -> Tokens:
        """Chooses tokens again; an image keeps its own where new ones are no closer."""
        for _ in range(SWEEPS):
            codes, parts = self._codes(tokens), []
            before = residuals = self._residuals(latents, codes)
            for place, part in enumerate(self.parts):
                change = self._back_projected(place, residuals)
                quantized = part(codes[place] + change / REACH[place])
                codes[place] = quantized.latents
                parts.append(quantized.tokens)
                residuals = self._residuals(latents, codes)
            closer = _squared_error(residuals) < _squared_error(before)
            chosen = ops.concatenate(parts, axis=-1)
            tokens = ops.where(closer[:, None, None, None], chosen, tokens)
        return tokens

    def _codes(self, tokens: Tokens) -> list[Tensor]:
        """The code of each place, to which its prediction is added."""
        return [part.embed(its) for part, its in self.each_with_tokens(tokens)]

    def _decoded(self, codes: Sequence[Tensor]) -> list[Tensor]:
        """The decoded latents of each place, ``F e``: predictions plus codes."""
        decoded: list[Tensor] = []
        for code in codes:
            decoded.append(self._predicted(decoded) + code if decoded else code)
        return decoded

    def _residuals(self, latents: Latents, codes: Sequence[Tensor]) -> list[Tensor]:
        """The latents of each place minus the decoded ones, ``z - F e``."""
        pairs = zip(_split(latents), self._decoded(codes), strict=True)
        return [latent - decoded for latent, decoded in pairs]

    def _back_projected(self, place: int, residuals: Sequence[Tensor]) -> Tensor:
        """Back-projects residuals to the codes of one place: ``F^T r``."""
        sums = list(residuals)
        for later in range(len(PLACES) - 1, place, -1):
            weights = ops.transpose(self.predictors[later - 1].kernel)
            shares = ops.split(ops.matmul(sums[later], weights), 4, axis=-1)
            for (its, *offset), share in zip(
                NEIGHBOURS[later - 1], shares, strict=True
            ):
                sums[its] = sums[its] + _shifted_back(share, offset)
        return sums[place]

    def _predicted(self, decoded: Sequence[Tensor]) -> Tensor:
        """The prediction of the next place from the decoded latents of those before."""
        index = len(decoded) - 1
        around = [_shifted(decoded[its], offset) for its, *offset in NEIGHBOURS[index]]
        return self.predictors[index](ops.concatenate(around, axis=-1))


def _shifted(grid: Tensor, offset: Sequence[int]) -> Tensor:
    """For each cell the cell at an offset in rows and columns; the border is repeated."""
    for axis, by in enumerate(offset, start=1):
        if by:
            grid = ops.take(grid, _indices(grid.shape[axis], by), axis=axis)
    return grid


def _shifted_back(grid: Tensor, offset: Sequence[int]) -> Tensor:
    """The adjoint of ``_shifted``: adds each cell to the one that it was taken from."""
    for axis, by in enumerate(offset, start=1):
        if by:
            size = grid.shape[axis]
            taken = np.eye(size, dtype="float32")[_indices(size, by)]
            summed = "brcd,rs->bscd" if axis == 1 else "brcd,cs->brsd"
            grid = ops.einsum(summed, grid, ops.convert_to_tensor(taken))
    return grid


def _indices(size: int, by: int) -> list[int]:
    return [min(max(i + by, 0), size - 1) for i in range(size)]


def _squared_error(residuals: Sequence[Tensor]) -> Tensor:
    """(batch,): the sum of squares of an image over all places."""
    return sum(ops.sum(ops.square(place), axis=(1, 2, 3)) for place in residuals)


def _split(latents: Latents) -> list[Tensor]:
    """The latents of each place: 4 times (batch, rows / 2, columns / 2, channels)."""
    return [latents[:, row::2, column::2] for row, column in PLACES]


def _merged(places: Sequence[Tensor]) -> Latents:
    """The grid with these latents at its places: the inverse of ``_split``."""
    by_place = dict(zip(PLACES, places, strict=True))
    rows = [ops.stack([by_place[row, 0], by_place[row, 1]], axis=3) for row in range(2)]
    cells = ops.stack(rows, axis=2)  # (batch, rows / 2, 2, columns / 2, 2, channels)
    batch = ops.shape(cells)[0]
    _, height, _, width, _, channels = cells.shape
    return ops.reshape(cells, (batch, 2 * height, 2 * width, channels))


def _mean_of_neighbours(shape: tuple[int, int], dtype: str) -> Tensor:
    """(4 channels, channels): each channel is the mean of that channel of four latents."""
    return ops.tile(ops.eye(shape[1], dtype=dtype) / 4, (4, 1))


def _uneven(grid: Sequence[int | None], cell: int) -> Problem:
    sides = " x ".join("?" if side is None else str(side) for side in grid)
    return Problem(
        "size-mismatch",
        f"a grid of {sides} latents cannot be divided into cells of {cell} x {cell}",
        help='choose "image_size" and "downsampling" so that rows and columns are '
        f"multiples of {cell}",
    )


def _cell_of(options: Mapping[str, Any]) -> int:
    """The side of a cell from the options, with a predictive quantizer inside another."""
    inner = options.get("quantizer")
    nested = isinstance(inner, Mapping) and inner.get("type") == options.get("type")
    return CELL * (_cell_of(inner) if nested and inner is not None else 1)
