"""The known causes of a codebook's collapse, a rule each: a condition on the evidence.

A rule is a pure function: from the evidence to a finding, or to nothing. ``RULES`` lists
them from the most telling to the least: where codes start in the wrong place, unused codes
and a revival in vain follow from it, and the first finding is the one to mend first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from vqfw.diagnosis.evidence import Evidence, ratio

# Below these shares a codebook is in trouble. Healthy ones use nearly all codes, with a
# perplexity above a half of their number.
USAGE, PERPLEXITY = 0.8, 0.3
# Weights of the commitment loss within which van den Oord et al. 2017, section 3.2, saw no
# difference (https://arxiv.org/abs/1711.00937), and a fifth of the lowest.
HIGH_BETA, LOW_BETA = 2.0, 0.02
# A loss that rises above this multiple of the best so far is no noise of the batches:
# means over 64 images differ by less than a factor of two.
RISE = 2.5
# Training that is worth its name removes more than this share of the first loss.
PROGRESS = 0.3
# Of the codes that a healthy training revives about a half are in use 100 steps later.
SURVIVING = 0.3
# Spreads of codes and latents that differ by more than this factor do not meet.
SCALE = 5.0


class Finding(NamedTuple):
    """A cause, told to a person.

    Args:
        cause: its name, in a few words.
        sentence: what happened, with the numbers that show it.
        setting: the path of the option to change.
        advice: what to do with it.
    """

    cause: str
    sentence: str
    setting: str
    advice: str


Rule = Callable[[Evidence], Finding | None]


def in_trouble(seen: Evidence) -> bool:
    """Whether the codebook is used far less than it could be."""
    return seen.usage < USAGE or seen.perplexity < PERPLEXITY * seen.codes


def identical_codes(seen: Evidence) -> Finding | None:
    """Most codes have the same place as another one, though latents differ."""
    if not (seen.distinct_codes < 0.5 and seen.spread_growth > 0.1):
        return None
    path = _path(seen, "initialization", "model.quantizer")
    return Finding(
        "codes identical",
        f"of the {seen.codes:.0f} codes only {seen.distinct_codes:.0%} are left when equal "
        "ones are counted once, and of equal codes only the first is ever chosen",
        path,
        f"place the codes on distinct latents ({path}), and revive with noise above 0",
    )


def offset_latents(seen: Evidence) -> Finding | None:
    """Latents lie in a small region far from the origin, and codes lie elsewhere."""
    far = seen.first_latent_offset > SCALE * seen.first_latent_spread
    apart = seen.first_code_offset > 3 * max(
        seen.first_latent_spread, seen.first_code_spread
    )
    if not (far and apart and in_trouble(seen)):
        return None
    return Finding(
        "latents not normalised",
        f"the latents began {seen.first_latent_offset:.3g} from the origin but spread "
        f"only {seen.first_latent_spread:.3g} around that point, and the codes lay "
        f"{seen.first_code_offset:.3g} away: all latents choose the same few codes",
        "model.encoder",
        "centre or normalise the encoder's output"
        + _or_place_codes(seen, " (model.encoder), or "),
    )


def wrong_initial_scale(seen: Evidence) -> Finding | None:
    """The codes began as a cloud much smaller or larger than that of the latents."""
    scale = ratio(seen.first_code_spread, seen.first_latent_spread)
    if not ((scale < 1 / SCALE or scale > SCALE) and in_trouble(seen)):
        return None
    size = "larger" if scale > 1 else "smaller"
    return Finding(
        "initial scale wrong",
        f"the codes began with a spread of {seen.first_code_spread:.3g}, the latents "
        f"with {seen.first_latent_spread:.3g}: a book that is {max(scale, 1 / scale):.3g} "
        f"times {size} is met by the latents in a few codes only",
        _path(seen, "initialization", "model.quantizer"),
        _or_place_codes(seen, "")
        or "scale the first codes to the spread of the latents",
    )


def learning_rate_too_high(seen: Evidence) -> Finding | None:
    """The reconstruction got much worse, or the encoder was wrecked and learnt nothing."""
    path = _path(seen, "learning_rate", "training.optimizer")
    wrecked = _learnt_nothing(seen) and _distorted(seen) and seen.beta <= HIGH_BETA
    if seen.rise > RISE:
        fact = (
            f"the reconstruction loss rose to {seen.rise:.3g} times its best until then"
        )
    elif wrecked:
        fact = (
            f"the spread of the latents went to {seen.spread_growth:.2g} times its first "
            f"value, and {_loss_left(seen):.0%} of the first reconstruction loss is left"
        )
    else:
        return None
    return Finding(
        "learning rate too high",
        f"{fact}: steps are so long that they destroy what the encoder had learnt",
        path,
        f"divide {path} by 10, or clip gradients with "
        "training.optimizer.global_clipnorm",
    )


def beta_too_high(seen: Evidence) -> Finding | None:
    """The commitment holds the latents to the codes instead of to the images."""
    held = (
        seen.spread_growth < 0.5
        or seen.relative_error < 0.02
        or seen.beta * seen.commitment > seen.reconstruction
    )
    # Without a commitment loss, or before any measurement, beta decides nothing.
    if not (seen.beta > HIGH_BETA and seen.commitment > 0 and _measured(seen)):
        return None
    if not (held or in_trouble(seen)):
        return None
    return Finding(
        "beta too high",
        f"beta was {seen.beta:.3g}, above the usual 0.1 to 2; the spread of the latents "
        f"went to {seen.spread_growth:.2g} times its first value, and the weighted "
        f"commitment was {ratio(seen.beta * seen.commitment, seen.reconstruction):.2g} "
        "times the reconstruction loss: latents are pressed onto codes whatever the image",
        "model.beta",
        "set model.beta to 0.25",
    )


def beta_too_low(seen: Evidence) -> Finding | None:
    """Nothing holds the latents to the codes, and they drift away."""
    adrift = seen.spread_growth > 2 or seen.relative_error > 0.5
    if not (seen.beta < LOW_BETA and seen.commitment > 0 and _measured(seen)):
        return None
    # A scheduler that follows the usage down to its lowest value did not begin the trouble.
    follows = seen.setting("lowest", "model.beta") is not None
    if not (adrift or (in_trouble(seen) and not follows)):
        return None
    return Finding(
        "beta too low",
        f"beta was {seen.beta:.3g}, below the usual 0.1 to 2; the latents spread to "
        f"{seen.spread_growth:.2g} times what they were, and quantization leaves "
        f"{seen.left_over} of their variance: codes cannot follow",
        "model.beta",
        "set model.beta to 0.25",
    )


def growing_latents(seen: Evidence) -> Finding | None:
    """The encoder's output grows beyond the reach of the codes at an ordinary beta."""
    grown = seen.spread_growth > 10 and seen.beta <= HIGH_BETA
    if not (grown and in_trouble(seen)):
        return None
    setting, weight_advice = _weight_of_commitment(seen, "raise model.beta (up to 2), ")
    return Finding(
        "encoder variance growing",
        f"the latents spread to {seen.spread_growth:.3g} times what they were when the "
        f"codes were placed, and quantization leaves {seen.left_over} of their "
        "variance",
        setting,
        f"{weight_advice}lower the learning rate, or normalise the encoder's output",
    )


