"""Predictive quantization: quantizes what remains of a latent after its prediction."""

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
# Rows and columns of a cell in the order in which they are quantized.
PLACES = ((0, 0), (1, 1), (0, 1), (1, 0))
# The neighbours that predict each place but the first: their own place, and how many rows
# and columns of cells away.
NEIGHBOURS = (
    ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)),
    ((0, 0, 0), (0, 0, 1), (1, -1, 0), (1, 0, 0)),
    ((0, 0, 0), (0, 1, 0), (1, 0, -1), (1, 0, 0)),
)
# The squared weights of one code in all the latents that it reaches, away from the border
# and as long as the maps are means. A code at the first place is 1/4 of four latents in the
# middle, 3/8 of four beside it and 1/16 of eight more; one in the middle is 1/4 of four.
REACH = (1 + 4 / 4**2 + 4 * (3 / 8) ** 2 + 8 / 16**2, 1 + 4 / 4**2, 1.0, 1.0)
SWEEPS = 2


class PredictiveQuantizer(Wrapper):
    """Quantizes the difference between a latent and its prediction from known neighbours.

    (batch, rows, columns, channels) to the same shape, both even. The grid falls into
    cells of 2 x 2. First the latents of all first places are quantized as they are; then
    those in the middle of four of them, less a linear map of the four codes around; then
    the other two places, each less a map of the four codes beside it. At the border a
    cell that is missing is taken to be like the last one. Every place has a quantizer of
    its own, so tokens are (batch, rows / 2, columns / 2, 4 times those of the wrapped
    quantizer), and a grid takes as many bits as it would without prediction. The maps
    begin as the mean of the neighbours and learn to predict the latents; no gradient of
    theirs reaches the encoder. Losses are means over places, and the mean squared error of
    the predictions, which the first place has none of, is part of the codebook loss.

    In training each latent takes its code in this order. Outside it all tokens are chosen
    again, twice, place after place: what is quantized is ``e + F^T (z - F e) / w`` with the
    codes ``e`` so far, the map ``F`` from codes to latents ``z``, and the weight ``w`` of
    one code in all the latents that it reaches. So a code answers for those that it
    predicts too, as far as the wrapped quantizer takes the code that is nearest. An image
    keeps the tokens that it had where the new ones come no closer to its latents. Losses
    are those of the first choice.

    Sources: the closed loop, Gersho and Gray 1992, chapter 13,
    https://doi.org/10.1007/978-1-4615-3626-0; the order of the places, Roos et al. 1988,
    https://doi.org/10.1109/42.14513; iterated conditional modes, here
    a place at a time, Besag 1986, https://doi.org/10.1111/j.2517-6161.1986.tb01412.x.

    Args:
        quantizer: Quantizes one place of the cells; each has its own copy, with its own
            codes.

    >>> from vqfw_quantizers.fsq import FSQQuantizer
    >>> quantizer = PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(5,)))
    >>> quantizer.build((None, 2, 2, 1))
    >>> quantizer.vocabulary
    (5, 5, 5, 5)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[4, 2, 2, 0]]]]))
    >>> ops.convert_to_numpy(codes)[0, ..., 0].tolist()  # 1 is predicted everywhere
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
        known: list[Tensor] = []
        passed: list[Tensor] = []
        found: list[Quantized] = []
        missed = ops.zeros(())
        for part, latent in zip(self.parts, _apart(latents), strict=True):
            predicted = self._predicted(known) if known else ops.zeros_like(latent)
            if known:
                missed += ops.mean(ops.square(ops.stop_gradient(latent) - predicted))
            predicted = ops.stop_gradient(predicted)
            found.append(part(latent - predicted, training=training))
            passed.append(predicted + found[-1].latents)
            known.append(ops.stop_gradient(passed[-1]))
        all_places = self.together(found, _joined(passed))
        loss = all_places.codebook_loss + missed / len(PLACES)
        all_places = all_places._replace(codebook_loss=loss)
        if training:
            return all_places
        tokens = self._chosen_again(latents, all_places.tokens)
        return all_places._replace(tokens=tokens, latents=self.embed(tokens))

    def embed(self, tokens: Tokens) -> Latents:
        return _joined(self._latents_of(self._codes(tokens)))

    def initialize(self, latents: Floats, seed: int) -> None:
        known: list[Tensor] = []
        for i, latent in enumerate(_apart(ops.convert_to_tensor(latents))):
            predicted = self._predicted(known) if known else ops.zeros_like(latent)
            self.place_codes(i, ops.convert_to_numpy(latent - predicted), seed)
            known.append(predicted + self.parts[i](latent - predicted).latents)

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses a grid that cannot be divided into cells."""
        encoder = context.experiment["model"].get("encoder")
        factor = encoder.get("downsampling") if isinstance(encoder, Mapping) else None
        # Not every encoder has an option of this name; its grid is seen when it is built.
        if not isinstance(factor, int) or context.image_size % factor:
            return []
        side, cell = context.image_size // factor, _cell_of(options)
        return [_uneven((side, side), cell)] if side % cell else []

    def _chosen_again(self, latents: Latents, tokens: Tokens) -> Tokens:
        """Tokens that come closer to the latents, image by image, or those there were."""
        for _ in range(SWEEPS):
            codes, again = self._codes(tokens), []
            before = missed = self._missed(latents, codes)
            for place, part in enumerate(self.parts):
                asked = self._asked_of(place, missed)
                found = part(codes[place] + asked / REACH[place])
                codes[place] = found.latents
                again.append(found.tokens)
                missed = self._missed(latents, codes)
            closer = _energy(missed) < _energy(before)
            chosen = ops.concatenate(again, axis=-1)
            tokens = ops.where(closer[:, None, None, None], chosen, tokens)
        return tokens

    def _codes(self, tokens: Tokens) -> list[Tensor]:
        """What every place adds to what is predicted of it."""
        return [part.embed(its) for part, its in self.each_with_tokens(tokens)]

    def _latents_of(self, codes: Sequence[Tensor]) -> list[Tensor]:
        """The latents of each place."""
        known: list[Tensor] = []
        for code in codes:
            known.append(self._predicted(known) + code if known else code)
        return known

    def _missed(self, latents: Latents, codes: Sequence[Tensor]) -> list[Tensor]:
        """How far the latents of each place are from what codes make of them."""
        pairs = zip(_apart(latents), self._latents_of(codes), strict=True)
        return [latent - made for latent, made in pairs]

    def _asked_of(self, place: int, missed: Sequence[Tensor]) -> Tensor:
        """What is missed at a place and wherever its code reaches: ``F^T`` of it."""
        asked = list(missed)
        for later in range(len(PLACES) - 1, place, -1):
            weights = ops.transpose(self.predictors[later - 1].kernel)
            shares = ops.split(ops.matmul(asked[later], weights), 4, axis=-1)
            for (its, *away), share in zip(NEIGHBOURS[later - 1], shares, strict=True):
                asked[its] = asked[its] + _given_back(share, away)
        return asked[place]

    def _predicted(self, known: Sequence[Tensor]) -> Tensor:
        """What the places that are known tell of the next one."""
        around = [_taken(known[its], away) for its, *away in NEIGHBOURS[len(known) - 1]]
        return self.predictors[len(known) - 1](ops.concatenate(around, axis=-1))


