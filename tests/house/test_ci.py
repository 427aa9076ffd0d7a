"""``.ci/run`` runs every tier, counts what passed, and fails where anything is missing."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"][
    "ini_options"
]
TIERS = ("backends", "processes", "mutations")
# Stands in for Python, which makes an environment whose pytest only tells its numbers.
PYTHON = """#!/bin/sh
mkdir -p .venv/bin
printf '#!/bin/sh\\n' > .venv/bin/pip
cat > .venv/bin/pytest <<'END'
#!/bin/sh
echo "$* $(cat .venv/tiers 2> /dev/null)" >> ../called
case "$*" in
"") echo "=== 100 passed, 2 skipped, 9 deselected in 60.00s (0:01:00) ===" ;;
"-m $FAILS") echo "=== 1 failed, 9 passed, 1 error in 1.00s ==="; exit 1 ;;
*) echo "=== 10 passed, 102 deselected in 1.00s ===" ;;
esac
END
chmod +x .venv/bin/*
"""


@pytest.fixture
def ci(tmp_path):
    """Runs a copy of the script, with a tier that fails and the number that must pass."""
    program = tmp_path / "bin" / "python3"
    program.parent.mkdir()
    program.write_text(PYTHON)
    program.chmod(0o755)
    folder = tmp_path / "checkout" / ".ci"
    folder.mkdir(parents=True)
    (folder / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())

    def run(fails="none", expected=130):
        (folder / "passed").write_text(f"{expected}\n")
        found = subprocess.run(
            ["bash", str(folder / "run")],
            env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
            | {"FAILS": fails},
            capture_output=True,
            text=True,
        )
        called = (tmp_path / "called").read_text().splitlines()
        assert [line.strip() for line in called] == ["", *(f"-m {t}" for t in TIERS)]
        return found.returncode, found.stdout.splitlines()

    return run


def test_ci_ends_in_a_line_a_tier_and_their_total(ci):
    code, lines = ci()
    assert code == 0
    *tiers, total = lines[-5:]
    assert re.fullmatch(r"default +passed in \d+ s: 100 passed, .*", tiers[0])
    assert [line.split()[0] for line in tiers] == ["default", *TIERS]
    assert total.startswith("=== 130 passed, 2 skipped in ")


@pytest.mark.parametrize("fails", TIERS)
def test_ci_runs_every_tier_after_one_that_fails(fails, ci):
    code, lines = ci(fails)
    assert code == 1
    assert lines[-1].startswith("=== 1 failed, 129 passed, 2 skipped, 1 error in ")
    assert re.search(f"^{fails} +failed", "\n".join(lines), re.MULTILINE)


def test_ci_fails_where_fewer_tests_pass_than_were_committed(ci):
    code, lines = ci(expected=131)
    assert code == 1
    assert "130 tests passed, fewer than the 131 of .ci/passed" in lines[-2]


def test_ci_begins_with_the_test_command_of_the_readme():
    command = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"
    assert command in (ROOT / "README.md").read_text()
    run = (ROOT / ".ci" / "run").read_text()
    assert f"default() {{\n  {command}\n}}" in run
    assert "\nfor name in default " in run


def test_every_tier_is_left_out_of_the_default_and_has_a_marker():
    marked = [line.partition(":")[0] for line in OPTIONS["markers"]]
    assert [each for each in marked if each in TIERS] == list(TIERS)
    assert " and ".join(f"not {tier}" for tier in TIERS) in OPTIONS["addopts"]
