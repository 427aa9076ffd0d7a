from keras import ops

from vqfw.kinds import Augmentation, Share


class Template(Augmentation):
    """Dims each image by a random factor.

    Args:
        darkest: The smallest factor.
    """

    def __init__(self, darkest: Share = 0.5) -> None:
        self.darkest = darkest

    def draw(self, rng, count):
        return {"factor": rng.uniform(self.darkest, 1.0, count).astype("float32")}

    def apply(self, images, params):
        return images * ops.reshape(params["factor"], (-1, 1, 1, 1))
