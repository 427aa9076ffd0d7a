"""Use of the codebooks by a whole split, from exact counts of all its tokens.

Revival and beta follow another number: the moving histogram of ``vqfw.kinds.usage``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vqfw.errors import PluginError
from vqfw.kinds import Metric, Score, Scored


class CodebookMetric(Metric):
    """Counts all tokens of a split; the score is the mean over codebooks; abstract.

    The value is None where the model has no tokens. There is no interval, because the
    score is not a mean over images.
    """

    def __init__(self) -> None:
        self._counts: tuple[NDArray[np.int64], ...] = ()
        self._images = 0

    @abstractmethod
    def of_book(self, counts: NDArray[np.int64]) -> float:
        """The score of one codebook.

        Args:
            counts: (num_embeddings,) how often each code was chosen; at least one was.
        """

    def update(self, scored: Scored) -> None:
        self._images += len(scored.original)
        if scored.tokens is None:
            return
        batch = tuple(
            _counts(scored.tokens[..., book], size)
            for book, size in enumerate(scored.vocabulary)
        )
        self._counts = tuple(map(np.add, self._counts, batch)) or batch

    def result(self) -> Score:
        books = [self.of_book(counts) for counts in self._counts if counts.any()]
        return Score(float(np.mean(books)) if books else None, self._images)


class CodebookUsage(CodebookMetric):
    """Share of the codes that the split uses at least once, in [0, 1]; the mean of books.

    It grows with the size of the split, because one token is enough for a code to count.
    """

    def of_book(self, counts: NDArray[np.int64]) -> float:
        return float(np.mean(counts > 0))


class Perplexity(CodebookMetric):
    """Perplexity of the codes, ``exp(entropy)`` in [1, num_embeddings]; the mean of books.

    From the shares of the codes in all tokens of the split. The mean over batches, which
    some tools report, is lower. Source: van den Oord et al. 2017 with its authors' code in
    Sonnet, https://arxiv.org/abs/1711.00937
    """

    unit: ClassVar[str] = "codes"

    def of_book(self, counts: NDArray[np.int64]) -> float:
        share = counts[counts > 0] / counts.sum()
        return float(np.exp(-np.sum(share * np.log(share))))


def _counts(tokens: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    flat = tokens.reshape(-1)
    if flat.size and (flat.min() < 0 or flat.max() >= size):
        raise PluginError(
            f"the tokens of the quantizer are from {flat.min()} to {flat.max()}, and the "
            f"codebook has {size} codes: tokens must lie in [0, {size})"
        )
    return np.bincount(flat, minlength=size)
