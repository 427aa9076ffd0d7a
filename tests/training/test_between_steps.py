"""Placing and reviving codes come before a step, never after the last one."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import vqfw
from vqfw.assembly.usage_monitor import UsageMonitor
from vqfw.errors import RunError
from vqfw.runs.exactness import promise
from vqfw.training.revival import RevivalEngine


@pytest.mark.processes
def test_no_code_is_revived_after_the_last_step(tiny, monkeypatch):
    asked = []
    original = RevivalEngine.before_step

    def noted(engine, step):
        asked.append(step)
        return original(engine, step)

    monkeypatch.setattr(RevivalEngine, "before_step", noted)
    tiny("training.steps=10", "model.revival.interval=5").run()
    assert asked == list(range(10))


@pytest.mark.processes
def test_placing_the_codes_after_a_warm_up_resets_usage(tiny, monkeypatch):
    masses = []
    original = UsageMonitor.forget

    def noted(monitor):
        masses.append(float(monitor.mass))
        original(monitor)
        assert not any(np.any(np.asarray(each)) for each in monitor.variables)

    monkeypatch.setattr(UsageMonitor, "forget", noted)
    tiny("training.steps=6", "model.quantizer.warm_up=4").run()
    (mass,) = masses
    assert mass > 0


@pytest.mark.processes
def test_a_run_logs_the_options_that_follow_a_schedule(tiny, root):
    schedule = '{"type":"linear","start":0.0,"end":0.3,"steps":3}'
    inner = f'{{"type":"lfq","bits":4,"entropy_weight":{schedule}}}'
    wrapped = f'model.quantizer={{"type":"residual","quantizer":{inner}}}'
    tiny("training.steps=5", "model.revival=null", wrapped).run(name="a")
    log = (root / "checkpoints" / "a" / "metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in log if "loss" in json.loads(line)]
    for level in (0, 1):
        found = [each[f"level_{level}_entropy_weight"] for each in steps]
        assert found == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.3])


@pytest.mark.processes
def test_a_run_is_scored_and_resumed_with_data_found_through_the_environment(
    root, tiny, monkeypatch
):
    folder = root / "elsewhere" / "faces"
    for person in range(12):
        for number in range(4):
            path = folder / f"p{person}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20), (person * 20, number * 60, 90)).save(path)
    monkeypatch.setenv("VQFW_DATA", str(folder.parent))
    values = dict(tiny("training.steps=4").checked.values)
    values["data"] = {
        "dataset": {"type": "image_folder", "path": "faces"},
        "image_size": 16,
    }
    (root / "found.json").write_text(json.dumps(values))
    run = vqfw.load(root / "found.json").run(name="found")
    monkeypatch.delenv("VQFW_DATA")
    opened = vqfw.open_run("found")
    before = opened.scores["test"]["psnr"]["value"]
    assert opened.evaluate().values["psnr"] == before
    assert opened.resume().trained.steps == 4
    recorded = json.loads((run.folder.path / "environment.json").read_text())
    assert recorded["dataset_path"] == str(folder)


def test_a_run_refuses_a_folder_that_already_has_pictures(root, tiny):
    taken = root / "images_saved" / "mine"
    taken.mkdir(parents=True)
    (taken / "keep.png").write_bytes(b"mine")
    with pytest.raises(RunError, match=r"images_saved.mine exists.*move it away"):
        tiny("training.steps=2").run(name="mine")
    assert (taken / "keep.png").read_bytes() == b"mine"
    assert not (root / "checkpoints" / "mine").exists()


def test_a_run_is_locked_before_its_experiment_is_recorded(root, tiny, monkeypatch):
    def record(folder, plan, splits, say):
        with pytest.raises(RunError, match="being written"):
            folder.require_free()
        raise RuntimeError("recorded under the lock")

    monkeypatch.setattr("vqfw.api.experiment.record", record)
    with pytest.raises(RuntimeError, match="recorded under the lock"):
        tiny("training.steps=2").run(name="mine")
    assert not (root / "checkpoints" / "mine").exists()
    assert not (root / "images_saved" / "mine").exists()


@pytest.mark.processes
def test_a_second_evaluation_leaves_no_pictures_of_the_first(root, tiny):
    run = tiny("training.steps=2", "evaluation.pictures=4").run()
    assert (run.folder.pictures / "recon_4.png").exists()
    for extra in (9, 10):
        shutil.copy(
            run.folder.pictures / "recon_1.png",
            run.folder.pictures / f"recon_{extra}.png",
        )
    run.evaluate()
    found = sorted(path.name for path in run.folder.pictures.glob("recon_*.png"))
    assert found == ["recon_1.png", "recon_2.png", "recon_3.png", "recon_4.png"]


@pytest.mark.processes
def test_a_locked_run_is_not_scored(tiny):
    run = tiny("training.steps=2").run()
    with run.folder.locked(), pytest.raises(RunError, match="being written"):
        vqfw.open_run(run.id).evaluate()


def test_resume_is_called_exact_only_where_nothing_changed():
    here = {"versions": {"keras": "3.15.1"}, "backend": "tensorflow", "threads": 2}
    assert promise(here, here).startswith("exact")
    other = {**here, "versions": {"keras": "3.16.0"}, "threads": 4}
    said = promise(here, other)
    assert said.startswith("equivalent")
    assert "keras 3.15.1 -> 3.16.0" in said
    assert "threads 2 -> 4" in said
