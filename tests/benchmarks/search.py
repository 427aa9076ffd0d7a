"""Measures the search of the nearest code beside torch.cdist and argmin.

    python tests/benchmarks/search.py

65,536 codes and 8,192 latents of 64 dimensions: memory that each takes beyond its inputs,
and the time of searches that take turns. Each side runs in a process of its own, so that
one's peak is not the other's; without torch only ours is measured.
"""

import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CODES, LATENTS, DIMENSIONS = 65_536, 8_192, 64
ROUNDS = 3


def main() -> None:
    sides = ["vqfw", *(["torch"] if importlib.util.find_spec("torch") else [])]
    children = {side: _started(side) for side in sides}
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(ROUNDS):
        for side, child in children.items():
            times[side].append(float(_answer(child, "search")))
    medians = {side: statistics.median(found) for side, found in times.items()}
    for side, child in children.items():
        memory = float(_answer(child, "stop"))
        print(f"{side:<6} {medians[side]:7.2f} s   {memory:7.0f} MB extra")
    if "torch" in medians:
        ratio = medians["torch"] / medians["vqfw"]
        print(f"vqfw is {ratio:.2f} times as fast as torch.cdist and argmin")


def _started(side: str) -> "subprocess.Popen[str]":
    child = subprocess.Popen(
        [sys.executable, __file__, side],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    _answer(child, "ready")
    return child


def _answer(child: "subprocess.Popen[str]", question: str) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(question + "\n")
    child.stdin.flush()
    return child.stdout.readline()


def serve(side: str) -> None:
    """Answers one line a question: seconds of a search, at the end megabytes."""
    search = _of_vqfw() if side == "vqfw" else _of_torch()
    before = _peak()
    for question in sys.stdin:
        begun = time.perf_counter()
        if question.strip() == "search":
            search()
        stopped = question.strip() == "stop"
        found = _peak() - before if stopped else time.perf_counter() - begun
        print(found, flush=True)


def _arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.normal(size=(count, DIMENSIONS)).astype("float32")
        for count in (LATENTS, CODES)
    ]


def _of_vqfw():
    import keras
    from keras import ops

    from vqfw.kinds import nearest

    latents, codes = map(ops.convert_to_tensor, _arrays())
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(nearest)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(nearest)
    else:
        compiled = nearest
    ops.convert_to_numpy(compiled(latents[:64], codes[:64]))  # what any search loads
    return lambda: ops.convert_to_numpy(compiled(latents, codes))


def _of_torch():
    import torch

    latents, codes = map(torch.from_numpy, _arrays())
    torch.cdist(latents[:64], codes[:64]).argmin(dim=1)
    return lambda: torch.cdist(latents, codes).argmin(dim=1)


def _peak() -> float:
    """Megabytes at the highest point of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(sys.argv[1])
    else:
        main()
