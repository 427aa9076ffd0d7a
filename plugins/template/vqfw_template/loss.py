from keras import ops

from vqfw.kinds import Loss, Positive


class Template(Loss):
    """Charbonnier loss: the absolute error, rounded off near zero.

    Args:
        radius: Errors far below this count as their square, those far above as they are.
    """

    def __init__(self, radius: Positive = 0.01) -> None:
        self.radius = radius

    def __call__(self, original, reconstruction):
        error = ops.cast(original, "float32") - ops.cast(reconstruction, "float32")
        return ops.mean(ops.sqrt(ops.square(error) + self.radius**2), axis=(1, 2, 3))
