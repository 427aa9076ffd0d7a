import keras
import numpy as np
import pytest
from keras import ops

from vqfw.assembly.assemble import (
    build_autoencoder,
    build_model,
    build_parts,
    codebook_fingerprint,
)
from vqfw.assembly.backend import pin_threads
from vqfw.assembly.outline import outline_of, random_batches, seconds_per_step
from vqfw.assembly.usage_monitor import UsageMonitor
from vqfw.plan import settled_threads
from vqfw.training.state import arrays_of

VAE = (
    'model={"type":"vae","encoder":{"type":"residual_conv","filters":8},'
    '"decoder":{"type":"residual_conv","filters":8}}'
)


def bits(model):
    return {path: value.tobytes() for path, value in arrays_of(model).items()}


@pytest.mark.parametrize("changes", [(), (VAE,)], ids=["vqvae", "vae"])
def test_models_built_before_change_no_name_and_no_weight(changes, tiny):
    plan = tiny(*changes).plan()
    alone = bits(build_autoencoder(plan))
    decoys = [
        keras.Sequential([keras.layers.Dense(3), keras.layers.Dropout(0.5, seed=1)]),
        keras.random.SeedGenerator(5),
        build_autoencoder(tiny("seed=9").plan()),
    ]
    decoys[0].build((None, 4))
    assert bits(build_autoencoder(plan)) == alone


def test_every_variable_has_a_path_of_its_own(tiny):
    autoencoder = build_autoencoder(tiny().plan())
    variables = [*autoencoder.variables, *autoencoder.optimizer.variables]
    paths = [variable.path for variable in variables]
    assert len(set(paths)) == len(paths)
    assert len(arrays_of(autoencoder)) >= len(paths)


def test_the_loss_is_the_weighted_sum_of_its_terms(tiny):
    changes = ('losses=[{"type":"mse","weight":4},{"type":"mae","weight":0.5}]',)
    plan = tiny(*changes).plan()
    parts = build_parts(plan)
    autoencoder, batch = parts.autoencoder, random_batches(plan, parts).batch(0)
    images, output = autoencoder(batch, training=True)
    difference = ops.convert_to_numpy(images) - ops.convert_to_numpy(
        output.reconstruction
    )
    reconstruction = 4 * np.square(difference).mean() + 0.5 * np.abs(difference).mean()
    losses = {name: float(value) for name, value in output.losses.items()}
    expected = (
        reconstruction
        + losses["codebook"]
        + 0.25 * losses["commitment"]
        + losses["auxiliary"]
    )
    loss = autoencoder.compute_loss(y_pred=(images, output))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_an_augmentation_changes_only_its_share_of_the_images(tiny):
    half = '[{"type":"horizontal_flip","probability":0.5}]'
    autoencoder = build_autoencoder(tiny(f"data.augmentations={half}").plan())
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), "uint8")
    active = np.arange(8) % 2 == 0
    params = {"0": {"flip": np.ones(8, bool), "active": active}}
    names = autoencoder.augmentations[0].draw(np.random.default_rng(0), 8)
    params["0"] = {name: np.ones_like(value) for name, value in names.items()}
    params["0"]["active"] = active
    seen, _ = autoencoder({"images": pixels, "params": params}, training=True)
    seen = np.rint(ops.convert_to_numpy(seen) * 255).astype("uint8")
    np.testing.assert_array_equal(seen[~active], pixels[~active])
    np.testing.assert_array_equal(seen[active], pixels[active][:, :, ::-1])


def test_evaluation_augments_no_image(tiny):
    autoencoder = build_autoencoder(tiny().plan())
    pixels = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), "uint8")
    seen, _ = autoencoder({"images": pixels}, training=False)
    np.testing.assert_allclose(ops.convert_to_numpy(seen), pixels / 255.0, atol=1e-6)


