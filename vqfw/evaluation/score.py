"""Scores of a model on images, and the difference between decoded tokens and its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vqfw.data.arrays import Images
from vqfw.evaluation.inference import Inference
from vqfw.kinds.metric import Metric, Score, Scored


@dataclass(frozen=True)
class Evaluation:
    """The scores of one pass over images.

    Args:
        scores: by metric.
        metrics: with unit and direction.
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
        """The entry of a split in ``scores.json``."""
        record: dict[str, Any] = {
            name: {
                **score._asdict(),
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
) -> Evaluation:
    """Scores a model on images; changes no variable of it.

    Args:
        inference: of the model.
        images: at least one.
        metrics: fresh ones.
    """
    tokens: list[NDArray[np.int32]] = []
    bits = 0.0
    for batch in inference.reconstruct(images.pixels):
        rows = batch.rows
        scored = Scored(
            original=np.divide(images.pixels[rows], 255.0, dtype="float32"),
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
    return Evaluation(
        scores={name: metric.result() for name, metric in metrics.items()},
        metrics=metrics,
        images=len(images),
        bits_per_image=bits / len(images),
        tokens=np.concatenate(tokens) if tokens else None,
    )


def token_difference(
    inference: Inference, images: Images, tokens: NDArray[np.int32]
) -> float:
    """The largest difference of pixels between decoded tokens and the reconstruction.

    Args:
        inference: of a model with a vocabulary.
        images: that were scored.
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
