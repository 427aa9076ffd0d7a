"""Residual quantization: each level quantizes the residual of the levels before it."""

from __future__ import annotations

from typing import Annotated

from keras import ops

from vqfw.kinds import Copies, Default, Quantized, Quantizer, Range
from vqfw.kinds.tensors import Floats, Latents, Tokens
from vqfw_quantizers.wrapper import Wrapper


class ResidualQuantizer(Wrapper):
    """Adds up the codes of several quantizers; each quantizes the residual so far.

    (batch, *positions, channels) to the same shape; tokens of all levels side by side,
    the coarsest first. 4 levels of 512 codes have 2^36 sums. The codes are constants in
    the residual, so the commitment loss of each level moves the encoder. The decoder's
    gradient is divided by the number of levels, so that the encoder gets it once; so is
    that of a projection inside a level. Losses are means over levels. Source:
    Zeghidour et al. 2021, algorithm 1, https://arxiv.org/abs/2107.03312; Lee et al. 2022,
    section 3.1, https://arxiv.org/abs/2203.01941.

    Args:
        quantizer: Quantizes one level; each has its own copy, with its own codes.
        levels: Number of quantizers in a row.

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
        residual, parts = latents, []
        for level in self.parts:
            parts.append(level(residual, training=training))
            # Without stop_gradient the straight-through sum would cancel the gradient of
            # the residual. Its value is the code, or the latent itself in a warm-up.
            residual = residual - ops.stop_gradient(parts[-1].latents)
        codes = sum(part.latents for part in parts)
        if training:
            fixed = ops.stop_gradient(codes)
            codes = fixed + (codes - fixed) / len(parts)
        return self.together(parts, codes)

    def embed(self, tokens: Tokens) -> Latents:
        return sum(level.embed(its) for level, its in self.each_with_tokens(tokens))

    def initialize(self, latents: Floats, seed: int) -> None:
        for i, level in enumerate(self.parts):
            self.place_codes(i, latents, seed)
            quantized = level(ops.convert_to_tensor(latents), training=False)
            latents = latents - ops.convert_to_numpy(quantized.latents)