@pytest.mark.parametrize("size", [16, 64])
def test_usage_does_not_depend_on_the_batch_size(size):
    tokens = np.random.default_rng(0).choice(
        8, (64, 2, 2, 1), p=[0.5, 0.3, 0.2] + 5 * [0]
    )
    monitor = UsageMonitor((8,), half_life=64, batch_size=size)
    for _ in range(20):
        for start in range(0, 64, size):
            monitor.add(ops.convert_to_tensor(tokens[start : start + size]))
    usage = monitor.on_host(0)
    share = np.bincount(tokens.ravel(), minlength=8) / tokens.size
    np.testing.assert_allclose(usage.counts, share, atol=0.06)
    assert float(usage.share_active) == 3 / 8


def test_least_used_is_the_codebook_with_the_smallest_share_of_active_codes():
    monitor = UsageMonitor((4, 8), half_life=64, batch_size=8)
    busy, idle = np.arange(64) % 4, np.zeros(64, int)
    tokens = np.stack([busy, idle], axis=-1).reshape(8, 8, 2)
    monitor.add(ops.convert_to_tensor(tokens))
    assert float(monitor.usage(0).share_active) == 1
    assert float(monitor.least_used().share_active) == 1 / 8


def test_before_the_first_batch_no_code_counts_as_used():
    usage = UsageMonitor((4,), half_life=64, batch_size=8).on_host(0)
    assert usage.counts.tolist() == [0, 0, 0, 0]


def test_the_fingerprint_changes_with_a_frozen_book(tiny):
    settings = 'model.quantizer={"type":"simvq","num_embeddings":16,"embedding_dim":8}'
    model = build_model(tiny(settings).plan())
    known = codebook_fingerprint(model)
    frozen = model.quantizer.frozen
    frozen.assign(ops.convert_to_numpy(frozen) + 1e-3)
    assert codebook_fingerprint(model) != known


def test_the_fingerprint_changes_with_codebook_and_decoder(tiny):
    plan = tiny().plan()
    model = build_model(plan)
    known = codebook_fingerprint(model)
    assert codebook_fingerprint(build_model(plan)) == known
    for variable in (model.quantizer.sums, model.decoder.trainable_variables[0]):
        before = ops.convert_to_numpy(variable).copy()
        variable.assign(before + 1e-3)
        assert codebook_fingerprint(model) != known
        variable.assign(before)
    assert codebook_fingerprint(model) == known


def test_building_a_model_keeps_the_dtype_policy_of_the_process(tiny):
    before = keras.config.dtype_policy()
    model = build_model(tiny("training.precision=mixed_bfloat16").plan())
    assert keras.config.dtype_policy() == before
    assert model.encoder.dtype_policy.name == "mixed_bfloat16"
    assert model.quantizer.dtype_policy.name == "float32"


def test_an_outline_counts_parameters_tokens_and_bits(tiny):
    plan = tiny().plan()
    found = outline_of(plan)
    autoencoder = build_autoencoder(plan)
    assert found.trainable == sum(
        int(np.prod(variable.shape)) for variable in autoencoder.trainable_variables
    )
    assert found.codebook == 16 * 8
    assert found.latent_shape == (4, 4, 8)
    assert found.token_shape == (4, 4, 1)
    assert found.bits_per_image == 64
    assert found.compression == 8 * 16 * 16 * 3 / 64
    assert found.activation_bytes > 0


def test_an_outline_restores_the_call_of_keras_layers(tiny):
    before = keras.layers.Layer.__call__
    outline_of(tiny().plan())
    assert keras.layers.Layer.__call__ is before


def test_seconds_per_step_are_measured(tiny):
    assert seconds_per_step(tiny().plan()) > 0


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow fixes its threads"
)
def test_threads_that_tensorflow_has_fixed_otherwise_are_a_warning(tiny):
    build_model(tiny().plan())  # the first operation of the process, at the latest
    pin_threads(settled_threads(None))
    with pytest.warns(UserWarning, match='"threads": 77 has no effect'):
        pin_threads(77)
