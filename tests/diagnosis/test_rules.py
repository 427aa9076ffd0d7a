"""A rule gives its finding when the evidence shows its cause, and only then."""

from dataclasses import replace

import pytest

from vqfw.diagnosis.evidence import UNKNOWN, Evidence
from vqfw.diagnosis.rules import RULES, findings_of

HEALTHY = Evidence(
    steps=300,
    codes=64,
    tokens=256,
    usage=1.0,
    best_usage=1.0,
    perplexity=50.0,
    largest_share=0.05,
    dead_codes=1.0,
    first_reconstruction=0.1,
    reconstruction=0.01,
    rise=1.4,
    commitment=0.01,
    beta=0.25,
    first_latent_offset=2.0,
    first_latent_spread=1.0,
    first_code_spread=0.9,
    first_code_offset=0.1,
    latent_offset=2.0,
    latent_spread=1.5,
    relative_error=0.1,
    distinct_codes=1.0,
    revived=40.0,
    visits=14.0,
    revived_a_visit=2.0,
    surviving=0.9,
    settings={
        "model.quantizer.num_embeddings": 64,
        "model.quantizer.decay": 0.99,
        "model.quantizer.initialization": "random",
        "model.revival.interval": 20,
        "model.revival.dead_below": 0.1,
        "model.beta.value": 0.25,
        "training.optimizer.learning_rate": 0.002,
    },
)
UNREVIVED = {
    "revived": UNKNOWN,
    "visits": UNKNOWN,
    "revived_a_visit": UNKNOWN,
    "surviving": UNKNOWN,
    "settings": {"model.revival": None},
}
COLLAPSED = {"usage": 0.1, "perplexity": 4.0, "dead_codes": 57.0}

SHOWS = {
    "codes identical": ({"distinct_codes": 0.03}, "model.quantizer.initialization"),
    "latents not normalised": (
        {"first_latent_offset": 400.0, "first_code_offset": 400.0, **COLLAPSED},
        "model.encoder",
    ),
    "initial scale wrong": (
        {"first_code_spread": 0.01, **COLLAPSED},
        "model.quantizer.initialization",
    ),
    "learning rate too high": ({"rise": 9.0}, "training.optimizer.learning_rate"),
    "beta too high": ({"beta": 50.0, "relative_error": 0.001}, "model.beta"),
    "beta too low": ({"beta": 0.0, "latent_spread": 9.0}, "model.beta"),
    "encoder variance growing": ({"latent_spread": 50.0, **COLLAPSED}, "model.beta"),
    "encoder variance shrinking": (
        {"latent_spread": 0.01, **COLLAPSED},
        "model.beta",
    ),
    "too few tokens a step": (
        {"tokens": 16.0, **COLLAPSED},
        "training.batch_size",
    ),
    "dead threshold too high": ({"revived_a_visit": 40.0}, "model.revival.dead_below"),
    "dead threshold never reached": (
        {"revived": 0.0, "revived_a_visit": 0.0, "dead_codes": 20.0},
        "model.revival.dead_below",
    ),
    "no revival": ({"dead_codes": 20.0, **UNREVIVED}, "model.revival"),
    "codes left behind": (
        {"relative_error": 1.5, **COLLAPSED},
        "model.quantizer.decay",
    ),
    "revived codes do not stay": ({"surviving": 0.1, **COLLAPSED}, "model.revival"),
    "learning rate too low": (
        {"reconstruction": 0.095},
        "training.optimizer.learning_rate",
    ),
}


def test_every_rule_has_evidence_here():
    assert len(SHOWS) == len(RULES)


@pytest.mark.parametrize("cause", SHOWS)
def test_a_rule_names_its_cause_and_the_setting_to_change(cause):
    changes, setting = SHOWS[cause]
    (found,) = findings_of(replace(HEALTHY, **changes))
    assert found.cause == cause
    assert found.setting == setting
    assert found.sentence
    assert found.advice
    assert "nan" not in found.sentence


def test_a_healthy_book_has_no_findings():
    assert findings_of(HEALTHY) == []


def test_numbers_that_were_not_recorded_cause_no_finding():
    known = {"steps", "settings", "usage", "perplexity", "best_usage", "codes"}
    unknown = {
        name: UNKNOWN for name in Evidence.__dataclass_fields__ if name not in known
    }
    assert findings_of(replace(HEALTHY, **unknown)) == []
    assert findings_of(replace(HEALTHY, usage=0.1, **unknown)) == []


def test_an_odd_start_from_which_a_book_recovered_is_no_finding():
    assert findings_of(replace(HEALTHY, first_code_spread=0.001)) == []
    odd = replace(HEALTHY, first_latent_offset=400.0, first_code_offset=400.0)
    assert findings_of(odd) == []


def test_a_destroyed_encoder_means_a_high_learning_rate_and_an_unchanged_one_a_low_rate():
    stuck = replace(HEALTHY, reconstruction=0.09)
    causes = [each.cause for each in findings_of(replace(stuck, latent_spread=1e-4))]
    assert causes == ["learning rate too high", "encoder variance shrinking"]
    assert [each.cause for each in findings_of(stuck)] == ["learning rate too low"]


def test_drifting_latents_at_a_low_beta_are_no_fault_of_the_learning_rate():
    adrift = replace(HEALTHY, beta=0.0, rise=200.0, latent_spread=40.0)
    assert findings_of(adrift)[0].cause == "beta too low"


def test_a_scheduler_that_lowers_beta_at_low_usage_is_no_cause():
    low = {"beta": 0.01, **COLLAPSED}
    by_hand = findings_of(replace(HEALTHY, **low))
    assert by_hand[0].cause == "beta too low"
    scheduled = {"model.beta.type": "target_perplexity", "model.beta.lowest": 0.01}
    low["settings"] = {**HEALTHY.settings, **scheduled}
    assert "beta too low" not in [
        each.cause for each in findings_of(replace(HEALTHY, **low))
    ]
    ramp = {"model.beta.type": "linear", "model.beta.end": 0.01}
    ramped = replace(HEALTHY, **low | {"settings": {**HEALTHY.settings, **ramp}})
    assert findings_of(ramped)[0].cause == "beta too low"
    low["latent_spread"] = 9.0
    assert findings_of(replace(HEALTHY, **low))[0].cause == "beta too low"


@pytest.mark.parametrize("spread", [50.0, 0.01])
def test_without_a_commitment_loss_no_advice_names_beta(spread):
    seen = replace(HEALTHY, commitment=0.0, latent_spread=spread, **COLLAPSED)
    (found,) = findings_of(seen)
    assert found.setting == "training.optimizer.learning_rate"
    assert found.advice.startswith("lower the learning rate")


def test_a_huge_relative_error_is_shown_as_over_1000_percent():
    assert replace(HEALTHY, relative_error=6e7).left_over == "over 1000%"
    assert replace(HEALTHY, relative_error=0.5).left_over == "50%"


def test_a_revival_without_a_visit_is_advised_a_shorter_interval():
    never = replace(
        HEALTHY, revived=0.0, visits=0.0, revived_a_visit=UNKNOWN, dead_codes=30.0
    )
    (found,) = findings_of(never)
    assert found.setting == "model.revival.interval"


def test_a_wrapped_option_is_found_where_it_stands():
    deep = {"model.quantizer.quantizer.initialization": "random"}
    changes, _ = SHOWS["initial scale wrong"]
    (found,) = findings_of(replace(HEALTHY, settings=deep, **changes))
    assert found.setting == "model.quantizer.quantizer.initialization"
    assert found.advice == f'set {found.setting} to "kmeans"'
