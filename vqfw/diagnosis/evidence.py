"""The numbers that a run recorded of its codebook and that tell the causes apart.

They are read from records alone: nothing here builds a model or imports Keras. A number that
was not recorded is NaN: every comparison with it is false, so that no rule applies.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vqfw.errors import RunError
from vqfw.runs import RunFolder
from vqfw.runs.log import Series, series_of

UNKNOWN = math.nan


@dataclass(frozen=True)
class Evidence:
    """Numbers of a run for the rules; of several codebooks, of the least used one.

    Args:
        steps: optimizer steps recorded.
        codes: in the book.
        tokens: latents that choose a code in a step.
        usage: share of the codes in use at the end, in [0, 1].
        best_usage: the largest share at any time.
        perplexity: at the end.
        largest_share: share of the tokens that the busiest code took at the end.
        dead_codes: median over the last quarter.
        first_reconstruction: the loss at the first step.
        reconstruction: median over the last tenth.
        rise: the highest reconstruction loss as a multiple of the lowest before it, in
            means over 64 images.
        commitment: its loss without weight, median over the last tenth.
        beta: its weight, median over the last tenth.
        first_latent_offset: distance of the mean latent from the origin, when the codes
            had just been placed; NaN where another codebook was measured then, as for
            all ``first_`` numbers but the next one.
        first_latent_spread: root mean square distance of latents from their mean, when
            this codebook was first measured.
        first_code_spread: the same of the codes.
        first_code_offset: distance of the mean code from the mean latent.
        latent_offset: as ``first_latent_offset``, at the end.
        latent_spread: as ``first_latent_spread``, at the end.
        relative_error: mean squared quantization error over the variance of the latents.
        distinct_codes: share of the codes that are left when duplicates are removed.
        revived: codes revived in all codebooks; NaN where the experiment revives none.
        visits: times that revival looked for unused codes.
        revived_a_visit: codes a visit and codebook in the second half of the training,
            on average.
        surviving: share of the revived that were in use 100 steps later.
        settings: options of model and training, by path.
    """

    steps: int
    codes: float
    tokens: float
    usage: float
    best_usage: float
    perplexity: float
    largest_share: float
    dead_codes: float
    first_reconstruction: float
    reconstruction: float
    rise: float
    commitment: float
    beta: float
    first_latent_offset: float
    first_latent_spread: float
    first_code_spread: float
    first_code_offset: float
    latent_offset: float
    latent_spread: float
    relative_error: float
    distinct_codes: float
    revived: float
    visits: float
    revived_a_visit: float
    surviving: float
    settings: Mapping[str, Any]

    @property
    def spread_growth(self) -> float:
        """Spread of the latents at the end, as a multiple of that at the beginning."""
        return ratio(self.latent_spread, self.first_latent_spread)

    @property
    def left_over(self) -> str:
        """The relative error as text; far above 1 the number itself means little."""
        return (
            f"{self.relative_error:.0%}" if self.relative_error < 10 else "over 1000%"
        )

    def path_of(self, name: str, under: str) -> str | None:
        """The path of the nearest option of a name below a path; None if there is none.

        Args:
            name: such as ``decay``.
            under: such as ``model.quantizer``.
        """
        paths = [
            path
            for path in self.settings
            if path.startswith(f"{under}.") and path.split(".")[-1] == name
        ]
        return min(paths, key=lambda path: path.count("."), default=None)

    def as_data(self) -> dict[str, Any]:
        """As JSON has it; unknown numbers are null."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def ratio(number: float, other: float) -> float:
    """``number / other``; infinite where only the other is 0, NaN where both are."""
    if other:
        return number / other
    return math.inf if number else UNKNOWN


def evidence_of(run: RunFolder) -> Evidence:
    """Reads the records of a run.

    Args:
        run: trained for some steps at least.

    Raises:
        RunError: if no step was recorded, or the model has no tokens.
    """
    series = series_of(run)
    if "loss" not in series:
        raise RunError(
            f'run "{run.id}" has no step on record yet: train it with '
            f"vqfw run --resume {run.quoted}"
        )
    if "usage" not in series:
        raise RunError(
            f'run "{run.id}" is a {run.resolved["model"]["type"]}, which has no codebook '
            "to diagnose: choose a run of a model with one"
        )
    return evidence_from(series, run.resolved)


# Numbers that are measured of one book at a time.
_MEASURED = {
    *("codes", "tokens", "latent_offset", "latent_spread", "code_spread"),
    *("code_offset", "relative_error", "distinct_codes"),
}

