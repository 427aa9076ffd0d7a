"""A revival resets all state of the revived rows, and no other."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from vqfw.assembly.assemble import build_parts
from vqfw.assembly.outline import random_batches
from vqfw.evaluation.inference import Inference
from vqfw.kinds import Revival
from vqfw.training.revival import PROBATION, RevivalEngine, clear_moments
from vqfw.training.state import arrays_of

GRADIENT = 'model.quantizer={"type":"gradient","num_embeddings":16,"embedding_dim":8}'
MASK = np.isin(np.arange(16), (3, 8, 15))
USAGE = {f"non_trainable_variables/usage/{name}_0" for name in ("shares", "ages")}


class Chosen(Revival):
    """Revives the codes of a mask, whatever their use, and puts them at 7."""

    def __init__(self, mask):
        self.mask = mask

    def revive(self, vectors, usage, latents, rng):
        assert len(latents)
        return np.where(self.mask[:, None], 7.0, vectors), self.mask


@pytest.fixture
def trained(tiny):
    """Makes a model that took three steps, and its plan."""

    def make(*changes):
        plan = tiny(*changes).plan()
        parts = build_parts(plan)
        autoencoder, batch = parts.autoencoder, random_batches(plan, parts).batch(0)
        model = autoencoder.model
        images = np.random.default_rng(0).random((8, 16, 16, 3), "float32")
        latents = ops.convert_to_numpy(model.encode(images))
        model.codebook_quantizer.initialize(latents, 0)
        for _ in range(3):
            autoencoder.train_on_batch(batch)
        model.revival = Chosen(MASK)
        return autoencoder, plan

    return make


OPTIMIZERS = {
    "adam": ('training.optimizer={"type":"adam"}', 2),
    "sgd with momentum": ('training.optimizer={"type":"sgd","momentum":0.9}', 1),
    "lion": ('training.optimizer={"type":"lion"}', 1),
    "muon": ('training.optimizer={"type":"muon"}', 1),
}


@pytest.mark.default_cases(2)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_revival_resets_the_optimizer_moments_of_revived_rows_only(optimizer, trained):
    change, slots = OPTIMIZERS[optimizer]
    autoencoder, _ = trained(GRADIENT, change)
    # Whatever a step left there, every number is one that a reset would change.
    for variable in autoencoder.optimizer.variables:
        if variable.dtype == "float32":
            variable.assign(np.ones(variable.shape, "float32"))
    autoencoder.monitor.ages[0].assign(np.full(16, 5.0))
    before = arrays_of(autoencoder)
    RevivalEngine(autoencoder, interval=3, seed=0).before_step(3)
    after = arrays_of(autoencoder)
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    moments = {path for path in changed if path.startswith("optimizer")}
    assert len(moments) >= slots
    for path in moments:
        assert "quantizer_embeddings" in path
        assert (after[path][MASK] == 0).all()
        assert (after[path][~MASK] == 1).all()
    codes = "trainable_variables/quantizer/embeddings"
    assert changed - moments == {codes, *USAGE}
    assert (after[codes][MASK] == 7).all()
    np.testing.assert_array_equal(after[codes][~MASK], before[codes][~MASK])


def test_revival_resets_sums_and_counts_of_revived_rows_only(trained):
    autoencoder, _ = trained()
    autoencoder.monitor.ages[0].assign(np.full(16, 5.0))
    before = arrays_of(autoencoder)
    RevivalEngine(autoencoder, interval=3, seed=0).before_step(3)
    after = arrays_of(autoencoder)
    prefix = "non_trainable_variables/"
    sums, counts = f"{prefix}quantizer/sums", f"{prefix}quantizer/counts"
    changed = {path for path in before if not np.array_equal(before[path], after[path])}
    assert changed == {sums, counts, *USAGE}
    assert (after[sums][MASK] == 7).all()
    assert (after[counts][MASK] == 1).all()
    for path in changed:
        np.testing.assert_array_equal(after[path][~MASK], before[path][~MASK])


@pytest.mark.processes
def test_revival_restarts_the_weight_average_of_revived_rows(trained):
    autoencoder, _ = trained(GRADIENT, "training.weight_averaging=0.9")
    weights = autoencoder.model.trainable_variables
    place = [weight.path for weight in weights].index("quantizer/embeddings")
    codes = autoencoder.averages[place]
    before = ops.convert_to_numpy(codes)
    RevivalEngine(autoencoder, interval=3, seed=0).before_step(3)
    after = ops.convert_to_numpy(codes)
    assert (after[MASK] == 7).all()
    np.testing.assert_array_equal(after[~MASK], before[~MASK])


def test_a_revived_code_starts_at_the_threshold_of_use_with_age_0(trained):
    autoencoder, _ = trained()
    RevivalEngine(autoencoder, interval=3, seed=0).before_step(3)
    usage = autoencoder.monitor.on_host(0)
    np.testing.assert_allclose(usage.counts[MASK], 0.1 / 16, rtol=1e-5)
    assert (usage.age[MASK] == 0).all()


def test_revival_comes_at_its_interval_and_not_before_the_warm_up(trained):
    autoencoder, _ = trained()
    engine = RevivalEngine(autoencoder, interval=3, seed=0)
    assert [engine.before_step(step) for step in range(1, 8)] == [0, 0, 3, 0, 0, 3, 0]
    autoencoder.model.codebook_quantizer.warm_up = 9
    assert engine.before_step(9) == 0
    assert engine.before_step(12) == 3


def use_only(autoencoder, codes):
    shares = np.zeros(16, "float32")
    shares[codes] = 1 / len(codes)
    autoencoder.monitor.shares[0].assign(shares)
    autoencoder.monitor.mass.assign(1.0)


def test_survivors_are_counted_100_steps_after_their_revival(trained):
    autoencoder, _ = trained()
    engine = RevivalEngine(autoencoder, interval=3, seed=0)
    engine.before_step(3)
    autoencoder.model.revival = Chosen(np.zeros(16, bool))
    use_only(autoencoder, [0, 3, 8])
    engine.before_step(3 + PROBATION - 1)
    assert engine.report == {"revived": 3, "examined": 0, "survived": 0}
    assert engine.vitals == {"revived": 3}
    engine.before_step(3 + PROBATION)
    assert engine.report == {"revived": 3, "examined": 3, "survived": 2}
    assert engine.vitals == {"revived": 3, "surviving": 2 / 3}
    engine.before_step(3 + 2 * PROBATION)
    assert engine.report == {"revived": 3, "examined": 3, "survived": 2}


def test_a_code_that_is_revived_again_did_not_survive(trained):
    autoencoder, _ = trained()
    engine = RevivalEngine(autoencoder, interval=3, seed=0)
    engine.before_step(3)
    autoencoder.model.revival = Chosen(np.arange(16) == 8)
    engine.before_step(6)
    assert engine.report == {"revived": 4, "examined": 1, "survived": 0}


def test_revival_counters_continue_from_a_checkpoint(trained):
    autoencoder, _ = trained()
    engine = RevivalEngine(autoencoder, interval=3, seed=0)
    engine.before_step(3)
    other = RevivalEngine(autoencoder, interval=3, seed=0)
    other.restore(json.loads(json.dumps(engine.counters())))
    assert other.report == engine.report
    use_only(autoencoder, [0, 3, 8])
    autoencoder.model.revival = Chosen(np.zeros(16, bool))
    other.before_step(3 + PROBATION)
    assert other.report == {"revived": 3, "examined": 3, "survived": 2}


def test_moments_of_other_variables_of_the_same_shape_stay(trained):
    autoencoder, _ = trained(GRADIENT)
    other = autoencoder.model.encoder.trainable_variables[0]
    before = arrays_of(autoencoder)
    mask = np.zeros(other.shape[0], bool)
    clear_moments(autoencoder.optimizer, [other], mask)
    after = arrays_of(autoencoder)
    assert all(np.array_equal(before[path], after[path]) for path in before)


FRESH = {
    "adam": keras.optimizers.Adam,
    "sgd with momentum": lambda: keras.optimizers.SGD(momentum=0.9),
    "adagrad": keras.optimizers.Adagrad,
    "ftrl": keras.optimizers.Ftrl,
    "adagrad over two steps": lambda: keras.optimizers.Adagrad(
        gradient_accumulation_steps=2
    ),
    "scaled adagrad": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adagrad()
    ),
}


@pytest.mark.parametrize("optimizer", FRESH)
def test_cleared_moments_have_their_values_from_before_the_first_step(optimizer):
    book = keras.Variable(np.ones((4, 2), "float32"), name="book")
    used, fresh = FRESH[optimizer](), FRESH[optimizer]()
    for each in (used, fresh):
        each.build([book])
    used.apply([ops.full((4, 2), 3.0)])
    mask = np.array([True, False, True, False])
    slots = [
        (ops.convert_to_numpy(slot), slot, ops.convert_to_numpy(begun))
        for slot, begun in zip(used.variables, fresh.variables, strict=True)
        if tuple(slot.shape) == (4, 2)
    ]
    clear_moments(used, [book], mask)
    assert slots
    for before, slot, begun in slots:
        after = ops.convert_to_numpy(slot)
        np.testing.assert_array_equal(after[mask], begun[mask])
        np.testing.assert_array_equal(after[~mask], before[~mask])


def test_every_step_logs_usage_perplexity_and_dead_codes(done):
    text = (done.folder.path / "metrics.jsonl").read_text()
    steps = [line for line in map(json.loads, text.splitlines()) if "loss" in line]
    assert len(steps) == 12
    for line in steps:
        assert line["dead_codes"] == pytest.approx(16 * (1 - line["usage"]), abs=1e-4)
        assert 2 ** line["entropy_bits"] == pytest.approx(line["perplexity"], rel=1e-4)
        assert 1 / 16 <= line["largest_share"] <= 1
        assert line["beta"] == 0.25
        assert line["revived"] >= 0


def test_evaluation_changes_no_variable(trained):
    autoencoder, _ = trained()
    before = arrays_of(autoencoder)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), "uint8")
    batches = list(Inference(autoencoder.model, 4).reconstruct(pixels))
    assert sum(len(batch.bits) for batch in batches) == 5
    after = arrays_of(autoencoder)
    assert all(before[path].tobytes() == after[path].tobytes() for path in before)


def test_a_revival_without_codebooks_is_a_warning_of_its_run(tiny, capsys):
    changes = ("model.quantizer=fsq", "model.revival=perturb_active")
    run = tiny(*changes, "training.steps=2").run()
    idle = 'revival "perturb_active" is idle: quantizer "fsq" has no codebooks'
    assert capsys.readouterr().err.count(idle) == 1
    assert run.trained.revival == {}
