"""The whole state of a training, as flat arrays and back.

This is Keras' state tree: weights, optimizer, metrics and seed generators. Weight files of
Keras lack the last two, so that a resumed run would draw other random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from vqfw.errors import CheckpointError, NonFiniteError

Arrays = dict[str, NDArray[Any]]


def arrays_of(model: keras.Model) -> Arrays:
    """Every variable of a compiled model, by its path in the state tree."""
    tree = model.get_state_tree(value_format="numpy_array")
    leaves = keras.tree.flatten_with_path(tree)
    return {"/".join(path): np.asarray(value) for path, value in leaves}


def restore(model: keras.Model, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Fills a compiled and built model with a saved state.

    Raises:
        CheckpointError: before anything is changed, if a variable is missing, left over
            or of another shape.
    """
    present = arrays_of(model)
    missing = sorted(present.keys() - arrays.keys())
    unknown = sorted(arrays.keys() - present.keys())
    if missing or unknown:
        raise CheckpointError(
            f"the checkpoint does not fit the model: missing {missing[:3] or 'nothing'}, "
            f"unknown {unknown[:3] or 'nothing'}; was the code changed since?"
        )
    for path, value in present.items():
        if value.shape != arrays[path].shape:
            raise CheckpointError(
                f"the checkpoint does not fit the model: {path} has shape "
                f"{arrays[path].shape} in it and {value.shape} in the model"
            )
    model.set_state_tree(_nested(arrays))


def require_finite(arrays: Arrays) -> None:
    """Refuses to commit a state that is not finite.

    Raises:
        NonFiniteError: naming the first variable with a NaN or an infinity.
    """
    for path, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise NonFiniteError(
                f"{path} is not finite: lower the learning rate, or clip gradients "
                'with "global_clipnorm" in training.optimizer'
            )


def _nested(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in arrays.items():
        *folders, name = path.split("/")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        branch[name] = value
    return tree
