"""Scores on held-out images, and whether their tokens say the same as the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.data.arrays import Images
from vqfw.evaluation.inference import Inference
from vqfw.kinds.metric import Metric, Score, Scored
from vqfw.kinds.tensors import Floats


@dataclass(frozen=True)
class Evaluation:
    """What one pass over a split found.

    Args:
        scores: by metric.
        metrics: the metrics themselves, for unit and direction.
        images: how many were scored.
        bits_per_image: mean over the images.
        tokens: of all images, or None.
        crop: of other pictures than a split of the run: side of the centred square in
            their pixels, or ``none`` for the largest. None for a split.
    """

    scores: Mapping[str, Score]
    metrics: Mapping[str, Metric]
    images: int
    bits_per_image: float
    tokens: NDArray[np.int32] | None
    crop: int | Literal["none"] | None = None

    @property
    def values(self) -> dict[str, float | None]:
        """The bare scores, by metric."""
        return {name: score.value for name, score in self.scores.items()}

    def record(self) -> dict[str, Any]:
        """What ``scores.json`` keeps of a split."""
        record: dict[str, Any] = {
            name: {
                "value": score.value,
                "images": score.images,
                "interval": score.interval,
                "unit": self.metrics[name].unit,
                "better": self.metrics[name].better,
            }
            for name, score in self.scores.items()
        }
        counts = {"images": self.images, "bits_per_image": self.bits_per_image}
        cropped = {} if self.crop is None else {"crop": self.crop}
        return {**counts, **cropped, **record}


def evaluate(
    inference: Inference,
    images: Images,
    metrics: Mapping[str, Metric],
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Scores a model on images; changes no variable of it.

    Args:
        inference: of the model.
        images: at least one.
        metrics: fresh ones.
        progress: told how many images are done.
    """
    tokens: list[NDArray[np.int32]] = []
    bits = 0.0
    for batch in inference.reconstruct(images.pixels):
        rows = batch.rows
        scored = Scored(
            original=_unit(images.pixels[rows]),
            reconstruction=batch.reconstruction,
            tokens=batch.tokens,
            vocabulary=inference.model.vocabulary,
            ids=images.ids[rows],
            groups=images.groups[rows],
        )
        for metric in metrics.values():
            metric.update(scored)
        bits += float(batch.bits.sum())
        if batch.tokens is not None:
            tokens.append(batch.tokens)
        if progress is not None:
            progress(rows.stop)
    count = len(images.ids)
    return Evaluation(
        scores={name: metric.result() for name, metric in metrics.items()},
        metrics=metrics,
        images=count,
        bits_per_image=bits / count,
        tokens=np.concatenate(tokens) if tokens else None,
    )


def _unit(pixels: NDArray[np.uint8]) -> Floats:
    """0..255 bytes as [0, 1] floats."""
    return np.divide(pixels, 255.0, dtype="float32")


def token_difference(
    inference: Inference, images: Images, tokens: NDArray[np.int32]
) -> float:
    """The largest difference between decoded tokens and the model's own reconstruction.

    Args:
        inference: of a model with a vocabulary.
        images: as scored.
        tokens: of these images.

    Returns:
        In [0, 1]; 0 when both agree in every bit.
    """
    decoded = inference.decode(tokens)
    direct = inference.reconstruct(images.pixels)
    return max(
        float(np.abs(image - batch.reconstruction).max())
        for (_, image), batch in zip(decoded, direct, strict=True)
    )
