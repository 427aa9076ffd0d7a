"""How much of the codebooks a whole split uses, pooled over all its tokens.

This is the score at the end, by exact counts. The moving histogram that revival and beta
follow during training is another thing, and lives with the contracts.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import PluginError
from vqfw.kinds import Metric, Score, Scored


class CodebookMetric(Metric):
    """Counts every token of a split and gives the mean of one number a codebook.

    The value is None where the model has no tokens. There is no interval, since the
    score is of the split as a whole and no mean over images.
    """

    def __init__(self) -> None:
        self._counts: tuple[NDArray[np.int64], ...] = ()
        self._images = 0

    @abstractmethod
    def of_book(self, counts: NDArray[np.int64]) -> float:
        """The number of one codebook.

        Args:
            counts: (num_embeddings,) how often each code was chosen; at least one was.
        """

    def update(self, scored: Scored) -> None:
        self._images += len(scored.original)
        if scored.tokens is None:
            return
        found = tuple(
            _counts(scored.tokens[..., book], size)
            for book, size in enumerate(scored.vocabulary)
        )
        before = self._counts or tuple(np.zeros_like(counts) for counts in found)
        self._counts = tuple(map(np.add, before, found))

    def result(self) -> Score:
        books = [self.of_book(counts) for counts in self._counts if counts.any()]
        return Score(float(np.mean(books)) if books else None, self._images)


class CodebookUsage(CodebookMetric):
    """Share of the codes that the split uses at least once, in [0, 1]; the mean of books.

    It grows with the size of the split: a code that is used once counts like any other.
    """

    def of_book(self, counts: NDArray[np.int64]) -> float:
        return float(np.mean(counts > 0))


class Perplexity(CodebookMetric):
    """How many codes in equal use would be as diverse: ``exp(entropy)``; the mean of books.

    In [1, num_embeddings], from the shares of the codes in all tokens of the split. The
    mean over batches, which some tools report, is lower.

    Source: van den Oord et al. 2017 with its authors' code in Sonnet,
    https://arxiv.org/abs/1711.00937
    """

    unit: ClassVar[str] = "codes"

    def of_book(self, counts: NDArray[np.int64]) -> float:
        share = counts[counts > 0] / counts.sum()
        return float(np.exp(-np.sum(share * np.log(share))))


def _counts(tokens: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    flat = tokens.reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >= size):
        raise PluginError(
            f"the quantizer gave tokens from {flat.min()} to {flat.max()} for a codebook "
            f"of {size} codes: its tokens have to lie in [0, {size})"
        )
    return np.bincount(flat, minlength=size)
