"""Entropies of soft choices of codes: they keep each choice certain and the book in use.

A quantizer that does not search for the nearest code would use few codes. It minimizes
the entropy of each latent's choice and maximizes that of the mean choice. The difference,
``E[H(p)] - H(E[p])``, is the loss: minus the mutual information of latents and codes.
Source: Yu et al. 2023, eq. 5, https://arxiv.org/abs/2310.05737; Jansen et al. 2019,
section 3.2, https://arxiv.org/abs/1911.05894. All entropies are float32, in nats.
"""

from __future__ import annotations

from keras import ops

from vqfw.kinds.tensors import Scalar, Tensor

# A probability below any that matters and above the smallest float32.
_TINY = 1e-20


def soft_choice(similarities: Tensor, temperature: float) -> Tensor:
    """The probability with which each latent chooses each code.

    Args:
        similarities: (n, num_embeddings) dot products or negative distances.
        temperature: above 0; a lower one makes each choice more certain.

    Returns:
        (n, num_embeddings); each row sums to 1.
    """
    return ops.softmax(ops.cast(similarities, "float32") / temperature, axis=-1)


def sample_entropy(choice: Tensor) -> Scalar:
    """The mean entropy of each latent's choice: 0 where all are certain.

    Args:
        choice: (n, num_embeddings) probabilities.

    >>> float(sample_entropy(ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])))
    0.0
    """
    return ops.mean(_entropy(choice))


def codebook_entropy(choice: Tensor) -> Scalar:
    """The entropy of the mean choice: ``log(num_embeddings)`` where use is uniform.

    Args:
        choice: (n, num_embeddings) probabilities.

    >>> choice = ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> round(float(codebook_entropy(choice)), 4)
    0.6931
    """
    return _entropy(ops.mean(choice, axis=0))


def entropy_penalty(similarities: Tensor, temperature: float) -> Scalar:
    """Mean entropy of the choices minus the entropy of the mean choice.

    The minimum, ``-log(num_embeddings)``, is where each choice is certain and use uniform.

    Args:
        similarities: (n, num_embeddings), as in ``soft_choice``.
        temperature: as in ``soft_choice``.

    >>> sure = ops.convert_to_tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> round(float(ops.convert_to_numpy(entropy_penalty(sure, 0.01))), 4)
    -0.6931
    """
    choice = soft_choice(similarities, temperature)
    return sample_entropy(choice) - codebook_entropy(choice)


def bits_sample_entropy(logits: Tensor) -> Scalar:
    """The mean entropy of choices of independent bits: the sum of the bits' entropies.

    Where every combination of bits is a code, the softmax over all codes is the product
    of the probabilities of the bits, so no list of codes is needed. Source: Zhao et al.
    2024, section 4.1, https://arxiv.org/abs/2406.07548.

    Args:
        logits: (n, bits) of each bit being 1.

    >>> round(float(bits_sample_entropy(ops.zeros((5, 3)))), 4)
    2.0794
    """
    # H = softplus(l) - l sigmoid(l) is even in l; at -|l| no term is large.
    size = ops.abs(ops.cast(logits, "float32"))
    entropy = ops.softplus(-size) + size * ops.sigmoid(-size)
    return ops.mean(ops.sum(entropy, axis=-1))


def bits_codebook_entropy(logits: Tensor) -> Scalar:
    """The entropy of the mean choice over all combinations of bits, exactly.

    The probabilities of all combinations are products of those of the two halves of the
    bits, so their mean is one product of matrices. It holds n rows of twice
    ``2 ** (bits / 2)`` numbers instead of ``2 ** bits``: 1,024 for 18 bits, not 262,144.

    Args:
        logits: (n, bits) of each bit being 1.

    >>> float(bits_codebook_entropy(ops.full((5, 4), 100.0)))
    0.0
    """
    logits = ops.cast(logits, "float32")
    half = logits.shape[-1] // 2
    first, second = _combinations(logits[:, :half]), _combinations(logits[:, half:])
    together = ops.matmul(ops.transpose(first), second)
    return _entropy(ops.reshape(together / ops.sum(together), (-1,)))


def _combinations(logits: Tensor) -> Tensor:
    """(n, bits) to (n, 2 ** bits): the probability of each combination."""
    probabilities = ops.ones_like(ops.sum(logits, axis=-1, keepdims=True))
    for bit in range(logits.shape[-1]):
        one = logits[:, bit : bit + 1]
        both = ops.stack([ops.sigmoid(-one), ops.sigmoid(one)], axis=-1)
        width = 2 * probabilities.shape[-1]
        probabilities = ops.reshape(probabilities[:, :, None] * both, (-1, width))
    return probabilities


def _entropy(choice: Tensor) -> Tensor:
    """Along the last axis."""
    return ops.sum(choice * -ops.log(ops.maximum(choice, _TINY)), axis=-1)
