"""Trainable weights that no optimizer is given are refused before the first step."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import pytest

from vqfw.assembly.untrained import untrained_paths, wake
from vqfw.errors import PluginError
from vqfw.kinds import Loss


def dense(built=True, **options):
    layer = keras.layers.Dense(2, **options)
    if built:
        layer.build((None, 3))
    return layer


@pytest.mark.parametrize(
    "holder",
    [
        lambda layer: layer,
        lambda layer: [layer],
        lambda layer: {"a": ({"b": layer},)},
        lambda layer: SimpleNamespace(part=layer),
        lambda layer: layer.kernel,
        lambda layer: layer.__call__,
        lambda layer: keras.Sequential([layer]),
    ],
    ids=["attribute", "list", "nested", "object", "variable", "method", "model"],
)
def test_trainable_weights_are_found_wherever_a_loss_holds_them(holder):
    layer = dense()
    loss = SimpleNamespace(held=holder(layer))
    assert layer.kernel.path in untrained_paths(loss, [])
    assert untrained_paths(loss, layer.trainable_variables) == []
    layer.trainable = False
    assert untrained_paths(loss, []) == []


def test_a_loss_whose_layers_have_no_weights_yet_is_called_once():
    class Mapped(Loss):
        def __init__(self):
            self.map, self.calls = dense(built=False), 0

        def __call__(self, original, reconstruction):
            self.calls += 1
            self.map(original)

    loss = Mapped()
    for _ in range(2):
        wake(loss, (4, 4, 3))
    assert loss.calls == 1
    assert len(untrained_paths(loss, [])) == 2


LOSS = """
import keras
from keras import ops
from vqfw.kinds import Loss

class Learned(Loss):
    def __init__(self) -> None:
        self.parts = [keras.layers.Dense(2)]

    def __call__(self, original, reconstruction):
        apart = self.parts[0](original) - self.parts[0](reconstruction)
        return ops.mean(ops.square(apart), axis=(1, 2, 3))
"""
AUGMENTATION = """
import keras
import numpy as np
from vqfw.kinds import Augmentation

class Learned(keras.layers.Layer, Augmentation):
    def __init__(self) -> None:
        super().__init__()
        self.gain = self.add_weight(shape=(), name="gain")

    def draw(self, rng, count):
        return {"none": np.zeros(count, "float32")}

    def apply(self, images, params):
        return images * self.gain
"""
MODEL = """
from types import SimpleNamespace
import keras
from vqfw.kinds import Encoder

class Learned(Encoder):
    downsampling, channels = 4, 8

    def __init__(self) -> None:
        super().__init__()
        self.parts = SimpleNamespace(map=keras.layers.Conv2D(8, 4, 4))

    def call(self, images, training=False):
        return self.parts.map(images)
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    ("group", "source", "change", "told"),
    [
        ("losses", LOSS, 'losses=["learned"]', "trained weights belong in"),
        (
            "augmentations",
            AUGMENTATION,
            'data.augmentations=["learned"]',
            "no gradient reaches an augmentation",
        ),
        ("encoders", MODEL, "model.encoder=learned", "an attribute of a Keras layer"),
    ],
)
def test_trainable_weights_that_are_never_trained_end_a_run_before_its_first_step(
    group, source, change, told, install, tiny, root
):
    install("vqfw-learned", source, {f"vqfw.{group}": "learned = MODULE:Learned"})
    with pytest.raises(PluginError, match="never trained") as caught:
        tiny(change).run(name="a")
    assert told in str(caught.value)
    assert not (root / "checkpoints" / "a").exists()


@pytest.mark.processes
def test_a_loss_may_hold_frozen_weights(install, tiny):
    frozen = LOSS.replace("Dense(2)", "Dense(2, trainable=False)")
    install("vqfw-learned", frozen, {"vqfw.losses": "learned = MODULE:Learned"})
    run = tiny('losses=["learned"]', "training.steps=2").run(name="a")
    assert run.trained.steps == 2
