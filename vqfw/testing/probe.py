"""State, gradients and compiled calls of a layer, on every backend.

Gradients are the change of a step of plain gradient descent, with the layer's input as one
more weight.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.kinds.tensors import Floats, Scalar, Tensor
from vqfw.testing.check import explained, require

Objective = Callable[[Any], Scalar]
"""From the output of the layer to the scalar that is minimized."""
Arrays = dict[str, NDArray[Any]]


class Probe(keras.Model):
    """A layer behind an input that is a weight.

    Args:
        layer: the layer to examine; called as ``layer(inputs, training=...)``.
        inputs: float32, its inputs.
        objective: from its output to a scalar.
    """

    def __init__(
        self, layer: keras.layers.Layer, inputs: Floats, objective: Objective
    ) -> None:
        super().__init__(name="probe", dtype="float32")
        self.examined = layer
        self.objective = objective
        self.given = self.add_weight(
            shape=inputs.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(inputs, dtype),
            name="given",
        )
        if not layer.built:
            layer.build((None, *inputs.shape[1:]))
        self.built = True

    def call(self, batch: Tensor, training: bool = False) -> Any:
        """The output of the layer for its input; the batch is ignored."""
        # A copy: TensorFlow may update the weight while the gradients still read it.
        return self.examined(1.0 * self.given, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Scalar:
        """The objective, joined to the input, so that there is always a gradient."""
        return self.objective(y_pred) + 0.0 * ops.sum(self.given)


def gradients(
    layer: keras.layers.Layer,
    inputs: Floats,
    objective: Objective,
    step: float = 1.0,
    compiled: bool = False,
    kind: type[keras.optimizers.Optimizer] = keras.optimizers.SGD,
) -> tuple[Floats, dict[str, Floats]]:
    """Takes one training step and reads the gradients off it.

    Args:
        layer: left as the step made it.
        inputs: (batch, ...) float32.
        objective: from the layer's output to a scalar.
        step: length of the step; a longer one shows smaller gradients.
        compiled: whether to compile the step as training does.
        kind: the optimizer; with another one than ``SGD`` its changes are returned in
            place of the gradients.

    Returns:
        The gradient of the objective with respect to the inputs, and those with respect
        to the layer's trained variables by path.
    """
    probe = Probe(layer, inputs, objective)
    probe.compile(
        optimizer=kind(step),
        jit_compile=compiled and keras.backend.backend() == "jax",
        run_eagerly=not compiled,
    )
    before = state(probe)
    with _unreached_allowed():
        probe.train_on_batch(np.zeros((1, 1), "float32"))
    after = state(probe)
    found: dict[str, Floats] = {
        weight.path: ((before[weight.path] - after[weight.path]) / step).astype(
            "float32"
        )
        for weight in probe.trainable_variables
    }
    return found.pop(probe.given.path), found


def descend(
    layer: keras.layers.Layer, inputs: Floats, objective: Objective, steps: int
) -> None:
    """Trains a layer on the same inputs for a few steps of Adam.

    Args:
        layer: left as the steps made it.
        inputs: (batch, ...) float32; they stay as they are.
        objective: from the layer's output to a scalar.
        steps: how many.
    """
    probe = Probe(layer, inputs, objective)
    compiles = keras.backend.backend() == "jax"  # where single operations are slow
    adam = keras.optimizers.Adam(0.01)
    probe.compile(optimizer=adam, jit_compile=compiles, run_eagerly=not compiles)
    with _unreached_allowed():
        for _ in range(steps):
            probe.given.assign(inputs)
            probe.train_on_batch(np.zeros((1, 1), "float32"))


def predicted(layer: keras.layers.Layer, inputs: Floats) -> Any:
    """The output of the layer in a compiled evaluation, as NumPy arrays."""
    probe = Probe(layer, inputs, lambda output: ops.zeros(()))
    probe.compile(jit_compile=keras.backend.backend() == "jax")
    rows = np.zeros((len(inputs), 1), "float32")
    return arrays(probe.predict_on_batch(rows))


@contextmanager
def _unreached_allowed() -> Iterator[None]:
    """Silences the warning on variables that a loss does not reach."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        yield


def state(layer: keras.layers.Layer) -> Arrays:
    """Copies of all variables of a layer, by path."""
    return {each.path: ops.convert_to_numpy(each).copy() for each in layer.variables}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Paths whose values differ, bit by bit."""
    return [
        path
        for path in after
        if path not in before or not np.array_equal(before[path], after[path])
    ]


def require_unchanged(
    layer: keras.layers.Layer, evaluate: Callable[[], object], repair: str
) -> None:
    """Requires that an evaluation leaves every variable of a layer as it was."""
    before = state(layer)
    evaluate()
    moved = changed(before, state(layer))
    require(not moved, f"evaluation changed {', '.join(moved)}: {repair}")


def require_own_names(layer: keras.layers.Layer, repair: str) -> None:
    """Requires that no two variables of a layer have one path."""
    paths = [variable.path for variable in layer.variables]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    require(not twice, f"several variables are called {', '.join(twice)}: {repair}")


def require_same(one: Any, other: Any, complaint: str) -> None:
    """Requires two structures of arrays to be equal bit by bit."""
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    require(all(np.array_equal(a, b) for a, b in pairs), complaint)


def compiling() -> AbstractContextManager[None]:
    """Explains an exception of a compiled call to the author of a component."""
    return explained(
        "it works eagerly but not compiled",
        "use keras.ops alone, ops.where instead of if, and no NumPy",
    )


def copy_state(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Fills a layer with the values of another one that was made in the same way."""
    for value, variable in zip(source.variables, target.variables, strict=True):
        variable.assign(ops.convert_to_numpy(value))


def arrays(structure: Any) -> Any:
    """The same structure with NumPy arrays in place of tensors; None stays None."""
    return keras.tree.map_structure(
        lambda leaf: None if leaf is None else ops.convert_to_numpy(leaf), structure
    )
