"""Nicolas Seriot's JSONTestSuite, https://github.com/nst/JSONTestSuite, in whole."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from vqfw.text.reader import scan

# Refused by the standard, and allowed here on purpose.
COMMENTS_AND_TRAILING_COMMAS = {
    "n_array_extra_comma.json",
    "n_array_number_and_comma.json",
    "n_object_trailing_comma.json",
    "n_object_trailing_comment.json",
    "n_object_trailing_comment_slash_open.json",
    "n_structure_object_with_comment.json",
}
# Allowed by the standard, and refused here on purpose.
DUPLICATE_KEYS_AND_NUL = {
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
    "y_string_null_escape.json",
}


@pytest.fixture(scope="module")
def suite() -> Mapping[str, bytes]:
    folder = os.environ.get("VQFW_DATA")
    if not folder:
        pytest.skip("VQFW_DATA is not set, and JSONTestSuite.tgz is looked for there")
    path = Path(folder) / "JSONTestSuite.tgz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} in the folder that VQFW_DATA names")
    found = {}
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and member.name.endswith(".json"):
                found[Path(member.name).name] = file.read()
    return found


def test_all_that_must_be_refused_is_refused_with_line_and_column(
    suite: Mapping[str, bytes],
) -> None:
    names = {name for name in suite if name.startswith("n_")}
    assert len(names) == 188
    accepted = set()
    for name in names:
        _, problems = scan(suite[name], name)
        accepted |= set() if problems else {name}
        for problem in problems:
            assert problem.place is not None
            assert problem.place.line >= 1
            assert problem.place.column >= 1
    assert accepted == COMMENTS_AND_TRAILING_COMMAS


def test_all_that_must_be_accepted_is_accepted(suite: Mapping[str, bytes]) -> None:
    names = {name for name in suite if name.startswith("y_")}
    assert len(names) == 95
    assert {n for n in names if scan(suite[n], n)[1]} == DUPLICATE_KEYS_AND_NUL


def test_json_that_the_standard_leaves_open_gives_a_value_or_problems(
    suite: Mapping[str, bytes],
) -> None:
    names = {name for name in suite if name.startswith("i_")}
    assert len(names) == 35
    for name in names:
        root, problems = scan(suite[name], name)
        assert problems or root is not None
