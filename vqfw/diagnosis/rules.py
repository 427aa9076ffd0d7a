"""The known causes of a codebook's collapse, a rule each: a condition on the evidence.

A rule is a pure function of the evidence that returns a finding or None. ``RULES`` lists
causes before their consequences: codes that start in the wrong place stay unused, and revival
does not help. So the first finding is the one to mend first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from vqfw.diagnosis.evidence import Evidence, ratio

# A codebook below these shares is in trouble. Healthy ones use nearly all codes, with a
# perplexity above half of their number.
USAGE, PERPLEXITY = 0.8, 0.3
# Weights of the commitment loss within which van den Oord et al. 2017, section 3.2, saw no
# difference (https://arxiv.org/abs/1711.00937), and a fifth of the lowest.
HIGH_BETA, LOW_BETA = 2.0, 0.02
# A loss above this multiple of its lowest so far is more than the noise of batches: means
# over 64 images differ by less than a factor of two.
RISE = 2.5
PROGRESS = 0.3  # a training that learns removes more than this share of the first loss
SURVIVING = 0.3  # in a healthy training about half of the revived codes stay in use
SCALE = 5.0  # the largest ratio of the spreads of codes and latents that does no harm


class Finding(NamedTuple):
    """A cause of collapse, with its evidence and repair in words.

    Args:
        cause: its name, in a few words.
        sentence: the fault, with the numbers that show it.
        setting: the path of the option to change.
        advice: how to change it.
    """

    cause: str
    sentence: str
    setting: str
    advice: str


def in_trouble(run: Evidence) -> bool:
    """Whether the codebook uses too few of its codes."""
    return run.usage < USAGE or run.perplexity < PERPLEXITY * run.codes


def identical_codes(run: Evidence) -> Finding | None:
    """Most codes equal another code, although the latents differ."""
    if not (run.distinct_codes < 0.5 and run.spread_growth > 0.1):
        return None
    path = _path(run, "initialization", "model.quantizer")
    return Finding(
        "codes identical",
        f"only {run.distinct_codes:.0%} of the {run.codes:.0f} codes are distinct, and "
        "of equal codes only the first is ever chosen",
        path,
        f"place the codes on distinct latents ({path}), and revive with noise above 0",
    )


def offset_latents(run: Evidence) -> Finding | None:
    """Latents lie in a small region far from the origin, and codes lie elsewhere."""
    far = run.first_latent_offset > SCALE * run.first_latent_spread
    apart = run.first_code_offset > 3 * max(
        run.first_latent_spread, run.first_code_spread
    )
    if not (far and apart and in_trouble(run)):
        return None
    return Finding(
        "latents not normalised",
        f"at first the mean latent was {run.first_latent_offset:.3g} from the origin, the "
        f"spread of the latents only {run.first_latent_spread:.3g}, and the codes were "
        f"{run.first_code_offset:.3g} away: all latents choose the same few codes",
        "model.encoder",
        "centre or normalise the encoder's output"
        + _or_place_codes(run, " (model.encoder), or "),
    )


def wrong_initial_scale(run: Evidence) -> Finding | None:
    """The codes began as a cloud much smaller or larger than that of the latents."""
    scale = ratio(run.first_code_spread, run.first_latent_spread)
    if not ((scale < 1 / SCALE or scale > SCALE) and in_trouble(run)):
        return None
    size = "larger" if scale > 1 else "smaller"
    return Finding(
        "initial scale wrong",
        f"the codes began with a spread of {run.first_code_spread:.3g}, the latents "
        f"with {run.first_latent_spread:.3g}: {max(scale, 1 / scale):.3g} times {size}, "
        "so the latents choose only a few codes",
        _path(run, "initialization", "model.quantizer"),
        _or_place_codes(run, "")
        or "scale the first codes to the spread of the latents",
    )


def learning_rate_too_high(run: Evidence) -> Finding | None:
    """The reconstruction got much worse, or the encoder was destroyed."""
    path = _learning_rate(run)
    wrecked = _learnt_nothing(run) and _distorted(run) and run.beta <= HIGH_BETA
    if run.rise > RISE:
        fact = f"the reconstruction loss rose to {run.rise:.3g} times its lowest value"
    elif wrecked:
        fact = (
            f"the spread of the latents went to {run.spread_growth:.2g} times its first "
            f"value, and {_loss_left(run):.0%} of the first reconstruction loss is left"
        )
    else:
        return None
    return Finding(
        "learning rate too high",
        f"{fact}: such long steps destroy the encoder",
        path,
        f"divide {path} by 10, or clip gradients with "
        "training.optimizer.global_clipnorm",
    )


def beta_too_high(run: Evidence) -> Finding | None:
    """The commitment loss outweighs the reconstruction loss."""
    held = (
        run.spread_growth < 0.5
        or run.relative_error < 0.02
        or run.beta * run.commitment > run.reconstruction
    )
    # Without a commitment loss, or before any measurement, beta decides nothing.
    if not (run.beta > HIGH_BETA and run.commitment > 0 and _measured(run)):
        return None
    if not (held or in_trouble(run)):
        return None
    return Finding(
        "beta too high",
        f"beta was {run.beta:.3g}, above the usual 0.1 to 2; the spread of the latents "
        f"went to {run.spread_growth:.2g} times its first value, and the weighted "
        f"commitment was {ratio(run.beta * run.commitment, run.reconstruction):.2g} "
        "times the reconstruction loss: latents follow the codes instead of the images",
        "model.beta",
        "set model.beta to 0.25",
    )


def beta_too_low(run: Evidence) -> Finding | None:
    """The latents drift away from the codes."""
    adrift = run.spread_growth > 2 or run.relative_error > 0.5
    if not (run.beta < LOW_BETA and run.commitment > 0 and _measured(run)):
        return None
    # A scheduler that lowers beta because usage is low is not the cause.
    follows = run.path_of("lowest", "model.beta") is not None
    if not (adrift or (in_trouble(run) and not follows)):
        return None
    return Finding(
        "beta too low",
        f"beta was {run.beta:.3g}, below the usual 0.1 to 2; the spread of the latents "
        f"went to {run.spread_growth:.2g} times its first value, and quantization leaves "
        f"{run.left_over} of their variance: the codes cannot follow",
        "model.beta",
        "set model.beta to 0.25",
    )


def growing_latents(run: Evidence) -> Finding | None:
    """The latents grow beyond the reach of the codes at an ordinary beta."""
    grown = run.spread_growth > 10 and run.beta <= HIGH_BETA
    if not (grown and in_trouble(run)):
        return None
    setting, weight_advice = _weight_of_commitment(run, "raise model.beta (up to 2), ")
    return Finding(
        "encoder variance growing",
        f"the spread of the latents grew to {run.spread_growth:.3g} times its value when "
        f"the codes were placed, and quantization leaves {run.left_over} of their variance",
        setting,
        f"{weight_advice}lower the learning rate, or normalise the encoder's output",
    )


def shrinking_latents(run: Evidence) -> Finding | None:
    """The encoder gives different images nearly equal latents."""
    shrunk = run.spread_growth < 0.1 and run.beta >= LOW_BETA
    if not (shrunk and (in_trouble(run) or _learnt_nothing(run))):
        return None
    setting, weight_advice = _weight_of_commitment(
        run, "lower model.beta, raise the weight of the reconstruction in losses, or "
    )
    return Finding(
        "encoder variance shrinking",
        f"the spread of the latents fell to {run.spread_growth:.2g} times its value when "
        "the codes were placed: most images give the same latents",
        setting,
        f"{weight_advice}lower the learning rate",
    )


def too_few_tokens(run: Evidence) -> Finding | None:
    """A step has fewer latents than the book has codes."""
    restless = in_trouble(run) or _moves_living(run) or run.surviving < SURVIVING
    if not (run.tokens < run.codes and restless):
        return None
    return Finding(
        "too few tokens a step",
        f"a step has {run.tokens:.0f} tokens for {run.codes:.0f} codes, so at least "
        f"{1 - run.tokens / run.codes:.0%} of the codes are unused in any step",
        "training.batch_size",
        "raise training.batch_size, lower the encoder's downsampling, or lower "
        + _path(run, "num_embeddings", "model.quantizer"),
    )


def revival_of_living_codes(run: Evidence) -> Finding | None:
    """Revival also moves codes that are in use."""
    if not _moves_living(run):
        return None
    path = _path(run, "dead_below", "model.revival")
    return Finding(
        "dead threshold too high",
        f"revival moved {run.revived_a_visit:.0f} of {run.codes:.0f} codes each time, "
        f"but only {run.dead_codes:.0f} were below a tenth of uniform use: it also moves "
        "codes that latents choose",
        path,
        f"set {path} to 0.1, or raise model.revival.interval",
    )


def revival_that_never_comes(run: Evidence) -> Finding | None:
    """Codes are unused, and revival replaced none of them."""
    if not (run.revived == 0 and run.dead_codes > 0.1 * run.codes):
        return None
    if run.visits < 1:
        often = max(1, min(50, run.steps // 4))
        path = _path(run, "interval", "model.revival")
        repair = f"set {path} to {often}"
    elif run.path_of("dead_below", "model.revival"):
        path = _path(run, "dead_below", "model.revival")
        repair = f"set {path} to 0.1"
    else:
        path = _path(run, "images", "model.revival")
        repair = f"lower {path}"
    looked = f"looked {run.visits:.0f} times and moved none"
    if not run.visits:
        looked = "has never looked at them"
    return Finding(
        "dead threshold never reached",
        f"{run.dead_codes:.0f} of {run.codes:.0f} codes are below a tenth of uniform "
        f"use, and revival {looked}",
        path,
        repair,
    )


def no_revival(run: Evidence) -> Finding | None:
    """Codes are unused, and the model has no revival."""
    path = run.path_of("revival", "model")
    off = path is not None and run.settings[path] is None
    if not (off and run.dead_codes > 0.1 * run.codes):
        return None
    return Finding(
        "no revival",
        f"{run.dead_codes:.0f} of {run.codes:.0f} codes are below a tenth of uniform "
        "use: no latent is near them, so they never move again",
        "model.revival",
        "leave model.revival at its default instead of null",
    )


def codes_left_behind(run: Evidence) -> Finding | None:
    """Quantization is worse than one code at the mean of the latents."""
    if not (run.relative_error > 1 and in_trouble(run)) or _distorted(run):
        return None
    if run.rise > RISE:
        return None
    decay = run.path_of("decay", "model.quantizer")
    rate = _learning_rate(run)
    return Finding(
        "codes left behind",
        f"quantization leaves {run.left_over} of the variance of the latents, more than "
        "one code at their mean would: the encoder moves faster than the codes",
        decay or rate,
        f"lower {decay} (0.99 follows in 100 steps, 0.9 in 10)"
        if decay
        else f"raise {rate}",
    )


def revival_in_vain(run: Evidence) -> Finding | None:
    """Revived codes are soon unused again."""
    if not (run.surviving < SURVIVING and in_trouble(run)):
        return None
    return Finding(
        "revived codes do not stay",
        f"only {run.surviving:.0%} of the revived codes were in use 100 steps later",
        "model.revival",
        "choose a strategy for model.revival that places codes on recent latents",
    )


def learning_rate_too_low(run: Evidence) -> Finding | None:
    """The reconstruction and the latents hardly changed."""
    if not _learnt_nothing(run) or _distorted(run) or run.rise > RISE:
        return None
    path = _learning_rate(run)
    return Finding(
        "learning rate too low",
        f"after {run.steps} steps the reconstruction loss is still "
        f"{_loss_left(run):.0%} of its first value",
        path,
        f"multiply {path} by 10",
    )


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    identical_codes,
    offset_latents,
    wrong_initial_scale,
    beta_too_high,
    beta_too_low,
    learning_rate_too_high,
    growing_latents,
    shrinking_latents,
    too_few_tokens,
    revival_of_living_codes,
    revival_that_never_comes,
    no_revival,
    codes_left_behind,
    revival_in_vain,
    learning_rate_too_low,
)


def findings_of(run: Evidence) -> list[Finding]:
    """The findings of all rules, the one to mend first at the beginning."""
    findings = [rule(run) for rule in RULES]
    return [finding for finding in findings if finding is not None]


def _loss_left(run: Evidence) -> float:
    return ratio(run.reconstruction, run.first_reconstruction)


def _learnt_nothing(run: Evidence) -> bool:
    return _loss_left(run) > 1 - PROGRESS and run.steps >= 100


def _distorted(run: Evidence) -> bool:
    return run.spread_growth < 0.1 or run.spread_growth > 10


def _measured(run: Evidence) -> bool:
    """Whether the run measured codes; some quantizers have none."""
    return not math.isnan(run.spread_growth)


def _moves_living(run: Evidence) -> bool:
    """Whether revival moves codes that are in use, after its first visits."""
    many = run.revived_a_visit > 2 * run.dead_codes + 0.1 * run.codes
    return many and run.visits >= 4


def _weight_of_commitment(run: Evidence, advice: str) -> tuple[str, str]:
    """Beta and advice on it; the learning rate where there is no commitment loss."""
    return ("model.beta", advice) if run.commitment > 0 else (_learning_rate(run), "")


def _learning_rate(run: Evidence) -> str:
    return _path(run, "learning_rate", "training.optimizer")


def _path(run: Evidence, name: str, under: str) -> str:
    """The path of an option, or of the component that would have it."""
    return run.path_of(name, under) or under


def _or_place_codes(run: Evidence, before: str) -> str:
    """Advice to place codes by k-means, where the quantizer offers it and does not."""
    path = run.path_of("initialization", "model.quantizer")
    if path is None or run.settings[path] == "kmeans":
        return ""
    return f'{before}set {path} to "kmeans"'
