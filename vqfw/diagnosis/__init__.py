"""Why a codebook collapsed: what a run recorded, rules over it, and a verdict in words."""

from vqfw.diagnosis.evidence import Evidence, evidence_of
from vqfw.diagnosis.rules import Finding, findings_of
from vqfw.diagnosis.verdict import Diagnosis, diagnose

__all__ = ["Diagnosis", "Evidence", "Finding", "diagnose", "evidence_of", "findings_of"]
