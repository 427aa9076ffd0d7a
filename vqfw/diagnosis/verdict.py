"""A diagnosis as a person reads it: the figures of a codebook, and what to change."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vqfw.diagnosis.evidence import Evidence, evidence_of
from vqfw.diagnosis.rules import Finding, findings_of, in_trouble
from vqfw.errors import RecordError, in_short
from vqfw.runs import RunFolder


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with the codebook of a run, or that nothing is.

    Args:
        run: its id.
        evidence: what the run recorded.
        findings: causes, the one to mend first at the beginning.
        scores: value by metric, of the test images; empty while there are none.
    """

    run: str
    evidence: Evidence
    findings: tuple[Finding, ...]
    scores: Mapping[str, float]

    @property
    def healthy(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.findings and not in_trouble(self.evidence)

    def lines(self) -> list[str]:
        """For a person: figures, then each cause with its repair."""
        told = [self._usage(), *self._scores(), *self._geometry()]
        if self.healthy:
            return [*told, "nothing wrong found"]
        if not self.findings:
            return [
                *told,
                "the codebook is used far less than it could be; no known cause shows",
            ]
        for number, each in enumerate(self.findings, start=1):
            told += [
                f"{number}. {each.cause}: {each.sentence}",
                f"   repair: {each.advice}",
            ]
        return told

    def as_data(self) -> dict[str, Any]:
        """For a program."""
        return {
            "run": self.run,
            "healthy": self.healthy,
            "findings": [finding._asdict() for finding in self.findings],
            "evidence": self.evidence.as_data(),
            "scores": dict(self.scores),
        }

    def _usage(self) -> str:
        seen = self.evidence
        told = [
            f"run {self.run} · {seen.steps} steps",
            f"usage {seen.usage:.2f} (best {seen.best_usage:.2f})",
            f"perplexity {seen.perplexity:.0f}{_of(seen.codes)}",
            f"largest share {seen.largest_share:.3f}",
            f"dead {seen.dead_codes:.0f}",
        ]
        if not math.isnan(seen.revived):
            told.append(f"revived {seen.revived:.0f}")
        if not math.isnan(seen.surviving):
            told.append(f"surviving {seen.surviving:.0%}")
        return " · ".join(told)

    def _scores(self) -> list[str]:
        named = [f"{name} {value:.4g}" for name, value in self.scores.items()]
        return ["test images · " + " · ".join(named)] if named else []

    def _geometry(self) -> list[str]:
        seen = self.evidence
        if math.isnan(seen.latent_spread):
            return []
        first, last = seen.first_latent_spread, seen.latent_spread
        told = [f"spread of the latents {first:.3g} → {last:.3g}"]
        if not math.isnan(seen.first_code_spread):
            told += [
                f"offset {seen.first_latent_offset:.3g} → {seen.latent_offset:.3g}",
                f"first spread of the codes {seen.first_code_spread:.3g}",
            ]
        told.append(f"quantization leaves {seen.left_over} of the variance")
        return [" · ".join(told)]

    def _repr_html_(self) -> str:
        from html import escape

        return "<br>".join(map(escape, self.lines()))


def diagnose(run: RunFolder) -> Diagnosis:
    """Says what is wrong with the codebook of a run.

    Raises:
        RunError: if no step was recorded, or the model has no tokens.
        RecordError: if the records are damaged.
    """
    try:
        seen = evidence_of(run)
        found = tuple(findings_of(seen))
    # Options of other types, numbers that are missing: as no run of ours records them.
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise RecordError(
            f'the records of run "{run.id}" do not fit together ({in_short(error)}): '
            "bring them back from a copy of the run, or train it again"
        ) from error
    scores = {
        name: entry["value"]
        for name, entry in run.scores.get("test", {}).items()
        if isinstance(entry, Mapping) and entry["value"] is not None
    }
    return Diagnosis(run.id, seen, found, scores)


def _of(codes: float) -> str:
    return "" if math.isnan(codes) else f" of {codes:.0f}"
