"""Names of arrays for signatures, with their axes and ranges.

They are Keras tensors of any backend, or NumPy arrays where the text says so.
``positions`` are the two axes of the latent grid; of tokens, those of its cells, which are
one latent each in most quantizers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensor: TypeAlias = Any
"""A tensor of the active Keras backend."""
Images: TypeAlias = Any
"""(batch, height, width, channels) float, in [0, 1]."""
Latents: TypeAlias = Any
"""(batch, *positions, channels) float."""
Tokens: TypeAlias = Any
"""(batch, *positions, num_codebooks) int32."""
Vectors: TypeAlias = Any
"""(num_embeddings, embedding_dim) float32: the codes of one codebook, a row each."""
Scalar: TypeAlias = Any
"""() float32."""
PerImage: TypeAlias = Any
"""(batch,) float32: a number per image."""

Floats: TypeAlias = NDArray[np.float32]
"""A NumPy array on the host."""
Mask: TypeAlias = NDArray[np.bool_]
"""A NumPy array of booleans."""
