"""Workflows, templates, citation, security page and changelog of the repository."""

import re
import subprocess
import sysconfig
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from vqfw_datasets import archives

from vqfw.data import decoding
from vqfw.runs import files
from vqfw.text import reader

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").iterdir())
CONTRIBUTING = (ROOT / ".github" / "CONTRIBUTING.md").read_text()


def succeeds(program: str, *arguments: object) -> None:
    answer = subprocess.run(
        [SCRIPTS / program, *map(str, arguments)],
        cwd=ROOT,
        # Its schemas are installed with it: a test reaches no network.
        env={"PATH": "", "HTTPS_PROXY": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def parsed(path: Path):
    return YAML(typ="safe").load(path.read_text())


@pytest.fixture(scope="module")
def tests_workflow():
    return parsed(ROOT / ".github" / "workflows" / "tests.yml")


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_workflows_forms_and_citation_keep_their_schema(schema, paths):
    form = ("--builtin-schema", schema, "--default-filetype", "yaml")
    succeeds("check-jsonschema", *form, *paths)


def test_hooks_of_commits_are_tools_of_the_test_extra():
    succeeds("pre-commit", "validate-config", ".pre-commit-config.yaml")
    repositories = parsed(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        program = Path(hook["entry"].split()[0])
        assert program.parent == Path(".venv/bin")
        assert (SCRIPTS / program.name).exists()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_pins_its_actions(path):
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in path.read_text()
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        actions = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in actions)
        (checkout,) = [s for s in job["steps"] if "checkout" in s.get("uses", "")]
        assert checkout["with"] == {"persist-credentials": False}


def test_the_default_tier_runs_on_every_python_of_the_classifiers(tests_workflow):
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={versions[0]}"
    jobs = tests_workflow["jobs"]
    for name in ("default", "nightly"):
        assert jobs[name]["strategy"]["matrix"]["python"] == versions
    command = jobs["default"]["steps"][-1]["run"]
    assert f"\n{command}\n" in (ROOT / "README.md").read_text()


def test_every_other_tier_is_a_job_and_the_night_runs_all(tests_workflow):
    jobs = tests_workflow["jobs"]
    script = (ROOT / ".ci" / "run").read_text()
    (loop,) = re.findall(r"^for name in default (.+); do$", script, re.MULTILINE)
    assert jobs["tier"]["strategy"]["matrix"]["tier"] == loop.split()
    assert jobs["tier"]["steps"][-1]["run"] == ".venv/bin/pytest -m ${{ matrix.tier }}"
    assert jobs["nightly"]["steps"][-1]["run"] == ".ci/run"
    nightly = "github.event_name == 'schedule'"
    assert jobs["nightly"]["if"] == nightly
    others = {jobs[name]["if"] for name in ("default", "tier")}
    assert others == {nightly.replace("==", "!=")}


def test_citation_and_changelog_have_the_version_of_the_package():
    citation = parsed(ROOT / "CITATION.cff")
    heading = re.search(
        r"^## (\S+) - (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert citation["version"] == heading[1] == PROJECT["version"]
    assert str(citation.get("date-released", "unreleased")) == heading[2]
    assert citation["license"] == PROJECT["license"]


def test_modules_that_are_called_public_list_their_names():
    (row,) = re.findall(r"^\| the names in `__all__` of (.+?) \|", CONTRIBUTING, re.M)
    listed, _, whole = row.partition(";")
    for name in re.findall(r"`(.+?)`", listed):
        module = import_module(name)
        assert all(hasattr(module, each) for each in module.__all__)
    for name in re.findall(r"`(.+?)`", whole):
        import_module(name)


def test_the_limits_in_the_security_page_are_those_of_the_code():
    text = (ROOT / ".github" / "SECURITY.md").read_text()
    mebibyte, million = 1 << 20, 1_000_000
    assert decoding.FILE_BYTES == archives.MEMBER_BYTES
    pixels = f"{decoding.PIXELS // million} million pixels"
    for row in (
        f"| experiment | {reader.MAX_BYTES // mebibyte} MiB, {reader.MAX_DEPTH} levels |",
        f"| record of a run, except `metrics.jsonl` | {files.MOST_BYTES // mebibyte} MiB |",
        f"| picture | {decoding.FILE_BYTES // mebibyte} MiB encoded, {pixels} |",
        f"| archive or folder | {archives.MEMBER_COUNT:,} files |",
    ):
        assert row in text
