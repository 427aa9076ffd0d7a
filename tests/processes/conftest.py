"""An experiment into which a component of any kind fits."""

from typing import Any

import pytest


@pytest.fixture(scope="session")
def plain_experiment() -> dict[str, Any]:
    """A small experiment without revival: the template's quantizer has no codebook."""
    return {
        "name": "tiny",
        "data": {
            "dataset": {
                "type": "synthetic_faces",
                "count": 40,
                "people": 10,
                "size": 32,
            },
            "image_size": 32,
        },
        "model": {
            "type": "vqvae",
            "encoder": {"type": "residual_conv", "filters": 8, "channels": 8},
            "quantizer": {"type": "ema", "num_embeddings": 16, "embedding_dim": 8},
            "revival": None,
            "decoder": {"type": "residual_conv", "filters": 8},
        },
        "training": {"steps": 12, "batch_size": 8, "precision": "float32"},
    }
