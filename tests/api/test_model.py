"""The trained model of a run, used as any Keras model: called, built in, fitted, saved."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import vqfw
from vqfw import VQAutoencoder
from vqfw.errors import ExperimentError


@pytest.fixture
def faces(done):
    return done.images("test").pixels.astype("float32") / 255


def arrays(model):
    return [ops.convert_to_numpy(weight) for weight in model.weights]


def same(first, second):
    return all(map(np.array_equal, arrays(first), arrays(second)))


def test_the_model_of_a_run_reconstructs_like_the_run(done, faces):
    pictures = ops.convert_to_numpy(done.model(faces))
    np.testing.assert_allclose(pictures, done.reconstruct(faces), atol=1e-6)
    assert pictures.dtype == "float32"
    assert pictures.min() >= 0
    assert pictures.max() <= 1


def test_a_run_gives_one_model_and_builds_it_once(done):
    assert done.model is done.model
    assert vqfw.open_run("done").model is not done.model


@pytest.mark.processes
def test_averaged_weights_are_those_of_the_model(tiny):
    run = tiny("training.weight_averaging=0.9").run("averaged", quiet=True)
    faces = run.images("test").pixels.astype("float32") / 255
    pictures = ops.convert_to_numpy(run.model(faces))
    np.testing.assert_allclose(pictures, run.reconstruct(faces), atol=1e-6)


def test_a_saved_model_is_loaded_with_the_same_weights_and_outputs(
    done, faces, tmp_path
):
    done.model.save(tmp_path / "faces.keras")
    loaded = keras.saving.load_model(tmp_path / "faces.keras")
    assert isinstance(loaded, VQAutoencoder)
    assert loaded.name == done.model.name
    assert same(loaded, done.model)
    pictures, again = map(ops.convert_to_numpy, (done.model(faces), loaded(faces)))
    assert np.array_equal(pictures, again)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel")
def test_an_exported_model_has_the_same_outputs(done, faces, tmp_path):
    expected = ops.convert_to_numpy(done.model(faces))
    done.model.export(tmp_path / "faces", verbose=False)
    exported = keras.layers.TFSMLayer(tmp_path / "faces", call_endpoint="serve")
    np.testing.assert_allclose(exported(faces), expected, atol=1e-6)


def test_the_config_is_the_resolved_experiment(done):
    config = done.model.get_config()
    assert config["experiment"] == done.folder.resolved
    assert json.loads(json.dumps(config)) == config
    again = VQAutoencoder.from_config(config)
    assert [each.shape for each in again.weights] == [
        each.shape for each in done.model.weights
    ]


def test_the_config_names_no_folder_of_this_machine(done):
    config = done.model.get_config()
    folder = {"type": "image_folder", "path": "/home/somebody/faces"}
    config["experiment"]["data"]["dataset"] = folder
    assert "somebody" not in json.dumps(VQAutoencoder.from_config(config).get_config())


def test_a_component_that_is_not_installed_is_named(done):
    config = done.model.get_config()
    config["experiment"]["model"]["quantizer"] = {"type": "elsewhere"}
    with pytest.raises(ExperimentError, match="elsewhere"):
        VQAutoencoder.from_config(config)


def test_building_it_keeps_names_seeds_policy_and_generators(done):
    keras.utils.set_random_seed(4)
    first = keras.random.uniform((3,))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        images = keras.Input((16, 16, 3))
        before = keras.layers.Conv2D(3, 3, padding="same")(images)
        states = random.getstate(), np.random.get_state()[1].tolist()
        with keras.name_scope("outside"):
            tokenizer = done.model
            now = random.getstate(), np.random.get_state()[1].tolist()
            named = keras.layers.Dense(1)
            named.build((None, 1))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert now == states
        assert named.kernel.path == f"outside/{named.name}/kernel"
        after = keras.layers.Conv2D(3, 3, padding="same")(tokenizer(before))
        second = vqfw.open_run("done").model(after)
        outer = keras.Model(images, second)
    finally:
        keras.config.set_dtype_policy("float32")
    names = [layer.name for layer in outer.layers]
    assert len({*names}) == len(names)
    paths = [weight.path for weight in outer.weights]
    assert len({*paths}) == len(paths)
    rest = keras.random.uniform((3,))
    keras.utils.set_random_seed(4)
    again = [keras.random.uniform((3,)), keras.random.uniform((3,))]
    assert np.array_equal(
        ops.convert_to_numpy(again), ops.convert_to_numpy([first, rest])
    )


class Around(keras.Model):
    """A subclassed model that holds a tokenizer."""

    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer
        self.last = keras.layers.Conv2D(3, 1)

    def call(self, images, training=False):
        return self.last(self.tokenizer(images, training=training))


def functional(tokenizer):
    images = keras.Input((16, 16, 3))
    return keras.Model(images, keras.layers.Conv2D(3, 1)(tokenizer(images)))


@pytest.mark.parametrize("around", [functional, Around])
def test_fitting_a_model_around_it_trains_it(around, done, faces):
    before = arrays(done.model)
    outer = around(done.model)
    outer.compile(optimizer=keras.optimizers.Adam(3e-3), loss="mse")
    losses = outer.fit(faces, faces, batch_size=6, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    after = arrays(done.model)
    assert all(np.isfinite(each).all() for each in after)
    unchanged = {
        weight.path.partition("/")[2]
        for weight, then, now in zip(done.model.weights, before, after, strict=True)
        if np.array_equal(then, now)
    }
    # Its codes follow an average of the latents, so no gradient reaches "sums".
    assert unchanged == {"beta", "quantizer/placed"}


def test_fit_changes_no_variable_of_a_frozen_model(done, faces):
    before = arrays(done.model)
    done.model.trainable = False
    outer = Around(done.model)
    outer.compile(optimizer="adam", loss="mse")
    outer.fit(faces, faces, epochs=2, verbose=0)
    assert all(map(np.array_equal, before, arrays(done.model)))


def test_training_adds_the_losses_of_the_model_and_calling_does_not(done, faces):
    done.model(faces)
    assert done.model.losses == []
    for _ in range(2):
        done.model(faces, training=True)
        output = done.model.tokenizer(ops.convert_to_tensor(faces), training=True)
        assert len(done.model.losses) == len(output.losses)


def test_integers_and_other_sizes_are_refused(done, faces):
    with pytest.raises(TypeError, match="divide by 255"):
        done.model((255 * faces).astype("uint8"))
    with pytest.raises(ValueError, match="shape"):
        done.model(faces[:, :8])


@pytest.mark.processes
def test_another_process_loads_it_where_vqfw_can_be_imported(done, tmp_path):
    done.model.save(tmp_path / "faces.keras")
    code = (
        "import keras\nfrom vqfw import VQAutoencoder\n"
        f"model = keras.saving.load_model({str(tmp_path / 'faces.keras')!r})\n"
        "print(type(model) is VQAutoencoder)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "True"
