"""Times the training step of experiments/lfw.json on random images, in each precision.

    python tests/benchmarks/lfw_step.py

Prints milliseconds a step and images a second: the median of 30 steps that take turns, so
that the ratio holds when the machine's speed drifts. Needs no data.
"""

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import vqfw
from vqfw.assembly.assemble import build_autoencoder, build_parts
from vqfw.assembly.outline import random_batches

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "lfw.json"
PRECISIONS = ("float32", "mixed_bfloat16")
STEPS = 30


def main() -> None:
    plan = vqfw.load(EXPERIMENT).plan(find_data=False)
    batch = random_batches(plan, build_parts(plan)).batch(0)
    plans = {each: replace(plan, precision=each) for each in PRECISIONS}
    models = {each: build_autoencoder(plans[each]) for each in PRECISIONS}
    times: dict[str, list[float]] = {each: [] for each in PRECISIONS}
    for _ in range(3):
        for model in models.values():
            model.train_on_batch(batch)
    for _ in range(STEPS):
        for precision, model in models.items():
            begun = time.perf_counter()
            model.train_on_batch(batch)
            times[precision].append(time.perf_counter() - begun)
    size = plan.experiment.training.batch_size
    medians = {each: statistics.median(found) for each, found in times.items()}
    print(f"{keras.backend.backend()} · {plan.threads} threads · batch {size}")
    for precision, seconds in medians.items():
        pace = size / seconds
        print(f"{precision:<15} {1000 * seconds:6.1f} ms a step   {pace:6.0f} images/s")
    ratio = medians["float32"] / medians["mixed_bfloat16"]
    print(f"bfloat16 is {ratio:.2f} times as fast as float32", file=sys.stderr)


if __name__ == "__main__":
    main()
