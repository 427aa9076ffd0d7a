"""Lookup-free quantization: a code is the signs of its channels.

The probabilities in the entropy loss (eq. 5 of the paper) are the softmax of
``-|z - c|^2 / temperature`` over all codes, exact for each factor because bits are
independent.
"""

from __future__ import annotations

from typing import Annotated

from vqfw.kinds import BetaScheduler, Count, Default, Positive, Seed, Weight
from vqfw.kinds.tensors import Tensor
from vqfw_quantizers.signs import Bits, SignQuantizer


class LFQQuantizer(SignQuantizer):
    """Keeps the sign of each of a few channels; every combination of signs is a code.

    (batch, *positions, channels) to the same shape, with a linear map to ``bits`` channels
    and one back; codes are +1 or -1 in each. The commitment loss is ``mean((z -
    sign(z))^2)``; an entropy loss keeps each choice certain and all codes in use. No code
    is stored or searched, so books may be very large. Source: Yu et al. 2023, section
    3.1, eq. 3 to 5, https://arxiv.org/abs/2310.05737; factors as in Luo et al. 2024,
    https://arxiv.org/abs/2409.04410.

    Args:
        entropy_weight: Weight of the entropy loss, in nats; a number means constant, null
            leaves it out.
        bits: Channels of a code, so ``2 ** bits`` codes.
        factors: Tokens a position: 18 bits in 2 factors are two books of 512 codes
            instead of one of 262,144. It must divide ``bits``.
        diversity: Weight of the codebook's entropy in the entropy loss.
        temperature: Of the softmax whose entropy is taken, in squared distance.

    >>> quantizer = LFQQuantizer(seed=0, entropy_weight=None, bits=4, factors=2)
    >>> quantizer.vocabulary
    (4, 4)
    >>> from keras import ops
    >>> found = quantizer(ops.convert_to_tensor([[[[3.0, -1, 2, 2]]]]))
    >>> ops.convert_to_numpy(found.latents).tolist()
    [[[[1.0, -1.0, 1.0, 1.0]]]]
    >>> ops.convert_to_numpy(found.tokens).tolist()
    [[[[1, 3]]]]
    """

    def __init__(
        self,
        seed: Seed,
        entropy_weight: Annotated[BetaScheduler | None, Default(0.1)],
        bits: Bits = 9,
        factors: Count = 1,
        diversity: Weight = 1.0,
        temperature: Positive = 0.01,
    ) -> None:
        super().__init__(
            seed, bits, factors, 1.0, entropy_weight, diversity, temperature
        )

    def prepared(self, latents: Tensor) -> Tensor:
        return latents