def shrinking_latents(seen: Evidence) -> Finding | None:
    """The encoder tells less and less apart."""
    shrunk = seen.spread_growth < 0.1 and seen.beta >= LOW_BETA
    if not (shrunk and (in_trouble(seen) or _learnt_nothing(seen))):
        return None
    setting, weight_advice = _weight_of_commitment(
        seen, "lower model.beta, raise the weight of the reconstruction in losses, or "
    )
    return Finding(
        "encoder variance shrinking",
        f"the latents spread to {seen.spread_growth:.2g} times what they were when the "
        "codes were placed: most images give the same latents",
        setting,
        f"{weight_advice}lower the learning rate",
    )


def too_few_tokens(seen: Evidence) -> Finding | None:
    """A step has fewer latents than the book has codes."""
    restless = in_trouble(seen) or _moves_living(seen) or seen.surviving < SURVIVING
    if not (seen.tokens < seen.codes and restless):
        return None
    return Finding(
        "too few tokens a step",
        f"a step has {seen.tokens:.0f} tokens for {seen.codes:.0f} codes, so at least "
        f"{1 - seen.tokens / seen.codes:.0%} of them see no latent in any step",
        "training.batch_size",
        "raise training.batch_size, lower the encoder's downsampling, or lower "
        + _path(seen, "num_embeddings", "model.quantizer"),
    )


def revival_of_living_codes(seen: Evidence) -> Finding | None:
    """Revival moves many more codes than are unused."""
    if not _moves_living(seen):
        return None
    path = _path(seen, "dead_below", "model.revival")
    return Finding(
        "dead threshold too high",
        f"revival moved {seen.revived_a_visit:.0f} of {seen.codes:.0f} codes each time, "
        f"but only {seen.dead_codes:.0f} were below a tenth of uniform use: codes are "
        "taken away from the latents that they serve",
        path,
        f"set {path} to 0.1, or raise model.revival.interval",
    )


