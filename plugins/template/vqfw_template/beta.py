from keras import ops

from vqfw.kinds import BetaScheduler, Steps, Weight


class Template(BetaScheduler):
    """Moves the commitment weight from 0 to its end along half a cosine.

    Args:
        end: The weight at the end.
        steps: Optimizer steps until then.
    """

    initial = 0.0

    def __init__(self, end: Weight = 0.25, steps: Steps = 1000) -> None:
        self.end, self.steps = end, steps

    def __call__(self, step, usage, previous):
        progress = ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)
        return self.end * 0.5 * (1.0 - ops.cos(3.14159265 * progress))
