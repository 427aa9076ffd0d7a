"""The committed tables of studies, read and written again."""

import json
from pathlib import Path

import pytest

from vqfw.results.study_table import table_from
from vqfw.results.study_table_files import as_json

STUDIES = Path(__file__).parents[2] / "experiments" / "studies"
TABLES = sorted(STUDIES.glob("*.table.json"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_committed_table_is_written_again_byte_for_byte(path):
    text = path.read_text("utf-8")
    assert as_json(table_from(json.loads(text))) == text
