"""Product quantization: each group of channels has a quantizer of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from keras import ops

from vqfw.errors import ExperimentError, Problem
from vqfw.kinds import Context, Copies, Default, Quantized, Quantizer, Range
from vqfw.kinds.tensors import Floats, Latents, Tokens
from vqfw_quantizers.wrapper import Wrapper


class GroupedQuantizer(Wrapper):
    """Splits the channels into groups and quantizes each with codes of its own.

    (batch, *positions, channels) to the same shape; tokens of all groups side by side. 2
    groups of 512 codes have 2^18 pairs. Losses are means over groups. Source: Baevski
    et al. 2020, section 3.3, https://arxiv.org/abs/1910.05453; Jegou et al. 2011,
    https://doi.org/10.1109/TPAMI.2010.57.

    Args:
        quantizer: Quantizes the channels of one group; each group has its own copy, with
            its own codes.
        groups: Number of groups; it must divide the channels of the encoder.

    >>> from vqfw_quantizers.fsq import FSQQuantizer
    >>> quantizer = GroupedQuantizer(
    ...     lambda i: FSQQuantizer(seed=i, levels=(5,)), groups=2
    ... )
    >>> quantizer.vocabulary
    (5, 5)
    >>> codes = quantizer.embed(ops.convert_to_tensor([[[[4, 1]]]]))
    >>> ops.convert_to_numpy(codes).tolist()
    [[[[1.0, -0.5]]]]
    """

    def __init__(
        self,
        quantizer: Annotated[Copies[Quantizer], Default("ema")],
        groups: Annotated[int, Range(minimum=2)] = 2,
    ) -> None:
        super().__init__(quantizer, groups, "group")

    def build(self, shape: tuple[int | None, ...]) -> None:
        channels, groups = int(shape[-1] or 0), len(self.parts)
        if channels % groups:
            raise ExperimentError([replace(_uneven(channels, groups), path=())])
        self.build_parts((*shape[:-1], channels // groups))

    def call(self, latents: Latents, training: bool = False) -> Quantized:
        split = ops.split(latents, len(self.parts), axis=-1)
        parts = [
            part(group, training=training)
            for part, group in zip(self.parts, split, strict=True)
        ]
        codes = ops.concatenate([part.latents for part in parts], axis=-1)
        return self.together(parts, codes)

    def embed(self, tokens: Tokens) -> Latents:
        codes = [group.embed(its) for group, its in self.each_with_tokens(tokens)]
        return ops.concatenate(codes, axis=-1)

    def initialize(self, latents: Floats, seed: int) -> None:
        for i, group in enumerate(np.split(latents, len(self.parts), axis=-1)):
            self.place_codes(i, group, seed)

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses a number of groups that does not divide the channels of the encoder."""
        encoder = context.experiment["model"].get("encoder")
        channels = encoder.get("channels") if isinstance(encoder, Mapping) else None
        # An encoder without this option is checked by ``build``.
        if not isinstance(channels, int) or channels % options["groups"] == 0:
            return []
        return [_uneven(channels, options["groups"])]


def _uneven(channels: int, groups: int) -> Problem:
    divisors = [n for n in range(2, channels + 1) if channels % n == 0]
    close = min(divisors, key=lambda n: abs(n - groups), default=None)
    first = f'set "groups" to {close}, or ' if close else "set "
    return Problem(
        "size-mismatch",
        f"{channels} channels cannot be divided among {groups} groups",
        ("groups",),
        help=f"{first}the channels of the encoder to {channels + -channels % groups}",
    )
