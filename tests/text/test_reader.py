"""The reader: what it takes, what it refuses, and where it says things are."""

from __future__ import annotations

import pytest

from vqfw.errors import ExperimentError, Problem
from vqfw.text.reader import MAX_BYTES, MAX_DEPTH, read, scan


def refused(text: str | bytes) -> Problem:
    """The first mistake in a text."""
    with pytest.raises(ExperimentError) as caught:
        read(text, "x.json")
    return caught.value.problems[0]


def test_every_value_and_key_knows_its_line_and_column() -> None:
    root = read('{\n  "a": [1,\n    "tω\\n"],\r\n\t"b": null}', "x.json")
    a, b = root.value["a"], root.value["b"]
    assert (a.key.line, a.key.column, a.key.length) == (2, 3, 3)
    assert (a.place.line, a.place.column, a.place.length) == (2, 8, 3)
    assert (a.value[1].place.line, a.value[1].place.column) == (3, 5)
    assert a.value[1].place.length == len('"tω\\n"')
    assert (b.place.line, b.place.column, b.place.excerpt) == (4, 7, '\t"b": null}')


def test_comments_and_trailing_commas_are_allowed() -> None:
    text = '// one\n{"a": [1, 2,], /* two\n */ "b": {"c": 3,},}// three'
    assert read(text, "x").plain() == {"a": [1, 2], "b": {"c": 3}}


def test_a_comment_in_a_string_is_text() -> None:
    assert read('["// a", "/* b */"]', "x").plain() == ["// a", "/* b */"]


def test_a_byte_order_mark_does_not_shift_columns() -> None:
    root = read('\ufeff{"a": 1}'.encode(), "x")
    assert root.value["a"].key.column == 2


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_once(ending: str) -> None:
    root = read(ending.join(["[", "", "1]"]), "x")
    assert (root.value[0].place.line, root.value[0].place.excerpt) == (3, "1]")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("9007199254740992", 2**53),
        ("1e-400", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ('"\\ud83d\\ude00 \\u00e9\\/\\b"', "😀 é/\b"),
        ('"\x7f"', "\x7f"),
    ],
)
def test_a_value_is_read_as_json_means_it(text: str, value: object) -> None:
    found = read(text, "x").plain()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ('{"a": 1, "\\u0061": 2}', "duplicate-key"),
        ("NaN", "invalid-number"),
        ("-Infinity", "invalid-number"),
        ("1e400", "invalid-number"),
        ("-1e400", "invalid-number"),
        ("9007199254740993", "invalid-number"),
        ("9" * 5000, "invalid-number"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested-too-deep"),
        ("[" * 200_000, "nested-too-deep"),
        ('{"a":' * 100_000, "nested-too-deep"),
        ('["\\ud800"]', "invalid-json"),
        ('["\\udc00\\ud800"]', "invalid-json"),
        ('["\ud800"]', "invalid-json"),
        ('["\\u0000"]', "invalid-json"),
        ('["\x00"]', "invalid-json"),
        ("\x00", "invalid-json"),
        (b'["\xff"]', "not-utf-8"),
        (b'["\xed\xa0\x80"]', "not-utf-8"),
        ('{"a": 1}'.encode("utf-16"), "not-utf-8"),
        (b"\xef\xbb\xbf\xff", "not-utf-8"),
        (b" " * (MAX_BYTES + 1), "too-big"),
    ],
)
def test_invalid_json_values_are_refused_with_a_place(
    text: str | bytes, code: str
) -> None:
    problem = refused(text)
    assert problem.code == code
    assert problem.place is not None
    assert problem.place.line >= 1
    assert problem.place.column >= 1


def test_the_allowed_depth_and_size_are_read() -> None:
    read("[" * MAX_DEPTH + "]" * MAX_DEPTH, "x")
    read(b"1" + b" " * (MAX_BYTES - 1), "x")


def test_the_place_of_a_bad_byte_counts_characters() -> None:
    place = refused('{"é": "ü'.encode() + b'\xff"}').place
    assert place is not None
    assert (place.line, place.column) == (1, 9)


def test_the_second_of_two_equal_keys_is_marked_and_the_first_named() -> None:
    problem = refused('{\n"a": 1,\n"b": 2,\n"a": 3}')
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (4, 1)
    assert "line 2" in problem.note


@pytest.mark.parametrize(
    ("text", "repair"),
    [
        ("None", "write null"),
        ("True", "write true"),
        ("False", "write false"),
        ("undefined", "write null"),
        ("'a'", 'JSON writes it "a"'),
        ("“a”", 'JSON writes it "a"'),
        ("{a: 1}", 'put it in double quotes: "a"'),
        ("a", 'put it in double quotes: "a"'),
        ('{"a" = 1}', "write ':'"),
        ("[1 2]", "write ',' here"),
        ("[1,", "write ']' at its end"),
        (".5", "write 0.5"),
        ("+1", "write 1"),
        ("1_000", "write 1000"),
        ("0x1F", "write 31"),
        ("007", "write 7"),
        ('"C:\\Users"', "write / between folders"),
        ('["a": 1]', "write ']' before the key"),
    ],
)
def test_syntax_of_python_or_yaml_is_answered_with_its_json_form(
    text: str, repair: str
) -> None:
    assert refused(text).help.startswith(repair)


def test_reading_continues_after_a_recoverable_error() -> None:
    root, problems = scan('{a: None, \'b\': 1 "c": .5, "c": 2}', "x")
    assert [problem.message.split()[0] for problem in problems] == [
        "quotes", "write", "'b'", "','", ".5", "duplicate",
    ]  # fmt: skip
    assert root is not None
    assert root.plain() == {"a": None, "b": 1, "c": 0.5}


def test_reading_stops_after_100_problems() -> None:
    _, problems = scan("[" + "None," * 5000 + "]", "x")
    assert len(problems) == 100
