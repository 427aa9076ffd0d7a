"""The entropy term that keeps a soft choice sure of itself and the whole book in use."""

from __future__ import annotations

from keras import ops

from vqfw.kinds.tensors import Scalar, Tensor


def entropy_penalty(logits: Tensor, temperature: float) -> Scalar:
    """Mean entropy of the choices, less the entropy of the mean choice; in nats.

    ``E[H(p | z)] - H(E[p])`` is lowest, at ``-log(num_embeddings)``, where each latent is
    sure of its code and all codes are chosen alike. Source: Yu et al. 2023, section 3.1,
    https://arxiv.org/abs/2310.05737.

    Args:
        logits: (n, num_embeddings) float32.
        temperature: above 0; divides the logits.

    >>> sure = entropy_penalty(ops.array([[1.0, 0.0], [0.0, 1.0]]), 0.01)
    >>> round(float(ops.convert_to_numpy(sure)), 4)
    -0.6931
    """
    log_shares = ops.log_softmax(logits / temperature, axis=-1)
    shares = ops.exp(log_shares)
    of_each = -ops.mean(ops.sum(shares * log_shares, axis=-1))
    together = ops.mean(shares, axis=0)
    of_all = -ops.sum(together * ops.log(ops.maximum(together, 1e-30)))
    return of_each - of_all
