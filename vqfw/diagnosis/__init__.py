"""Why a codebook collapsed: what a run recorded, rules over it, and a verdict in words."""

from vqfw.diagnosis.evidence import Evidence, evidence_of
from vqfw.diagnosis.rules import Finding, findings

__all__ = ["Evidence", "Finding", "evidence_of", "findings"]