def revival_that_never_comes(seen: Evidence) -> Finding | None:
    """Codes are unused, and revival finds none of them, or never looks."""
    if not (seen.revived == 0 and seen.dead_codes > 0.1 * seen.codes):
        return None
    if seen.visits < 1:
        often = max(1, min(50, seen.steps // 4))
        path = _path(seen, "interval", "model.revival")
        repair = f"set {path} to {often}"
    elif seen.setting("dead_below", "model.revival"):
        path = _path(seen, "dead_below", "model.revival")
        repair = f"set {path} to 0.1"
    else:
        path = _path(seen, "images", "model.revival")
        repair = f"lower {path}"
    looked = f"looked {seen.visits:.0f} times and moved none"
    if not seen.visits:
        looked = "has never looked at them"
    return Finding(
        "dead threshold never reached",
        f"{seen.dead_codes:.0f} of {seen.codes:.0f} codes are below a tenth of uniform "
        f"use, and revival {looked}",
        path,
        repair,
    )


def no_revival(seen: Evidence) -> Finding | None:
    """Codes are unused and nothing brings them back."""
    off = seen.setting("revival", "model")
    if not (off and off.value is None and seen.dead_codes > 0.1 * seen.codes):
        return None
    return Finding(
        "no revival",
        f"{seen.dead_codes:.0f} of {seen.codes:.0f} codes are below a tenth of uniform "
        "use: no latent is near them, so they never move again, and nothing brings them "
        "back",
        "model.revival",
        "leave model.revival at its default instead of null",
    )


def codes_left_behind(seen: Evidence) -> Finding | None:
    """The codes describe the latents worse than one code at their mean would."""
    if not (seen.relative_error > 1 and in_trouble(seen)) or _distorted(seen):
        return None
    if seen.rise > RISE:
        return None
    decay = seen.setting("decay", "model.quantizer")
    rate = _path(seen, "learning_rate", "training.optimizer")
    return Finding(
        "codes left behind",
        f"quantization leaves {seen.left_over} of the variance of the latents, "
        "more than a single code at their mean would: the encoder moves faster than the "
        "codes",
        decay.path if decay else rate,
        f"lower {decay.path} (0.99 follows in 100 steps, 0.9 in 10)"
        if decay
        else f"raise {rate}",
    )


def revival_in_vain(seen: Evidence) -> Finding | None:
    """Codes are revived again and again and do not stay."""
    if not (seen.surviving < SURVIVING and in_trouble(seen)):
        return None
    return Finding(
        "revived codes do not stay",
        f"of the codes revived only {seen.surviving:.0%} were in use 100 steps later",
        "model.revival",
        "choose a strategy for model.revival that places codes on recent latents",
    )


def learning_rate_too_low(seen: Evidence) -> Finding | None:
    """The reconstruction hardly improved, and the latents hardly changed."""
    if not _learnt_nothing(seen) or _distorted(seen) or seen.rise > RISE:
        return None
    path = _path(seen, "learning_rate", "training.optimizer")
    return Finding(
        "learning rate too low",
        f"after {seen.steps} steps the reconstruction loss is still "
        f"{_loss_left(seen):.0%} of what it began with",
        path,
        f"multiply {path} by 10",
    )


RULES: tuple[Rule, ...] = (
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


def findings_of(seen: Evidence) -> list[Finding]:
    """What is wrong, the most telling first; empty where nothing is."""
    found = [rule(seen) for rule in RULES]
    return [finding for finding in found if finding is not None]


def _loss_left(seen: Evidence) -> float:
    return ratio(seen.reconstruction, seen.first_reconstruction)


def _learnt_nothing(seen: Evidence) -> bool:
    return _loss_left(seen) > 1 - PROGRESS and seen.steps >= 100


def _distorted(seen: Evidence) -> bool:
    return seen.spread_growth < 0.1 or seen.spread_growth > 10


def _measured(seen: Evidence) -> bool:
    """Whether latents and codes were ever compared; some quantizers have no codes."""
    return not math.isnan(seen.spread_growth)


def _moves_living(seen: Evidence) -> bool:
    """Whether revival moves codes that are in use; the first visits say nothing yet."""
    many = seen.revived_a_visit > 2 * seen.dead_codes + 0.1 * seen.codes
    return many and seen.visits >= 4


def _weight_of_commitment(seen: Evidence, advice: str) -> tuple[str, str]:
    """The setting to change and advice on it; the learning rate where there is no such loss."""
    if seen.commitment > 0:
        return "model.beta", advice
    return _path(seen, "learning_rate", "training.optimizer"), ""


def _path(seen: Evidence, name: str, under: str) -> str:
    """Where an option stands, or the component that it would belong to."""
    found = seen.setting(name, under)
    return found.path if found else under


def _or_place_codes(seen: Evidence, before: str) -> str:
    """Advice to place codes by k-means, where the quantizer has that choice open."""
    found = seen.setting("initialization", "model.quantizer")
    if found is None or found.value == "kmeans":
        return ""
    return f'{before}set {found.path} to "kmeans"'
