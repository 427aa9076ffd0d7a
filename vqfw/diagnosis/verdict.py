"""A diagnosis as text: the numbers of a codebook, the causes of its collapse, and repairs."""

from __future__ import annotations

import html
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
    """The faults of the codebook of a run, if it has any.

    Args:
        run: its id.
        evidence: numbers that the run recorded.
        findings: causes; mend the first one first.
        scores: value by metric, of the test images; empty while there are none.
    """

    run: str
    evidence: Evidence
    findings: tuple[Finding, ...]
    scores: Mapping[str, float]

    @property
    def healthy(self) -> bool:
        """Whether no fault was found."""
        return not self.findings and not in_trouble(self.evidence)

    def lines(self) -> list[str]:
        """As text: the numbers, then each cause with its repair."""
        lines = [self._usage()]
        if self.scores:
            scores = [f"{name} {value:.4g}" for name, value in self.scores.items()]
            lines.append(" · ".join(["test images", *scores]))
        if not math.isnan(self.evidence.latent_spread):
            lines.append(self._geometry())
        if self.healthy:
            return [*lines, "nothing wrong found"]
        if not self.findings:
            return [*lines, "the codebook is used too little; no known cause was found"]
        for number, each in enumerate(self.findings, start=1):
            lines.append(f"{number}. {each.cause}: {each.sentence}")
            lines.append(f"   repair: {each.advice}")
        return lines

    def as_data(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "run": self.run,
            "healthy": self.healthy,
            "findings": [finding._asdict() for finding in self.findings],
            "evidence": self.evidence.as_data(),
            "scores": dict(self.scores),
        }

    def _usage(self) -> str:
        evidence = self.evidence
        of_all = "" if math.isnan(evidence.codes) else f" of {evidence.codes:.0f}"
        numbers = [
            f"run {self.run} · {evidence.steps} steps",
            f"usage {evidence.usage:.2f} (best {evidence.best_usage:.2f})",
            f"perplexity {evidence.perplexity:.0f}{of_all}",
            f"largest share {evidence.largest_share:.3f}",
            f"dead {evidence.dead_codes:.0f}",
        ]
        if not math.isnan(evidence.revived):
            numbers.append(f"revived {evidence.revived:.0f}")
        if not math.isnan(evidence.surviving):
            numbers.append(f"surviving {evidence.surviving:.0%}")
        return " · ".join(numbers)

    def _geometry(self) -> str:
        evidence = self.evidence
        first, last = evidence.first_latent_spread, evidence.latent_spread
        numbers = [f"spread of the latents {first:.3g} → {last:.3g}"]
        if not math.isnan(evidence.first_code_spread):
            numbers += [
                f"offset {evidence.first_latent_offset:.3g} → {evidence.latent_offset:.3g}",
                f"first spread of the codes {evidence.first_code_spread:.3g}",
            ]
        numbers.append(f"quantization leaves {evidence.left_over} of the variance")
        return " · ".join(numbers)

    def _repr_html_(self) -> str:
        return "<br>".join(map(html.escape, self.lines()))


def diagnose(run: RunFolder) -> Diagnosis:
    """Finds the faults of the codebook of a run, from its records.

    Raises:
        RunError: if no step was recorded, or the model has no tokens.
        RecordError: if the records are damaged.
    """
    try:
        evidence = evidence_of(run)
        causes = tuple(findings_of(evidence))
    # Options of other types, missing numbers: vqfw records no such run.
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
    return Diagnosis(run.id, evidence, causes, scores)
