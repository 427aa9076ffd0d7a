"""Trains small autoencoders for ten steps and prints their losses as JSON.

Run as ``python ten_steps.py start.npz``; weights and images come from NumPy alone, so
that every backend starts from the same numbers.
"""

import json
import sys

import keras
import numpy as np

from vqfw.assembly.autoencoder import Autoencoder, WeightedLoss
from vqfw.registry import build

IMAGE_SHAPE = (16, 16, 3)
BATCH = 4
STEPS = 10
SUPPLIED = {"seed": 0, "image_shape": IMAGE_SHAPE, "downsampling": 4, "steps": STEPS}
NETWORK = {
    "type": "residual_conv",
    "filters": 8,
    "residual_filters": 4,
    "residual_blocks": 1,
}
QUANTIZERS = ("gradient", "ema")


def made(quantizer):
    """A compiled autoencoder; what it is does not depend on the backend."""
    keras.utils.clear_session(free_memory=False)
    code = {"type": quantizer, "num_embeddings": 16, "embedding_dim": 8}
    model = build(
        "model",
        {
            "type": "vqvae",
            "encoder": {**NETWORK, "channels": 8, "downsampling": 4},
            "quantizer": {**code, "initialization": "random"},
            "decoder": NETWORK,
            "revival": None,
            "beta": {"type": "usage_adaptive"},
        },
        SUPPLIED,
    )
    model.build((None, *IMAGE_SHAPE))
    mse = WeightedLoss("mse", 1.0, build("loss", {"type": "mse"}, SUPPLIED))
    autoencoder = Autoencoder(model, [mse], [], 64.0, BATCH, IMAGE_SHAPE)
    optimizer = keras.optimizers.Adam(4e-4)
    compiles = keras.backend.backend() == "jax"
    autoencoder.compile(optimizer=optimizer, jit_compile=compiles)
    optimizer.build(autoencoder.trainable_variables)
    return autoencoder


def start_of(variables):
    """Starting values by path, from a seed and NumPy."""
    rng = np.random.default_rng(0)
    values = {}
    for variable in sorted(variables, key=lambda each: each.path):
        fan_in = int(np.prod(variable.shape[:-1])) or 1
        scale = 0.5 if "quantizer" in variable.path else fan_in**-0.5
        values[variable.path] = scale * rng.normal(size=variable.shape)
    return {path: value.astype("float32") for path, value in values.items()}


def started(variables):
    """What training starts from: trained weights, and the sums of the moving average."""
    return [v for v in variables if v.trainable or v.path.endswith("/sums")]


def write(path):
    """Writes the starting values of all quantizers, and the images."""
    values = {}
    for quantizer in QUANTIZERS:
        start = start_of(started(made(quantizer).model.variables))
        values |= {f"{quantizer}:{name}": value for name, value in start.items()}
    images = np.random.default_rng(1).integers(
        256, size=(STEPS, BATCH, *IMAGE_SHAPE), dtype="uint8"
    )
    np.savez(path, images=images, **values)


def losses(quantizer, start):
    """The loss of each of ten steps."""
    autoencoder = made(quantizer)
    model = autoencoder.model
    for variable in started(model.variables):
        variable.assign(start[f"{quantizer}:{variable.path}"])
    # Places the codes, which "random" leaves where they are.
    model.codebook_quantizer.initialize(np.zeros((1, 1, 1, 8), "float32"), seed=0)
    return [
        float(
            autoencoder.train_on_batch(
                {"images": images, "params": {}}, return_dict=True
            )["loss"]
        )
        for images in start["images"]
    ]


if __name__ == "__main__":
    found = np.load(sys.argv[1], allow_pickle=False)
    print(json.dumps({quantizer: losses(quantizer, found) for quantizer in QUANTIZERS}))
