"""Pictures and scores use the averaged weights; training continues with the last ones."""

import numpy as np
import pytest
from keras import ops

from vqfw.assembly.assemble import build_autoencoder, build_parts
from vqfw.assembly.outline import random_batches


def weights_of(autoencoder):
    weights = autoencoder.model.trainable_variables
    return [np.array(ops.convert_to_numpy(weight)) for weight in weights]


@pytest.fixture
def stepped(tiny):
    """An autoencoder after three steps, and its weights at the start of each."""
    plan = tiny("training.weight_averaging=0.2").plan()
    parts = build_parts(plan)
    autoencoder, batch = parts.autoencoder, random_batches(plan, parts).batch(0)
    seen = []
    for _ in range(3):
        seen.append(weights_of(autoencoder))
        autoencoder.train_on_batch(batch)
    return autoencoder, seen


def test_each_step_averages_the_weights_it_begins_with(stepped):
    autoencoder, seen = stepped
    expected = seen[0]
    for step, weights in enumerate(seen):
        keep = min(0.2, (1 + step) / (10 + step))
        pairs = zip(expected, weights, strict=True)
        expected = [keep * a + (1 - keep) * w for a, w in pairs]
    for average, value in zip(autoencoder.averages, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(average), value, atol=1e-6)


def test_after_averaged_the_model_has_its_last_weights_again(stepped):
    autoencoder, _ = stepped
    before = weights_of(autoencoder)
    with autoencoder.averaged():
        inside = weights_of(autoencoder)
    after = weights_of(autoencoder)
    assert any((a != b).any() for a, b in zip(before, inside, strict=True))
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


@pytest.mark.processes
def test_a_run_is_scored_and_evaluated_with_averaged_weights(tiny):
    changes = ("training.steps=8", "training.checkpoint_every=8")
    plain = tiny(*changes).run()
    averaged = tiny(*changes, "training.weight_averaging=0.5").run()
    value = averaged.scores["test"]["psnr"]["value"]
    assert value != plain.scores["test"]["psnr"]["value"]
    assert averaged.evaluate().values["psnr"] == value


def test_without_weight_averaging_there_are_no_averages(tiny):
    autoencoder = build_autoencoder(tiny().plan())
    assert autoencoder.averages == []
