"""Evidence is computed from the log of a run."""

import json
import math

import numpy as np
import pytest

from vqfw.diagnosis.evidence import evidence_from, evidence_of
from vqfw.errors import RunError

RESOLVED = {
    "model": {
        "type": "vqvae",
        "quantizer": {"type": "ema", "decay": 0.9},
        "revival": {"type": "perturb_active", "interval": 10},
    },
    "training": {"batch_size": 8},
}


def series(**changes):
    steps = range(1, 41)
    found = {
        "loss": [(step, 1 / step) for step in steps],
        "reconstruction": [(step, 2 / step) for step in steps],
        "usage": [(step, 0.5 if step != 7 else 0.8) for step in steps],
        "perplexity": [(step, 9.0) for step in steps],
        "dead_codes": [(step, float(step)) for step in steps],
        "largest_share": [(step, 0.25) for step in steps],
        "commitment": [(step, 0.125) for step in steps],
        "revived": [(step, float(4 * ((step - 1) // 10))) for step in steps],
        "latent_spread": [(1, 1.0), (40, 3.0)],
    }
    return {**found, **changes}


def test_evidence_has_the_numbers_of_the_log():
    seen = evidence_from(series(), RESOLVED)
    assert seen.steps == 40
    assert (seen.usage, seen.best_usage) == (0.5, 0.8)
    assert seen.first_reconstruction == 2
    assert seen.reconstruction == pytest.approx(2 / 38.5, rel=1e-3)
    assert seen.dead_codes == 35.5
    assert seen.spread_growth == 3
    assert math.isnan(seen.beta)
    assert math.isnan(seen.relative_error)


def test_a_rise_is_measured_from_the_best_loss_before_it():
    levels = np.repeat([4.0, 1.0, 2.0, 0.5, 1.5], 8)  # 64 images
    up = list(enumerate(levels, start=1))
    assert evidence_from(series(reconstruction=up), RESOLVED).rise == 3
    down = list(enumerate(1 / np.arange(1, 50), start=1))
    assert evidence_from(series(reconstruction=down), RESOLVED).rise == 1


def test_a_rise_at_the_very_start_counts_and_a_single_step_does_not():
    values = [1.0, *[5.0] * 19]
    burst = list(enumerate(values, start=1))
    assert evidence_from(series(reconstruction=burst), RESOLVED).rise == 5
    values = [1.0] * 40
    values[25] = 9.0
    spike = list(enumerate(values, start=1))
    assert evidence_from(series(reconstruction=spike), RESOLVED).rise == 2


def test_the_loss_may_rise_when_codes_are_placed_after_a_warm_up():
    losses = [(step, 0.01 if step <= 20 else 1 / step) for step in range(1, 41)]
    late = {**RESOLVED["model"]["quantizer"], "warm_up": 20}
    warm = {**RESOLVED, "model": {**RESOLVED["model"], "quantizer": late}}
    found = series(reconstruction=losses)
    assert evidence_from(found, RESOLVED).rise > 2.5
    seen = evidence_from(found, warm)
    assert seen.rise == 1
    assert seen.visits == evidence_from(found, RESOLVED).visits - 2


def test_measurements_of_another_book_are_left_out():
    found = series(
        book=[(1, 0), (20, 1), (40, 1)],
        latent_spread=[(1, 50.0), (20, 2.0), (40, 3.0)],
    )
    assert evidence_from(found, RESOLVED).spread_growth == 1.5


def test_first_numbers_are_nan_if_another_book_was_measured_first():
    spreads = [(1, 0.1), (20, 0.2), (40, 0.3)]
    other = series(book=[(1, 0), (20, 1), (40, 1)], code_spread=spreads)
    assert math.isnan(evidence_from(other, RESOLVED).first_code_spread)
    same = series(book=[(1, 1), (20, 0), (40, 1)], code_spread=spreads)
    assert evidence_from(same, RESOLVED).first_code_spread == 0.1


def test_revived_a_visit_counts_the_visits_of_the_second_half():
    seen = evidence_from(series(), RESOLVED)
    assert (seen.revived, seen.visits) == (12, 3)
    # Visits before steps 21 and 31, after half of the steps.
    assert seen.revived_a_visit == pytest.approx((12 - 4) / 2)


def test_visits_during_a_warm_up_are_not_counted():
    late = {**RESOLVED["model"]["quantizer"], "warm_up": 10}
    warm = {**RESOLVED, "model": {**RESOLVED["model"], "quantizer": late}}
    revived = [(step, float(4 * max(0, (step - 1) // 10 - 1))) for step in range(1, 41)]
    seen = evidence_from(series(revived=revived), warm)
    assert (seen.revived, seen.visits) == (8, 2)
    # Both visits, before steps 21 and 31, are in the second half.
    assert seen.revived_a_visit == 4


def test_revived_a_visit_is_a_mean_over_codebooks():
    seen = evidence_from(series(books=[(1, 4), (40, 4)]), RESOLVED)
    assert seen.revived == 12
    assert seen.revived_a_visit == pytest.approx((12 - 4) / 2 / 4)


def test_without_revival_its_numbers_are_unknown():
    resolved = {**RESOLVED, "model": {**RESOLVED["model"], "revival": None}}
    seen = evidence_from(series(), resolved)
    assert math.isnan(seen.revived)
    path = seen.path_of("revival", "model")
    assert path is not None
    assert seen.settings[path] is None


def test_the_option_nearest_to_the_root_of_a_component_is_found_first():
    seen = evidence_from(series(), RESOLVED)
    assert seen.path_of("decay", "model.quantizer") == "model.quantizer.decay"
    assert seen.path_of("decay", "training") is None
    inner = {"type": "residual", "quantizer": {"decay": 0.5}, "decay": 0.8}
    wrapped = {**RESOLVED, "model": {**RESOLVED["model"], "quantizer": inner}}
    path = evidence_from(series(), wrapped).path_of("decay", "model.quantizer")
    assert path == "model.quantizer.decay"


def test_unknown_numbers_are_null_in_json():
    seen = evidence_from(series(), RESOLVED)
    data = json.loads(json.dumps(seen.as_data(), allow_nan=False))
    assert math.isnan(seen.beta)
    assert data["beta"] is None
    assert data["usage"] == seen.usage


@pytest.mark.processes
def test_a_run_without_steps_or_tokens_is_refused(done):
    log = done.folder.path / "metrics.jsonl"
    log.write_text('{"step": 1, "loss": 1.0, "reconstruction": 1.0}\n')
    with pytest.raises(RunError, match="is a vqvae, which has no codebook"):
        evidence_of(done.folder)
    log.write_text("")
    with pytest.raises(RunError, match="has no step on record yet: train it with"):
        evidence_of(done.folder)


def test_a_torn_last_line_is_left_out(done):
    before = evidence_of(done.folder)
    log = done.folder.path / "metrics.jsonl"
    log.write_text(log.read_text() + '{"step": 13, "lo')
    assert evidence_of(done.folder).as_data() == before.as_data()
