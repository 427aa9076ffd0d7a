"""The diagnosis of a small training names its planted cause first."""

import importlib.util
import json
import math
from pathlib import Path

import pytest

import vqfw
from vqfw.diagnosis.evidence import Evidence, evidence_of
from vqfw.diagnosis.rules import findings_of

HERE = Path(__file__).parent
CASES = {path.stem: json.loads(path.read_text()) for path in HERE.glob("cases/*.json")}
PLANTED = sorted(name for name in CASES if CASES[name]["cause"])


def script():
    spec = importlib.util.spec_from_file_location("make_cases", HERE / "make_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found_in(name):
    numbers = CASES[name]["evidence"]
    unknown = {key: math.nan for key, value in numbers.items() if value is None}
    return findings_of(Evidence(**numbers | unknown))


def test_the_cases_are_those_of_the_script():
    made = {
        name: {"cause": case["cause"], "changes": tuple(case["changes"])}
        for name, case in CASES.items()
    }
    written = {
        name: {"cause": cause, "changes": changes}
        for name, (cause, changes) in script().CASES.items()
    }
    assert made == written
    assert len(PLANTED) >= 10


def test_a_healthy_training_has_no_findings():
    assert found_in("healthy") == []


@pytest.mark.parametrize("name", PLANTED)
def test_the_planted_cause_is_named_first(name):
    causes = [finding.cause for finding in found_in(name)]
    assert causes[:1] == [CASES[name]["cause"]]


@pytest.mark.processes
@pytest.mark.parametrize("name", ["healthy", "initial_scale"])
def test_a_real_training_of_a_case_is_diagnosed_with_its_cause(name, root):
    made = script()
    path = root / "case.json"
    path.write_text(json.dumps(made.BASE))
    cause, changes = made.CASES[name]
    run = vqfw.load(path, changes).run(name="case")
    causes = [finding.cause for finding in findings_of(evidence_of(run.folder))]
    assert causes[:1] == ([cause] if cause else [])
    told = run.diagnose().lines()
    assert "usage" in told[0]
    assert (told[-1] == "nothing wrong found") is (not cause)
