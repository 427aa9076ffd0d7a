"""Predictive quantization: what the neighbours tell of a latent is not told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import keras
from keras import ops

from vqfw.errors import ExperimentError, Problem
from vqfw.kinds import Context, Copies, Quantized, Quantizer
from vqfw.kinds.tensors import Floats, Latents, Tensor, Tokens
from vqfw_quantizers.wrapper import Wrapper

CELL = 2
# Rows and columns of a cell in the order in which they are quantized.
PLACES = ((0, 0), (1, 1), (0, 1), (1, 0))


class PredictiveQuantizer(Wrapper):
    """Quantizes the difference between a latent and what its known neighbours foretell.

    (batch, rows, columns, channels) to the same shape, both even. The grid falls into
    cells of 2 x 2. First the latents of all first places are quantized as they are; then
    those in the middle of four of them, less a linear map of the four codes around; then
    the other two places, each less a map of the four codes beside it. At the border a
    cell that is missing is taken to be like the last one. Every place has a quantizer of
    its own, so tokens are (batch, rows / 2, columns / 2, 4 times those of the wrapped
    quantizer), and a grid takes as many bits as it would without prediction. The maps
    begin as the mean of the neighbours and learn to foretell the latents; no gradient of
    theirs reaches the encoder. Losses are means over places, and the mean squared error of
    the predictions, which the first place has none of, is part of the codebook loss.
    Sources: the closed loop, Gersho and Gray 1992, chapter 13,
    https://doi.org/10.1007/978-1-4615-3626-0; the order of the places, Roos et al. 1988,
    https://doi.org/10.1109/42.14513.

    Args:
        quantizer: Quantizes one place of the cells; each has its own copy, with its own
            codes.

    >>> from vqfw_quantizers.fsq import FSQQuantizer
    >>> quantizer = PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(5,)))
    >>> quantizer.build((None, 2, 2, 1))
    >>> quantizer.vocabulary
    (5, 5, 5, 5)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[4, 2, 2, 0]]]]))
    >>> ops.convert_to_numpy(codes)[0, ..., 0].tolist()  # 1 is foretold everywhere
    [[1.0, 1.0], [0.0, 1.0]]
    """

    def __init__(
        self, quantizer: Annotated[Copies[Quantizer], {"default": "ema"}]
    ) -> None:
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
            foretold = self._foretold(known) if known else ops.zeros_like(latent)
            if known:
                missed += ops.mean(ops.square(ops.stop_gradient(latent) - foretold))
            foretold = ops.stop_gradient(foretold)
            found.append(part(latent - foretold, training=training))
            passed.append(foretold + found[-1].latents)
            known.append(ops.stop_gradient(passed[-1]))
        all_places = self.together(found, _joined(passed))
        loss = all_places.codebook_loss + missed / len(PLACES)
        return all_places._replace(codebook_loss=loss)

    def embed(self, tokens: Tokens) -> Latents:
        known: list[Tensor] = []
        for part, its in self.each_with_tokens(tokens):
            code = part.embed(its)
            known.append(self._foretold(known) + code if known else code)
        return _joined(known)

    def initialize(self, latents: Floats, seed: int) -> None:
        known: list[Tensor] = []
        for i, latent in enumerate(_apart(ops.convert_to_tensor(latents))):
            foretold = self._foretold(known) if known else ops.zeros_like(latent)
            self.place_codes(i, ops.convert_to_numpy(latent - foretold), seed)
            known.append(foretold + self.parts[i](latent - foretold).latents)

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

    def _foretold(self, known: Sequence[Tensor]) -> Tensor:
        """What the places that are known tell of the next one: like each of them."""
        around = ops.concatenate(_neighbours(known), axis=-1)
        return self.predictors[len(known) - 1](around)


def _neighbours(known: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The four neighbours, among the places known, of the place that comes next."""
    if len(known) == 1:
        (corner,) = known
        below = _next(corner, 1)
        return corner, _next(corner, 2), below, _next(below, 2)
    corner, middle = known[:2]
    if len(known) == 2:
        return corner, _next(corner, 2), _last(middle, 1), middle
    return corner, _next(corner, 1), _last(middle, 2), middle


def _next(grid: Tensor, axis: int) -> Tensor:
    """For each cell the one that follows it; the last one follows itself."""
    size = grid.shape[axis]
    return ops.take(grid, [*range(1, size), size - 1], axis=axis)


def _last(grid: Tensor, axis: int) -> Tensor:
    """For each cell the one before it; the first one is before itself."""
    return ops.take(grid, [0, *range(grid.shape[axis] - 1)], axis=axis)


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
