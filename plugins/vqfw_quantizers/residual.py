"""Residual quantization: every level quantizes what the levels before it left over."""

from __future__ import annotations

from typing import Annotated

from keras import ops

from vqfw.kinds import Copies, Default, Quantized, Quantizer, Range
from vqfw.kinds.tensors import Floats, Latents, Tokens
from vqfw_quantizers.wrapper import Wrapper


class ResidualQuantizer(Wrapper):
    """Adds up the codes of several quantizers, each one working on the rest so far.

    (batch, *positions, channels) to the same shape; tokens of all levels side by side,
    the coarsest first. 4 levels of 512 codes tell 2^36 sums apart. The rest is taken from
    the codes as constants, so that the commitment of every level moves the encoder; the
    gradient from the decoder would then come once a level, and is divided by their
    number; so what a level learns from the decoder itself, as the map out of a projection
    does, has that part of its gradient too. Losses are means over levels. Source:
    Zeghidour et al. 2021, algorithm 1, https://arxiv.org/abs/2107.03312; Lee et al. 2022,
    section 3.1, https://arxiv.org/abs/2203.01941.

    Args:
        quantizer: Quantizes one level; each has its own copy, with its own codes.
        levels: How many quantizers in a row.

    >>> from vqfw_quantizers.fsq import FSQQuantizer
    >>> quantizer = ResidualQuantizer(
    ...     lambda i: FSQQuantizer(seed=i, levels=(5,)), levels=2
    ... )
    >>> quantizer.vocabulary
    (5, 5)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[4, 1]]]]))  # 1.0 - 0.5
    >>> ops.convert_to_numpy(codes).tolist()
    [[[[0.5]]]]
    """

    def __init__(
        self,
        quantizer: Annotated[Copies[Quantizer], Default("ema")],
        levels: Annotated[int, Range(minimum=2)] = 2,
    ) -> None:
        super().__init__(quantizer, levels, "level")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.build_parts(shape)

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        rest, found = latents, []
        for level in self.parts:
            found.append(level(rest, training=training))
            # Through the straight-through sum the rest would have no gradient at all. In
            # training its value is the code, or the latent itself during a warm-up.
            rest = rest - ops.stop_gradient(found[-1].latents)
        codes = sum(each.latents for each in found)
        if training:
            fixed = ops.stop_gradient(codes)
            codes = fixed + (codes - fixed) / len(found)
        return self.together(found, codes)

    def embed(self, tokens: Tokens) -> Latents:
        return sum(level.embed(its) for level, its in self.each_with_tokens(tokens))

    def initialize(self, latents: Floats, seed: int) -> None:
        for i, level in enumerate(self.parts):
            self.place_codes(i, latents, seed)
            found = level(ops.convert_to_tensor(latents), training=False)
            latents = latents - ops.convert_to_numpy(found.latents)
