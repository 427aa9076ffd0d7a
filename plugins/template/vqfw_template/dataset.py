import numpy as np

from vqfw.kinds import Count, Dataset, Drawn


class Template(Dataset):
    """Draws discs of every grey and size; each group is a grey.

    Args:
        count: How many.
        size: Pixels along one side.
    """

    channels = 1

    def __init__(self, count: Count = 200, size: Count = 64) -> None:
        self.count, self.size = count, size

    def records(self):
        for number in range(self.count):
            yield Drawn(f"{number}.png", f"grey {number % 20}", self.disc(number))

    def disc(self, number):
        rng = np.random.default_rng(number)
        x, y, radius = rng.uniform((0.3, 0.3, 0.1), (0.7, 0.7, 0.3)) * self.size
        rows, columns = np.mgrid[: self.size, : self.size]
        inside = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
        return (inside[..., None] * (50 + 10 * (number % 20))).astype("uint8")

    def fingerprint(self):
        return f"discs 1 {self.count} {self.size}"