_AT_THE_END = (
    *("codes", "tokens", "usage", "perplexity", "largest_share", "latent_offset"),
    *("latent_spread", "relative_error", "distinct_codes"),
)


def evidence_from(series: Series, resolved: Mapping[str, Any]) -> Evidence:
    """Computes the evidence from the numbers of ``metrics.jsonl`` and the experiment."""
    all_books, series = series, _of_one_book(series)
    steps = series["loss"][-1][0]
    reconstruction = [value for _, value in series["reconstruction"]]
    settings = dict(_flat(resolved["model"], "model"))
    settings |= _flat(resolved["training"], "training")
    return Evidence(
        steps=steps,
        best_usage=max(value for _, value in series["usage"]),
        dead_codes=_late(series, "dead_codes", 0.25),
        first_reconstruction=reconstruction[0],
        reconstruction=_late(series, "reconstruction", 0.1),
        # Placing the codes after a warm-up raises the loss; that is no fault.
        rise=_rise(
            reconstruction[_warm_up(settings) :] or reconstruction[-1:],
            resolved["training"]["batch_size"],
        ),
        commitment=_late(series, "commitment", 0.1),
        beta=_late(series, "beta", 0.1),
        first_latent_offset=_placed(series, all_books, "latent_offset"),
        first_latent_spread=_placed(series, series, "latent_spread"),
        first_code_spread=_placed(series, all_books, "code_spread"),
        first_code_offset=_placed(series, all_books, "code_offset"),
        settings=settings,
        **{name: _last(series, name) for name in _AT_THE_END},
        **_revival(series, settings, steps),
    )


def _revival(
    series: Series, settings: Mapping[str, Any], steps: int
) -> dict[str, float]:
    if "model.revival.interval" not in settings or "revived" not in series:
        names = ("revived", "visits", "revived_a_visit", "surviving")
        return dict.fromkeys(names, UNKNOWN)
    interval, warm_up = int(settings["model.revival.interval"]), _warm_up(settings)

    def visits_until(step: int) -> int:
        # Revival comes before a step, so none follows the last step.
        return max(0, (step - 1) // interval - warm_up // interval)

    visits = visits_until(steps)
    late = visits - visits_until(steps // 2)
    half_way = [value for step, value in series["revived"] if step <= steps // 2]
    revived = _last(series, "revived")
    books = _last(series, "books") if "books" in series else 1
    return {
        "revived": revived,
        "visits": visits,
        "revived_a_visit": ratio(revived - (half_way or [0.0])[-1], late * books),
        "surviving": _last(series, "surviving"),
    }


def _of_one_book(series: Series) -> Series:
    """The log with the measurements of one codebook: the one in its last entry."""
    books = series.get("book", ())
    others = {step for step, book in books if book != books[-1][1]}
    return {
        name: [(step, value) for step, value in values if step not in others]
        if name in _MEASURED
        else values
        for name, values in series.items()
    }


def _warm_up(settings: Mapping[str, Any]) -> int:
    """Steps before the codes are placed, of the quantizer or one that it wraps."""
    return max(
        (
            int(value)
            for path, value in settings.items()
            if path.startswith("model.quantizer.") and path.endswith(".warm_up")
        ),
        default=0,
    )


def _placed(series: Series, all_books: Series, name: str) -> float:
    """The first value, if it is of the first measurement of all."""
    if name not in series or series[name][0][0] != all_books[name][0][0]:
        return UNKNOWN
    return series[name][0][1]


def _last(series: Series, name: str) -> float:
    return series[name][-1][1] if name in series else UNKNOWN


def _late(series: Series, name: str, share: float) -> float:
    """Median over the last share of the values."""
    if name not in series:
        return UNKNOWN
    values = [value for _, value in series[name]]
    return statistics.median(values[-max(1, round(share * len(values))) :])


def _rise(values: Sequence[float], batch_size: int) -> float:
    # Losses of single images differ by more than RISE; means over 64 images hardly do.
    width = math.ceil(64 / batch_size)
    windows = (
        values[at : at + width] for at in range(0, len(values) - width + 1, width)
    )
    highest, best = 1.0, values[0]
    for value in map(statistics.fmean, windows):
        highest = max(highest, ratio(value, best))
        best = min(best, value)
    return highest


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every option below a path; a list is one value."""
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, option in value.items():
        yield from _flat(option, f"{path}.{name}")
