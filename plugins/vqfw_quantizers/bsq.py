"""Binary spherical quantization: codes are the corners of a cube in the unit sphere.

No latent is further than ``sqrt(2 - 2 / sqrt(bits))`` from its code.
"""

from __future__ import annotations

import math
from typing import Annotated

from keras import ops

from vqfw.kinds import BetaScheduler, Count, Default, Positive, Seed, Weight
from vqfw.kinds.tensors import Tensor
from vqfw_quantizers.signs import Bits, SignQuantizer

# A latent shorter than this is not stretched to the sphere: it has no direction.
SHORTEST = 1e-6


class BSQQuantizer(SignQuantizer):
    """Puts latents on the unit sphere and keeps the sign of each channel.

    (batch, *positions, channels) to the same shape, with a linear map to ``bits`` channels
    and one back; codes are plus or minus ``1 / sqrt(bits)`` in each, so they lie on the
    sphere too. The commitment loss is ``mean((u - code)^2)`` with u on the sphere; its
    authors train without it (``"beta": 0``). An entropy loss keeps each choice certain and
    all codes in use. Source: Zhao et al. 2024, section 4.1, https://arxiv.org/abs/2406.07548; weight,
    temperature and groups of 9 bits are those of its authors' code,
    https://github.com/zhaoyue-zephyrus/bsq-vit.

    Args:
        entropy_weight: Weight of the entropy loss, in nats; a number means constant, null
            leaves it out.
        bits: Channels of a code, so ``2 ** bits`` codes.
        factors: Tokens a position, each with an entropy of its own: the authors take 9
            bits a factor, 18 bits in 2 factors. It must divide ``bits``.
        diversity: Weight of the codebook's entropy in the entropy loss.
        temperature: Of the softmax whose entropy is taken, in squared distance.

    >>> quantizer = BSQQuantizer(seed=0, entropy_weight=None, bits=4)
    >>> codes = quantizer(ops.convert_to_tensor([[[[3.0, -1, 2, 2]]]])).latents
    >>> ops.convert_to_numpy(codes).tolist()
    [[[[0.5, -0.5, 0.5, 0.5]]]]
    """

    def __init__(
        self,
        seed: Seed,
        entropy_weight: Annotated[BetaScheduler | None, Default(0.1)],
        bits: Bits = 9,
        factors: Count = 1,
        diversity: Weight = 1.0,
        temperature: Positive = 1.0,
    ) -> None:
        radius = 1 / math.sqrt(bits)
        super().__init__(
            seed, bits, factors, radius, entropy_weight, diversity, temperature
        )
        self.straight_through = False  # scaling to length one turns the gradient

    def prepared(self, latents: Tensor) -> Tensor:
        length = ops.sum(ops.square(latents), axis=-1, keepdims=True)
        return latents * ops.rsqrt(ops.maximum(length, SHORTEST**2))
