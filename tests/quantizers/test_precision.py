"""A quantizer computes in float32, whatever precision the networks around it have."""

from __future__ import annotations

import keras
import pytest

from vqfw.kinds.precision import policy
from vqfw.testing.quantizer import a_mixed_policy_changes_nothing

SOURCE = """
import keras
from keras import ops
from vqfw.kinds import Quantized, Quantizer

class Mapped(Quantizer):
    vocabulary = (16,)

    def __init__(self) -> None:
        super().__init__()
        self.into = keras.layers.Dense(4, name="into")

    def build(self, shape):
        self.into.build(shape)
        self.out = keras.layers.Dense(shape[-1], name="out")
        self.out.build((*shape[:-1], 4))
        normal = keras.initializers.RandomNormal(seed=0)
        self.vectors = self.add_weight((16, 4), normal, name="vectors")

    def embed(self, tokens):
        return self.out(ops.take(self.vectors, tokens[..., 0], axis=0))

    def call(self, latents, training=False):
        mapped = self.into(latents)
        near = mapped @ ops.transpose(self.vectors)
        tokens = ops.argmax(near, axis=-1, keepdims=True)
        found = Quantized.of(latents, self.embed(tokens), tokens, training)
        return found._replace(auxiliary_loss=ops.mean(ops.square(mapped)))
"""


@pytest.fixture
def mapped():
    """A quantizer with layers that name no dtype."""
    scope: dict = {"__name__": __name__}
    exec(compile(SOURCE, "mapped.py", "exec"), scope)
    return scope["Mapped"]


def test_layers_inside_a_quantizer_compute_in_float32(mapped):
    made = mapped()
    with policy("mixed_bfloat16"):
        made.build((None, 4, 4, 8))
        beside = keras.layers.Dense(4)
    assert {layer.compute_dtype for layer in made._flatten_layers()} == {"float32"}
    assert beside.compute_dtype == "bfloat16"
    a_mixed_policy_changes_nothing(mapped)


@pytest.mark.processes
def test_every_quantizer_trains_in_mixed_precision(install, tiny):
    install("vqfw-mapped", SOURCE, {"vqfw.quantizers": "mapped = MODULE:Mapped"})
    run = tiny(
        "model.quantizer=mapped",
        "model.revival=null",
        "training.precision=mixed_bfloat16",
        "training.steps=2",
    ).run(name="a")
    assert run.trained.steps == 2
