"""Training batches as a function of the step, so that a resumed run needs no saved order.

A batch holds shuffled pictures as bytes, after image augmentations, and the drawn
parameters of tensor augmentations, which the training step applies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vqfw.data.arrays import Images
from vqfw.data.pictures import ListedAugmentation, changed
from vqfw.errors import DataError
from vqfw.kinds.augmentation import Augmentation

# Independent streams of random numbers of one seed.
_ORDER, _AUGMENTATION, _IMAGE_AUGMENTATION = 0, 1, 2

# More would wait for each other: PIL frees Python's lock only while it works.
_MOST_WORKERS = 4


class Batches:
    """Batches of training images for any step, in an order that the seed alone decides.

    Every epoch is a new permutation; an incomplete last batch is left out. A batch is
    ``{"images": uint8 (batch, height, width, channels), "params": {"0": {...}, ...}}``:
    the drawn arrays of each augmentation under its place in the list, and
    ``"active"`` bool (batch,) where it changes only a share of the images. The same
    step always gives the same bytes.

    Args:
        images: to draw from.
        batch_size: images a batch.
        seed: of the order and of the augmentations; not negative.
        augmentations: each with the share of the images that it changes.
        image_augmentations: applied to the pictures, before all others.

    Raises:
        DataError: if there are fewer images than a batch needs.
    """

    def __init__(
        self,
        images: Images,
        *,
        batch_size: int,
        seed: int,
        augmentations: Sequence[tuple[Augmentation, float]] = (),
        image_augmentations: Sequence[ListedAugmentation] = (),
    ) -> None:
        if len(images) < batch_size:
            raise DataError(
                f"{len(images):,} training images do not fill a batch of {batch_size:,}: "
                f'set "batch_size" to {max(1, len(images))} or less, or add images'
            )
        self._images = images
        self._batch_size = batch_size
        self._seed = seed
        self._augmentations = tuple(augmentations)
        self._image_augmentations = tuple(image_augmentations)

        @lru_cache(maxsize=2)  # batches that are made ahead may lie in the next epoch
        def order(epoch: int) -> NDArray[np.int64]:
            return np.random.default_rng([seed, _ORDER, epoch]).permutation(len(images))

        self._order = order

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches in one pass over the images."""
        return len(self._images) // self._batch_size

    def batch(self, step: int) -> dict[str, Any]:
        """The batch of an optimizer step.

        Args:
            step: counted from 0 over all epochs.

        Raises:
            PluginError: if an image augmentation fails.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        start = place * self._batch_size
        rows = self._order(epoch)[start : start + self._batch_size]
        images = np.asarray(self._images.pixels[rows])
        if self._image_augmentations:
            names = [self._images.ids[row] for row in rows]
            seed = [self._seed, _IMAGE_AUGMENTATION, step]
            images = changed(images, names, self._image_augmentations, seed)
        return {"images": images, "params": self._drawn(step)}

    def prefetched(
        self, first: int, last: int, threads: int = 1
    ) -> Generator[dict[str, Any]]:
        """The batches of steps ``first`` to ``last - 1``, made ahead in other threads.

        A thread makes whole batches, so their content does not depend on the number of
        threads. An error is raised with the batch that it belongs to. Closing the generator
        ends the threads.

        Args:
            first: the first step.
            last: the step after the last.
            threads: that the run may use; up to four are taken, and one without image
                augmentations.
        """
        workers = min(threads, _MOST_WORKERS) if self._image_augmentations else 1
        pool = ThreadPoolExecutor(workers, thread_name_prefix="vqfw-batches")
        try:
            ahead: deque[Future[dict[str, Any]]] = deque()
            for step in range(first, last):
                while len(ahead) <= workers and step + len(ahead) < last:
                    ahead.append(pool.submit(self.batch, step + len(ahead)))
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _drawn(self, step: int) -> dict[str, dict[str, NDArray[Any]]]:
        rng = np.random.default_rng([self._seed, _AUGMENTATION, step])
        params: dict[str, dict[str, NDArray[Any]]] = {}
        for place, (augmentation, probability) in enumerate(self._augmentations):
            drawn = dict(augmentation.draw(rng, self._batch_size))
            if probability < 1:
                drawn["active"] = rng.random(self._batch_size) < probability
            params[str(place)] = drawn
        return params
