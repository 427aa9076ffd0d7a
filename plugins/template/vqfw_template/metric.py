import numpy as np

from vqfw.kinds import Metric, Score


class Template(Metric):
    """Mean over the images of the largest error of each one, from 0 to 1."""

    better = "lower"

    def __init__(self) -> None:
        self.errors: list[float] = []

    def update(self, scored):
        error = np.abs(scored.original - scored.reconstruction)
        self.errors += error.max(axis=(1, 2, 3)).tolist()

    def result(self):
        value = float(np.mean(self.errors)) if self.errors else None
        return Score(value, len(self.errors))
