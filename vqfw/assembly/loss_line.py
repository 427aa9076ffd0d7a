"""The loss line: the one place where losses are added up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from keras import ops

from vqfw.kinds.loss import Loss
from vqfw.kinds.model import COMMITMENT, Output
from vqfw.kinds.tensors import Images, Scalar


class WeightedLoss(NamedTuple):
    """A reconstruction term and its factor in the sum."""

    name: str
    weight: float
    loss: Loss


class Total(NamedTuple):
    """The loss of a step, and the weighted reconstruction terms in it."""

    loss: Scalar
    reconstruction: Scalar


def total_loss(
    terms: Iterable[WeightedLoss], images: Images, output: Output, beta: Scalar
) -> Total:
    """Σ weight · term + codebook + beta · commitment + auxiliary.

    Args:
        terms: compare the images with their reconstruction.
        images: (batch, height, width, channels) in [0, 1].
        output: of the model for these images; its own losses count once, the
            commitment loss ``beta`` times.
        beta: weight of the commitment loss.
    """
    reconstruction = sum(
        term.weight * ops.mean(term.loss(images, output.reconstruction))
        for term in terms
    )
    weights = {name: beta if name == COMMITMENT else 1.0 for name in output.losses}
    loss = reconstruction + sum(
        weights[name] * value for name, value in output.losses.items()
    )
    return Total(loss, reconstruction)
