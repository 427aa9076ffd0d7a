"""Latents and codes are measured as the names of the numbers say."""

import json

import numpy as np
import pytest

from vqfw.training.geometry import EVERY, geometry_of

RNG = np.random.default_rng(0)
LATENTS = (5 + 2 * RNG.normal(size=(1000, 4))).astype("float32")


def test_latents_are_measured_by_mean_and_spread():
    found = geometry_of(LATENTS, LATENTS[:10])
    assert found["latent_offset"] == pytest.approx(10, rel=0.05)
    assert found["latent_spread"] == pytest.approx(4, rel=0.05)


def test_codes_are_measured_against_the_latents():
    codes = 5 + 0.1 * RNG.normal(size=(500, 4)) + np.array([3, 0, 0, 0])
    found = geometry_of(LATENTS, codes.astype("float32"))
    assert found["code_spread"] == pytest.approx(0.2, rel=0.1)
    assert found["code_offset"] == pytest.approx(3, rel=0.1)


def test_the_relative_error_is_1_for_one_code_at_the_mean():
    mean = LATENTS.mean(axis=0, keepdims=True)
    assert geometry_of(LATENTS, mean)["relative_error"] == pytest.approx(1, rel=1e-4)
    assert geometry_of(LATENTS, LATENTS)["relative_error"] < 1e-6
    assert geometry_of(LATENTS, mean + 40)["relative_error"] > 100


def test_equal_codes_are_counted_once():
    assert geometry_of(LATENTS, np.repeat(LATENTS[:5], 4, 0))["distinct_codes"] == 0.25
    assert geometry_of(LATENTS, LATENTS[:20])["distinct_codes"] == 1
    assert geometry_of(LATENTS, np.zeros((20, 4), "float32"))["distinct_codes"] == 0.05


def test_latents_without_spread_give_finite_numbers():
    found = geometry_of(np.ones_like(LATENTS), LATENTS[:3])
    assert all(np.isfinite(value) for value in found.values())


def measured(run):
    lines = (run.folder.path / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return {line["step"]: line for line in records if "latent_spread" in line}


@pytest.mark.processes
def test_a_run_is_measured_at_its_first_step_and_then_at_intervals(tiny):
    found = measured(tiny(f"training.steps={EVERY + 2}").run())
    assert list(found) == [1, EVERY]
    assert found[1]["codes"] == 16
    assert found[1]["tokens"] == 8 * 16
    assert found[1]["books"] == 1


@pytest.mark.processes
def test_codes_placed_after_a_warm_up_are_measured_then(tiny):
    found = measured(tiny("model.quantizer.warm_up=4").run())
    assert list(found) == [5]


@pytest.mark.processes
def test_a_model_without_a_codebook_is_not_measured(tiny):
    vae = 'model={"type":"vae","encoder":"residual_conv","decoder":"residual_conv"}'
    assert measured(tiny(vae).run()) == {}
