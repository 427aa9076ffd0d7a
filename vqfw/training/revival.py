"""Calls the revival strategy between two steps and puts everything in order after it.

All state of a revived row starts anew: its usage and age, its sums and counts, the
optimizer's moments, and the average of its weights. Whether the code stays in use is counted
100 steps later.

Revival goes on to the last step, for stopping earlier would leave codes unused. Codes revived
in the last 100 steps are scored as they are; the report counts them as revived and not as
examined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.kinds.quantizer import Book
from vqfw.kinds.tensors import Mask
from vqfw.kinds.usage import ACTIVE_ABOVE

PROBATION = 100  # steps after which a revived code should be in use


class RevivalEngine:
    """Revives the codes of a model and counts how many stay in use.

    Args:
        autoencoder: compiled; its model has codebooks and a revival strategy.
        interval: steps between two revivals.
        seed: of the strategy's draws.
    """

    def __init__(self, autoencoder: Autoencoder, interval: int, seed: int) -> None:
        self._autoencoder = autoencoder
        self._interval = interval
        self._seed = seed
        self._counts = {"revived": 0, "examined": 0, "survived": 0}
        self._on_probation: list[tuple[int, int, list[int]]] = []

    def before_step(self, step: int) -> int:
        """Revives codes at every interval; returns how many were revived now.

        Args:
            step: optimizer steps done.
        """
        self._examine(step)
        model = self._autoencoder.model
        assert model.codebook_quantizer is not None
        if step % self._interval or step <= model.codebook_quantizer.warm_up:
            return 0
        books = enumerate(model.codebook_quantizer.codebooks)
        count = sum(self._revive(step, position, book) for position, book in books)
        self._counts["revived"] += count
        return count

    @property
    def report(self) -> dict[str, int]:
        """Codes revived, and of those examined after 100 steps, how many were in use."""
        return dict(self._counts)

    @property
    def vitals(self) -> dict[str, float]:
        """Codes revived so far, and the share of those examined that stayed in use."""
        revived, examined, survived = self._counts.values()
        surviving = {"surviving": survived / examined} if examined else {}
        return {"revived": float(revived), **surviving}

    def counters(self) -> dict[str, Any]:
        """The numbers that a checkpoint keeps."""
        return {**self.report, "on_probation": self._on_probation}

    def restore(self, counters: Mapping[str, Any]) -> None:
        """Restores the counts of revived codes, and which of them are still observed."""
        self._counts = {name: counters[name] for name in self._counts}
        self._on_probation = [
            (step, position, list(codes))
            for step, position, codes in counters["on_probation"]
        ]

    def _revive(self, step: int, position: int, book: Book) -> int:
        latents = book.recent_latents
        if not len(latents):
            return 0
        strategy = self._autoencoder.model.revival
        assert strategy is not None
        rng = np.random.default_rng([self._seed, 2, step, position])
        usage = self._autoencoder.monitor.on_host(position)
        vectors, mask = strategy.revive(book.vectors, usage, latents, rng)
        if not mask.any():
            return 0
        book.replace(vectors.astype("float32"), mask)
        clear_moments(self._autoencoder.optimizer, book.variables, mask)
        self._autoencoder.restart_averages(book.variables, mask)
        # The least share that counts as active: a code that is used rises above it at
        # once; an unused one falls below it and is revived again.
        threshold = ACTIVE_ABOVE / usage.num_embeddings
        self._autoencoder.monitor.reset(position, mask, threshold)
        self._forget(position, mask)
        codes = np.flatnonzero(mask).tolist()
        self._on_probation.append((step, position, codes))
        return len(codes)

    def _forget(self, position: int, mask: Mask) -> None:
        """Counts codes that are revived again before their time as not surviving."""
        for _, at, codes in self._on_probation:
            stays = [code for code in codes if at != position or not mask[code]]
            self._counts["examined"] += len(codes) - len(stays)
            codes[:] = stays

    def _examine(self, step: int) -> None:
        # The oldest come first.
        while self._on_probation and step - self._on_probation[0][0] >= PROBATION:
            _, position, codes = self._on_probation.pop(0)
            dead = self._autoencoder.monitor.on_host(position).dead(ACTIVE_ABOVE)
            self._counts["examined"] += len(codes)
            self._counts["survived"] += int(np.count_nonzero(~np.asarray(dead)[codes]))


def clear_moments(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[Any], mask: Mask
) -> None:
    """Resets the rows of a mask in all that the optimizer remembers of some variables.

    They get their values from before the first step: 0, but for the accumulators of
    Adagrad and FTRL. Slots are found by name: Keras names them after the path of their
    variable. The row means of Adafactor have no such name and stay.

    Args:
        optimizer: built.
        variables: trained variables with one row a code.
        mask: (num_embeddings,) bool.
    """
    scaled = getattr(optimizer, "inner_optimizer", optimizer)
    accumulated = getattr(scaled, "initial_accumulator_value", 0.0)
    for variable in variables:
        prefix = variable.path.replace("/", "_") + "_"
        for slot in optimizer.variables:
            named = slot.path.split("/")[-1].startswith(prefix)
            if named and tuple(slot.shape) == tuple(variable.shape):
                rows = keras.ops.convert_to_numpy(slot).copy()
                sums = slot.path.endswith(f"{prefix}accumulator")
                rows[mask] = accumulated if sums else 0
                slot.assign(rows)
