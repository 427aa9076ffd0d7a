"""Times a quantizer's training call beside vector-quantize-pytorch on the same latents.

    python -m pip install --no-deps --target rival vector-quantize-pytorch==1.32.* einops einx frozendict loguru torch-einops-utils
    PYTHONPATH=rival python tests/benchmarks/quantizer_step.py

512 codes, 8,192 latents of 64 dimensions, the call and its moving average, compiled as
training compiles it. Steps take turns, so that the ratio holds when the machine's speed
drifts; without the rival only ours is timed.
"""

import importlib.util
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops

from vqfw.registry import build

CODES, DIMENSIONS, GRID = 512, 64, (32, 16, 16)
ROUNDS = 60


def main() -> None:
    latents = np.random.default_rng(0).normal(size=(*GRID, DIMENSIONS))
    sides = {"vqfw": _of_vqfw(latents.astype("float32"))}
    if importlib.util.find_spec("vector_quantize_pytorch"):
        sides["vector-quantize-pytorch"] = _of_rival(latents.astype("float32"))
    times: dict[str, list[float]] = {side: [] for side in sides}
    for step in [*sides.values()] * 5:
        step()
    for _ in range(ROUNDS):
        for side, step in sides.items():
            begun = time.perf_counter()
            step()
            times[side].append(time.perf_counter() - begun)
    print(f"{keras.backend.backend()} · {ROUNDS} pairs")
    for side, found in times.items():
        print(f"{side:<24} {1000 * statistics.median(found):7.2f} ms a step")
    if len(times) == 1:
        print("the rival is not installed; how to is said at the top of this file")
        return
    ours, theirs = times.values()
    pairs = [their / our for our, their in zip(ours, theirs, strict=True)]
    print(f"vqfw is {statistics.median(pairs):.2f} times as fast, by the median pair")


def _of_vqfw(latents):
    quantizer = build(
        "quantizer",
        {
            "type": "ema",
            "num_embeddings": CODES,
            "embedding_dim": DIMENSIONS,
            "initialization": "random",
        },
        {"seed": 0},
    )
    quantizer.build((None, *GRID[1:], DIMENSIONS))
    quantizer.initialize(latents[:1, :1, :1], 0)
    given = ops.convert_to_tensor(latents)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda: quantizer(given, training=True).latents)
        return lambda: call().numpy()
    if backend == "torch":
        return lambda: quantizer(given, training=True).latents.detach().numpy()
    import jax

    stateless = jax.jit(
        lambda state: quantizer.stateless_call([], state, given, training=True)
    )
    state = [variable.value for variable in quantizer.non_trainable_variables]

    def step():
        nonlocal state
        found, state = stateless(state)
        return np.asarray(found.latents)

    return step


def _of_rival(latents):
    import torch
    from vector_quantize_pytorch import VectorQuantize

    quantizer = VectorQuantize(
        dim=DIMENSIONS, codebook_size=CODES, decay=0.99, rotation_trick=False
    )
    quantizer.train()
    given = torch.from_numpy(latents.reshape(GRID[0], -1, DIMENSIONS))
    return lambda: quantizer(given)[0].detach().numpy()


if __name__ == "__main__":
    main()
