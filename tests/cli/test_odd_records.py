"""Damaged or foreign records: a bad run is one line of the list, or one error line."""

from __future__ import annotations

import json
import os
import shutil

import pytest

SCORES = [
    "",
    "[]",
    "{",
    "[" * 100_000,
    '{"test": []}',
    '{"test": {"psnr": []}}',
    '{"test": {"psnr": {}}}',
    '{"test": {"psnr": {"value": "high"}}}',
    '{"test": {"psnr": {"value": [20]}}}',
    '{"test": {"psnr": {"value": NaN}}}',
    '{"test": {"psnr": {"value": 1e999}}}',
    '{"test": {"psnr": {"value": 1' + "0" * 400 + "}}}",
    '{"test": {"psnr": {"value": 20, "interval": 3}}}',
    '{"test": {"psnr": {"value": 20, "unit": 3}}}',
    '{"test": {"images": "all"}}',
    b"\xff",
]


@pytest.fixture
def odd(done, root):
    """Writes a record of the run ``odd``, which is listed beside ``done``."""
    runs = root / "checkpoints"
    shutil.copytree(runs / "done", runs / "odd")

    def write(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        (runs / "odd" / name).write_bytes(data)

    return write


def in_one_sentence(answer):
    assert answer.code in (1, 2), answer
    told = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, answer.err
    return answer.err


@pytest.mark.parametrize("content", SCORES, ids=lambda each: repr(each)[:40])
def test_damaged_scores_are_one_line_of_the_list_and_one_error(odd, command, content):
    odd("scores.json", content)
    listed = command("runs", "list")
    assert listed.code == 0, listed.err
    lines = {line.split()[0]: line for line in listed.out.splitlines() if line.strip()}
    assert "psnr" in lines["done"]
    assert "vqfw eval --run odd" in listed.out
    runs = {run["run"]: run for run in command("runs", "list", "--json").data["runs"]}
    assert "error" not in runs["done"]
    assert "scores.json" in runs["odd"]["error"]
    assert command("runs", "path", "best:psnr").out.endswith("done\n")
    for verb in (["runs", "show", "odd"], ["compare", "done", "odd"]):
        answer = command(*verb)
        assert answer.code == 1
        assert "scores.json" in in_one_sentence(answer)


CHANGES = {
    "environment.json": [
        {"threads": -1},
        {"threads": 10**9},
        {"threads": "2"},
        {"threads": None},
        {"threads": True},
        {"precision": "float8"},
        {"precision": []},
        {"plugin_files": {}},
        {"plugin_files": [{"path": 1, "sha256": "a" * 64}]},
        {"plugin_files": [{"path": "", "sha256": "a" * 64}]},
        {"plugin_files": [{"path": "/", "sha256": "a" * 64}]},
        {"plugin_files": [{"path": "a.py", "sha256": "a" * 64}]},
        {"plugin_files": [{"path": "/a.py", "sha256": "../key"}]},
        {"plugin_files": [{"path": "/a.py", "sha256": "/dev/zero"}]},
        {"versions": []},
        {"git": "dirty"},
        {"dataset_path": 7},
    ],
    "resolved.json": [
        {"name": 3},
        {"model": []},
        {"model": {"type": 3}},
        {"data": {"image_size": "large"}},
        {"training": {"batch_size": 0}},
        {"losses": {}},
        {"losses": ["mse"]},
        {"expected": [1]},
    ],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_damaged_record_is_one_error_line_in_every_verb(odd, command, root, name):
    path = root / "checkpoints" / "odd" / name
    whole = json.loads(path.read_text())
    contents = [json.dumps({**whole, **each}) for each in CHANGES[name]]
    for content in (*contents, "[]", b"\xff", "[" * 100_000):
        odd(name, content)
        assert command("runs", "list").code == 0
        for verb in (["compare", "done", "odd"], ["eval", "--run", "odd"]):
            answer = command(*verb)
            assert answer.code == 1, (content[:200], answer)
            assert name in in_one_sentence(answer)


def test_damaged_training_failure_and_origin_records_count_as_missing(
    odd, command, root
):
    for content in ("[]", '{"steps": "all"}', '{"steps": 1e400}', b"\xff"):
        odd("training.json", content)
        answer = command("compare", "done", "odd")
        assert answer.code == 0
        assert "not finished: odd" in answer.out
    for content in ("[1]", '{"a"', '{"tracker": 3}\n'):
        odd("failures.jsonl", content)
        assert command("runs", "show", "odd").code == 0
    odd("origins.json", '{"seed": 3}')
    assert command("compare", "done", "odd").code == 0
    (root / "checkpoints" / "LATEST").write_bytes(b"\xff\n")
    assert command("runs", "path", "latest").code == 0


@pytest.mark.parametrize(
    "line",
    ["3", "[]", '{"step": "x"}', '{"step": 1, "loss": []}', '{"step": -1}', "[" * 9999],
)
def test_a_damaged_line_of_the_log_is_skipped(odd, command, root, line):
    path = root / "checkpoints" / "odd" / "metrics.jsonl"
    before = command("doctor", "odd").out
    odd("metrics.jsonl", f"{line}\n{path.read_text()}{line}\n")
    assert command("doctor", "odd").out == before


@pytest.mark.parametrize("line", [b"\xff", b"[" * 9999, b'{"step": 1e999}'])
def test_a_run_with_a_damaged_line_in_its_log_resumes(odd, command, root, line):
    path = root / "checkpoints" / "odd" / "metrics.jsonl"
    before = path.read_bytes()
    odd("metrics.jsonl", line + b"\n" + before)
    answer = command("run", "--resume", "odd", "--quiet")
    assert answer.code == 0, answer.err
    assert path.read_bytes() == before


def test_a_diagnosis_of_damaged_options_is_one_error_line(odd, command, root):
    path = root / "checkpoints" / "odd" / "resolved.json"
    resolved = json.loads(path.read_text())
    for interval in ("often", 0, None):
        resolved["model"]["revival"]["interval"] = interval
        odd("resolved.json", json.dumps(resolved))
        answer = command("doctor", "odd")
        assert answer.code == 1
        assert "do not fit together" in in_one_sentence(answer)


ESCAPE = "\x1b[2J\x1b]0;title\x07\u202e"


def test_control_characters_of_a_record_are_escaped(odd, command, root, monkeypatch):
    run = root / "checkpoints" / "odd"
    score = {"value": 20, "unit": ESCAPE, "better": ESCAPE}
    odd(
        "scores.json",
        json.dumps({f"test{ESCAPE}": {ESCAPE: score}, "test": {ESCAPE: score}}),
    )
    odd("failures.jsonl", json.dumps({"tracker": f"a{ESCAPE}\nb"}))
    odd("origins.json", json.dumps({"seed": ESCAPE}))
    for name, changes in {
        "environment.json": {"processor": ESCAPE, "data_fingerprint": ESCAPE},
        "resolved.json": {"name": ESCAPE, "description": ESCAPE, "seed": 3},
    }.items():
        whole = json.loads((run / name).read_text())
        odd(name, json.dumps(whole | changes))
    folder = run.with_name(f"odd{ESCAPE}\nline")
    run.rename(folder)
    for columns in ("60", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        for verb in (
            ["runs", "list"],
            ["runs", "show", "odd"],
            ["runs", "path", "odd"],
            ["compare", "done", "odd"],
            ["doctor", "odd"],
            ["run", "--resume", f"none{ESCAPE}"],
            ["eval", "--run", "odd", "--data", f"none{ESCAPE}"],
        ):
            answer = command(*verb)
            told = answer.out + answer.err
            assert answer.code in (0, 2, 4), told
            assert not {"\x1b", "\x07", "\u202e"} & set(told), verb
            assert "x1b[2J" in told or "u001b[2J" in told, verb
    monkeypatch.delenv("COLUMNS")
    assert len(command("runs", "list").out.splitlines()) == 2
    assert "\x1b" not in command("runs", "list", "--json").out


def test_a_printed_command_quotes_the_name_of_a_run(odd, command, root):
    name = "odd; touch harm $(touch harm)"
    (root / "checkpoints" / "odd").rename(root / "checkpoints" / name)
    shutil.rmtree(root / "checkpoints" / name / "state")
    answer = command("eval", "--run", "odd", "--quiet")
    assert answer.code == 2
    assert answer.hint() == ["run", "--resume", name]


def test_a_damaged_record_of_a_plugin_file_is_one_error_line(odd, command, root):
    path = root / "checkpoints" / "odd" / "environment.json"
    file = {"path": "/a.py", "sha256": "a" * 64, "more": 1}
    odd(path.name, json.dumps({**json.loads(path.read_text()), "plugin_files": [file]}))
    answer = command("eval", "--run", "odd")
    assert answer.code == 3
    assert "you have not run on this machine" in answer.err


def test_a_file_name_that_is_not_utf8_can_be_printed(odd, command, root):
    path = os.fsencode(root / "checkpoints" / "odd")
    os.rename(path, path + b"\xff")
    answer = command("runs", "list")
    assert answer.code == 0
    assert r"odd\udcff" in answer.out
