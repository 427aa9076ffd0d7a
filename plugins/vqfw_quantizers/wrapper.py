"""The base of quantizers that hold copies of another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras
from keras import ops

from vqfw.kinds import Book, CodebookQuantizer, Copies, Quantized, Quantizer
from vqfw.kinds.tensors import Floats, Latents, Scalar, Tokens


class Wrapper(CodebookQuantizer):
    """Holds copies of one quantizer, each with codes of its own; abstract.

    Tokens and codebooks are those of the copies, in their order. Losses are means over
    copies, so that beta and loss weights mean the same for any number of copies.

    Args:
        quantizer: makes a copy.
        count: copies.
        place: name of a copy in the paths of variables, as ``level``.
    """

    def __init__(self, quantizer: Copies[Quantizer], count: int, place: str) -> None:
        super().__init__()
        self.place = place
        self.parts = []
        for i in range(count):
            with keras.name_scope(f"{place}_{i}"):
                self.parts.append(quantizer(i))
        self.cell = self.parts[0].cell
        self.straight_through = all(part.straight_through for part in self.parts)
        self.vocabulary = tuple(n for part in self.parts for n in part.vocabulary)
        self.warm_up = getattr(self.parts[0], "warm_up", 0)

    @property
    def codebooks(self) -> tuple[Book, ...]:
        return tuple(
            book
            for part in self.parts
            if isinstance(part, CodebookQuantizer)
            for book in part.codebooks
        )

    @property
    def bits_per_position(self) -> float:
        return sum(part.bits_per_position for part in self.parts)

    @property
    def scheduled(self) -> Mapping[str, Scalar]:
        return {
            f"{self.place}_{i}_{name}": value
            for i, part in enumerate(self.parts)
            for name, value in part.scheduled.items()
        }

    def build_parts(self, shape: tuple[int | None, ...]) -> None:
        """Builds each copy for latents of this shape."""
        for i, part in enumerate(self.parts):
            with keras.name_scope(f"{self.place}_{i}"):
                part.build(shape)

    def place_codes(self, index: int, latents: Floats, seed: int) -> None:
        """Initializes one copy, if it has codebooks: (n, *positions, channels) latents."""
        part = self.parts[index]
        if isinstance(part, CodebookQuantizer):
            part.initialize(latents, seed + index)

    def each_with_tokens(self, tokens: Tokens) -> Iterator[tuple[Quantizer, Tokens]]:
        """Each copy with its tokens."""
        width = len(self.parts[0].vocabulary)
        for i, part in enumerate(self.parts):
            yield part, tokens[..., i * width : (i + 1) * width]

    def together(self, parts: Sequence[Quantized], latents: Latents) -> Quantized:
        """Joins the results of the copies: tokens side by side, means of losses.

        Args:
            parts: of every copy.
            latents: of the whole.
        """
        losses = [sum(part[2:][i] for part in parts) / len(parts) for i in range(3)]
        tokens = ops.concatenate([part.tokens for part in parts], axis=-1)
        return Quantized(latents, tokens, *losses)