def _taken(grid: Tensor, away: Sequence[int]) -> Tensor:
    """For each cell the one so many rows and columns away; beyond the border the last."""
    for axis, by in enumerate(away, start=1):
        if by:
            grid = ops.take(grid, _indices(grid.shape[axis], by), axis=axis)
    return grid


def _given_back(grid: Tensor, away: Sequence[int]) -> Tensor:
    """To each cell the sum of those that take it: the adjoint of ``_taken``."""
    for axis, by in enumerate(away, start=1):
        if by:
            size = grid.shape[axis]
            takes = np.eye(size, dtype="float32")[_indices(size, by)]
            summed = "brcd,rs->bscd" if axis == 1 else "brcd,cs->brsd"
            grid = ops.einsum(summed, grid, ops.convert_to_tensor(takes))
    return grid


def _indices(size: int, by: int) -> list[int]:
    return [min(max(i + by, 0), size - 1) for i in range(size)]


def _energy(places: Sequence[Tensor]) -> Tensor:
    """(batch,): the sum of squares of an image over all its places."""
    return sum(ops.sum(ops.square(place), axis=(1, 2, 3)) for place in places)


def _apart(latents: Latents) -> list[Tensor]:
    """The latents of each place: 4 times (batch, rows / 2, columns / 2, channels)."""
    return [latents[:, row::2, column::2] for row, column in PLACES]


def _joined(places: Sequence[Tensor]) -> Latents:
    """The grid of which these are the places; undoes ``_apart``."""
    by_place = dict(zip(PLACES, places, strict=True))
    rows = [ops.stack([by_place[row, 0], by_place[row, 1]], axis=3) for row in range(2)]
    cells = ops.stack(rows, axis=2)  # (batch, rows / 2, 2, columns / 2, 2, channels)
    batch = ops.shape(cells)[0]
    _, height, _, width, _, channels = cells.shape
    return ops.reshape(cells, (batch, 2 * height, 2 * width, channels))


def _mean_of_neighbours(shape: tuple[int, int], dtype: str) -> Tensor:
    """(4 channels, channels): of each channel the mean of the four."""
    return ops.tile(ops.eye(shape[1], dtype=dtype) / 4, (4, 1))


def _uneven(grid: Sequence[int | None], cell: int) -> Problem:
    told = " x ".join("?" if side is None else str(side) for side in grid)
    return Problem(
        "size-mismatch",
        f"a grid of {told} latents cannot be divided into cells of {cell} x {cell}",
        help='choose "image_size" and "downsampling" so that rows and columns are '
        f"multiples of {cell}",
    )


def _cell_of(options: Mapping[str, Any]) -> int:
    """The side of a cell by the options of the quantizer, which may wrap its like."""
    inner = options.get("quantizer")
    nested = isinstance(inner, Mapping) and inner.get("type") == options.get("type")
    return CELL * (_cell_of(inner) if nested and inner is not None else 1)
