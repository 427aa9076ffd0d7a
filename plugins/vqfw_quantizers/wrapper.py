"""Quantizers made of copies of another one: what those in a row and side by side share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import keras
from keras import ops

from vqfw.kinds import Book, CodebookQuantizer, Copies, Quantized, Quantizer
from vqfw.kinds.tensors import Floats, Latents, Scalar, Tokens


class Wrapper(CodebookQuantizer):
    """Holds copies of one quantizer, each with codes of its own; abstract.

    Its tokens are theirs, one behind the other, and so are its codebooks, if they have
    any. Its losses are the means of theirs, so that beta and the weights of an entropy
    mean the same for one copy and for eight.

    Args:
        quantizer: makes a copy.
        count: how many.
        place: what one copy is to the whole, for the names of variables.
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
        """Builds every copy for latents of one shape."""
        for i, part in enumerate(self.parts):
            with keras.name_scope(f"{self.place}_{i}"):
                part.build(shape)

    def place_codes(self, index: int, latents: Floats, seed: int) -> None:
        """Initializes one copy, if it has codes to place: (n, *positions, its channels)."""
        part = self.parts[index]
        if isinstance(part, CodebookQuantizer):
            part.initialize(latents, seed + index)

    def each_with_tokens(self, tokens: Tokens) -> Iterator[tuple[Quantizer, Tokens]]:
        """The copies with those of the tokens that are theirs."""
        width = len(self.parts[0].vocabulary)
        for i, part in enumerate(self.parts):
            yield part, tokens[..., i * width : (i + 1) * width]

    def together(self, found: Sequence[Quantized], latents: Latents) -> Quantized:
        """One answer out of those of the copies.

        Args:
            found: by every copy.
            latents: what they amount to.
        """
        losses = [sum(each[2:][i] for each in found) / len(found) for i in range(3)]
        tokens = ops.concatenate([each.tokens for each in found], axis=-1)
        return Quantized(latents, tokens, *losses)
