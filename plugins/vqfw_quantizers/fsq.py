"""Finite scalar quantization: rounds each channel to a few levels; nothing is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from keras import ops

from vqfw.errors import Problem
from vqfw.kinds import Context, Length, Quantized, Quantizer, Range, Seed
from vqfw.kinds.tensors import Latents, Tensor, Tokens
from vqfw_quantizers.projection import Projection
from vqfw_quantizers.size import too_many_codes

# Widens the range by a thousandth, so that tanh reaches the outermost levels before it is
# flat. Channels of up to 1,000 levels still round to no level beyond the outermost.
MARGIN = 1e-3

# With 2 levels the slope of tanh is 0.001 at a latent of 0 and no encoder learns; use
# ``lfq``. More than 256 levels are no better than a second channel.
Levels = Annotated[int, Range(minimum=3, maximum=256)]


class FSQQuantizer(Quantizer):
    """Rounds each of a few channels to one of its levels; every combination is a code.

    (batch, *positions, channels) to the same shape, with a linear map to one channel for
    each entry of ``levels`` and one back. ``tanh`` bounds a channel to its levels, and
    rounding passes a straight-through gradient; codes lie in [-1, 1]. One token a
    position, in [0, product of the levels). It has no loss and nothing to revive. Source:
    Mentzer et al. 2023, section 3.1 and appendix A.1, https://arxiv.org/abs/2309.15505;
    the shift is ``atanh`` where the appendix has ``tan``, so that a latent of 0 stays 0.

    Args:
        levels: Values of each channel; their product is the number of codes. The paper
            advises 5 or more a channel: 240 codes from [8, 6, 5], 1,000 from
            [8, 5, 5, 5], 64,000 from [8, 8, 8, 5, 5, 5].

    >>> quantizer = FSQQuantizer(seed=0, levels=(3, 5))
    >>> quantizer.vocabulary
    (15,)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[0], [7], [14]]]]))
    >>> ops.convert_to_numpy(codes).tolist()
    [[[[-1.0, -1.0], [0.0, 0.0], [1.0, 1.0]]]]
    """

    def __init__(
        self,
        seed: Seed,
        levels: Annotated[tuple[Levels, ...], Length(minimum=1)] = (8, 8, 8),
    ) -> None:
        super().__init__()
        self.straight_through = False  # tanh scales the gradient
        self.levels = levels
        self.vocabulary = (math.prod(levels),)
        self.projection = Projection(len(levels), seed)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.projection.build(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        bounded = self._bounded(self.projection(latents))
        digits = ops.stop_gradient(ops.round(bounded)) + self._half
        codes = self._codes(digits)
        if training:
            scaled = bounded / self._half
            codes = scaled + ops.stop_gradient(codes - scaled)
        # The first channel is the lowest digit, as in appendix A.1.
        places = ops.convert_to_tensor(np.cumprod([1, *self.levels[:-1]]), "int32")
        tokens = ops.sum(ops.cast(digits, "int32") * places, axis=-1, keepdims=True)
        return Quantized(
            latents=self.projection.back(codes),
            tokens=ops.cast(tokens, "int32"),
        )

    def embed(self, tokens: Tokens) -> Latents:
        rest, digits = ops.cast(tokens[..., 0], "int32"), []
        for levels in self.levels:
            digits.append(rest % levels)
            rest = rest // levels
        digits = ops.cast(ops.stack(digits, axis=-1), "float32")
        return self.projection.back(self._codes(digits))

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses more codes than can be counted."""
        repair = 'take fewer "levels", or two quantizers of half of them: "grouped"'
        return [*too_many_codes(math.prod(options["levels"]), ("levels",), repair)]

    @property
    def _half(self) -> Any:
        """Half of the levels of each channel: the middle digit, and the scale of codes."""
        return ops.convert_to_tensor([levels // 2 for levels in self.levels], "float32")

    def _codes(self, digits: Tensor) -> Tensor:
        """Digits in [0, levels) to codes in [-1, 1]."""
        return (digits - self._half) / self._half

    def _bounded(self, latents: Tensor) -> Tensor:
        """Bounds each channel to the range that rounds to its levels."""
        levels = np.array(self.levels)
        radius = (levels - 1) * (1 + MARGIN) / 2
        # An even number of levels has no middle one: shift by half a step.
        offset = np.where(levels % 2 == 0, 0.5, 0.0)
        shift = np.arctanh(offset / radius)
        radius, offset, shift = (
            ops.convert_to_tensor(each, "float32") for each in (radius, offset, shift)
        )
        return radius * ops.tanh(latents + shift) - offset
