"""Finds trainable weights that no optimizer is given, and so would never be trained.

Keras trains the variables of the layers that it tracks: attributes of a layer, and lists and
dictionaries of layers. It silently overlooks a layer held by any other object, such as a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import keras
import numpy as np

from vqfw.kinds.loss import Loss

_FREEZE = "set trainable = False on their layer"
REMEDY = {
    "model": f"{_FREEZE}, or make it an attribute of a Keras layer, or an item of a list or "
    "dictionary that is one",
    "loss": f"{_FREEZE}; trained weights belong in the model",
    "augmentation": f"{_FREEZE}; no gradient reaches an augmentation",
}
"""What a plugin author can do, by kind of component."""

# Objects of these packages hold no layers, and their graphs are large.
_CLOSED = frozenset({"builtins", "jax", "jaxlib", "numpy", "tensorflow", "torch"})
_LEAVES = (str, bytes, type, ModuleType, FunctionType)


def untrained_paths(component: Any, trained: Iterable[Any]) -> list[str]:
    """Paths of trainable variables of a component that the optimizer is not given, sorted.

    Args:
        component: built; searched through all that its attributes hold.
        trained: the variables that the optimizer is given.
    """
    given = {id(variable) for variable in trained}
    variables = (x for x in _held(component) if isinstance(x, keras.Variable))
    return sorted(x.path for x in variables if x.trainable and id(x) not in given)


def wake(loss: Loss, image_shape: tuple[int, ...]) -> None:
    """Calls a loss once on an empty image where it holds layers that have no weights yet.

    Args:
        loss: any.
        image_shape: (height, width, channels).
    """
    layers = (each for each in _held(loss) if isinstance(each, keras.layers.Layer))
    if any(not layer.built for layer in layers):
        image = keras.ops.convert_to_tensor(np.zeros((1, *image_shape), "float32"))
        loss(image, image)


def _held(root: Any) -> Iterator[Any]:
    """An object and all that it holds, each once."""
    waiting, visited = [root], dict[int, Any]()
    while waiting:
        holder = waiting.pop()
        if id(holder) in visited or isinstance(holder, _LEAVES):
            continue
        visited[id(holder)] = holder  # kept, so that no other object gets its id
        yield holder
        waiting += _children(holder)


def _children(holder: Any) -> Iterable[Any]:
    if isinstance(holder, keras.Variable | keras.KerasTensor):
        return ()
    if isinstance(holder, Mapping):
        return holder.values()
    if isinstance(holder, list | tuple | set | frozenset):
        return holder
    if isinstance(holder, MethodType):
        return (holder.__self__,)
    if isinstance(holder, partial):
        return (holder.func, *holder.args, *holder.keywords.values())
    if type(holder).__module__.partition(".")[0] in _CLOSED:
        return ()
    return getattr(holder, "__dict__", {}).values()
