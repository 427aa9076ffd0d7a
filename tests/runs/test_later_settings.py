"""Records that were made before a setting existed keep their key and their meaning."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vqfw
from vqfw.api.reopened import Reopened
from vqfw.data.splits import FEW_GROUPS
from vqfw.experiment import as_recorded, experiment_from, later
from vqfw.experiment.later import with_later_defaults, without_later_defaults
from vqfw.plan import Plan
from vqfw.runs import RunFolder
from vqfw.schema.loading import packaged
from vqfw.study.identity import key_of_run, key_of_settings

RECORD = Path(__file__).with_name("records") / "before_split_by"
KEY = "3d45057538"


def _plan(run: RunFolder) -> Plan:
    """The plan with which it is resumed and scored, where its data lies now."""
    return Reopened(run).plan_with_data("again", data_path=run.root / "people")


@pytest.fixture
def old(root: Path) -> RunFolder:
    """A run recorded by a release without data.split_by and data.group_level.

    Four people, three views each, two pictures a view; the group was the last folder.
    """
    rng = np.random.default_rng(0)
    for person in range(4):
        for view in ("front", "side", "back"):
            folder = root / "people" / f"p{person}" / view
            folder.mkdir(parents=True)
            for i in range(2):
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    shutil.copytree(RECORD, root / "checkpoints" / "old")
    return RunFolder("old", root)


def test_a_later_setting_at_its_default_leaves_the_key_of_a_run_alone(
    old: RunFolder,
) -> None:
    assert key_of_run(old) == KEY
    environment = {"versions": old.environment["versions"], "plugin_files": []}
    assert environment["versions"]["vqfw"] == "0.1.0"
    fresh = experiment_from(old.resolved).values
    assert fresh["data"]["split_by"] == "auto"
    assert without_later_defaults(fresh) == old.resolved
    assert with_later_defaults(old.resolved) == fresh


def test_a_study_finds_a_run_that_was_recorded_before(old: RunFolder) -> None:
    values = experiment_from(old.resolved).values
    assert key_of_settings(values) == key_of_run(old)
    other = {**values, "data": {**values["data"], "split_by": "image"}}
    assert key_of_settings(other) != KEY


def test_a_run_keeps_the_grouping_that_it_recorded(old: RunFolder) -> None:
    assert as_recorded(old.resolved)["data"]["group_level"] is None
    from vqfw.api.preparation import splits_of

    splits = splits_of(_plan(old), quiet=True)
    assert splits.fingerprint == old.environment["data_fingerprint"]
    assert set(splits.test.groups) <= {"front", "side", "back"}


def test_a_call_that_writes_walks_the_run_folder_once(
    old: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[Path] = []
    monkeypatch.setattr(
        "vqfw.runs.folder.outward_paths", lambda folder: walked.append(folder) or ()
    )
    run = Reopened(old)
    with run.writing():
        run.plan_with_data("again", data_path=old.root / "people")
    assert walked.count(old.path) == 1


def test_plugin_files_of_an_opened_run_stay_where_they_are(
    old: RunFolder, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    run = vqfw.open_run("old", plugins=["mine.py"])
    monkeypatch.chdir("people")
    assert run.plugins == (root / "mine.py",)


def test_a_settled_split_stays_when_the_rule_changes(
    old: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**old.environment, "split_by": "image"}
    (old.path / "environment.json").write_text(json.dumps(environment))
    values = with_later_defaults(old.resolved)
    (old.path / "resolved.json").write_text(json.dumps(values))
    monkeypatch.setattr("vqfw.data.splits.FEW_GROUPS", 1)
    assert FEW_GROUPS == 20
    assert _plan(old).split_by == "image"


def test_compare_sees_no_difference_in_a_later_setting_at_its_default(
    old: RunFolder, root: Path
) -> None:
    for name, split_by in (("new", "auto"), ("other", "image")):
        shutil.copytree(old.path, root / "checkpoints" / name)
        values = with_later_defaults(old.resolved)
        values["data"]["split_by"] = split_by
        (root / "checkpoints" / name / "resolved.json").write_text(json.dumps(values))
    assert vqfw.compare(["old", "new"], root).settings == ()
    (found,) = vqfw.compare(["old", "other"], root).settings
    assert (found.name, found.values) == ("data.split_by", ("auto", "image"))


def test_a_component_may_introduce_an_option_too(
    old: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown = json.loads(json.dumps(packaged()))
    options = grown["$defs"]["loss.mse"]["properties"]
    options["power"] = {"type": "number", "default": 2.0, "introduced": "9"}
    options["inner"] = {
        "$ref": "#/$defs/loss", "default": "mae", "introduced": "9", "before": "mse"
    }  # fmt: skip
    monkeypatch.setattr(later, "schema_for", lambda names: (grown, {}))
    values = with_later_defaults(old.resolved)
    (loss,) = values["losses"]
    assert loss["power"] == 2.0
    assert loss["inner"] == {"type": "mae", "weight": 1.0}
    assert without_later_defaults(values) == old.resolved
    loss["power"] = 1.0
    assert without_later_defaults(values)["losses"][0]["power"] == 1.0
    assert as_recorded(old.resolved)["losses"][0]["inner"] == "mse"
