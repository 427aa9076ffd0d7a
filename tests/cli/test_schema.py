"""``vqfw schema`` prints and writes the schema, and never the one that vqfw ships."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_schema_is_printed_whole(command):
    printed = json.loads(command("schema").out)
    assert printed == json.loads((ROOT / "schemas/experiment.schema.json").read_text())


def test_the_schema_is_written_beside_the_experiments(root, command):
    assert command("schema", "--write").code == 0
    written = json.loads((root / "schemas" / "experiment.schema.json").read_text())
    assert "quantizer.ema" in written["$defs"]


def test_the_schema_that_vqfw_ships_is_never_overwritten(command, monkeypatch):
    target = ROOT / "schemas" / "experiment.schema.json"
    before = target.read_bytes(), target.stat().st_mtime_ns
    monkeypatch.chdir(ROOT)
    answer = command("schema", "--write")
    assert answer.code == 2
    assert "the folder of your experiments" in answer.err
    assert (target.read_bytes(), target.stat().st_mtime_ns) == before
