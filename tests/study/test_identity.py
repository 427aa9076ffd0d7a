"""Runs with the same key count as the same."""

import json

import pytest

from vqfw.runs import RunFolder
from vqfw.study.grid import Arm, Point
from vqfw.study.identity import key_of_run, key_of_settings
from vqfw.study.standing import clear_leftovers, is_busy, standings


def test_a_run_of_vqfw_run_counts_for_a_study(done, load, root):
    (standing,) = standings(load(), root)
    assert standing.state == "finished"
    assert standing.run.id == "done"


def test_the_key_of_a_run_depends_on_settings_and_not_on_name_or_order(tiny, tiny_file):
    key = key_of_settings(tiny().checked.values)
    turned = dict(reversed(json.loads(tiny_file.read_text()).items()))
    words = {"name": "other", "description": "x", "notes": {"a": 1}}
    tiny_file.write_text(json.dumps({**turned, **words, "expected": {"psnr": 1}}))
    assert key_of_settings(tiny().checked.values) == key
    for change in ("seed=1", "model.quantizer.decay=0.98", "evaluation.pictures=3"):
        assert key_of_settings(tiny(change).checked.values) != key
    assert key_of_settings(tiny("seed=0.0").checked.values) == key


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"git": {"commit": "0" * 40, "changed_files": 3}}, True),
        ({"precision": "mixed_bfloat16", "threads": 64, "processor": "other"}, True),
        ({"backend": "another"}, False),
        ({"versions": {"vqfw": "0.0.1"}}, False),
        ({"plugin_files": [{"path": "/x.py", "sha256": "f" * 64}]}, False),
    ],
)
def test_another_plugin_file_or_backend_changes_the_key_of_a_run(
    load, root, pretend, change, same
):
    study = load()
    folder = pretend.finish(root, study.points[0], environment=change)
    assert (key_of_run(RunFolder(folder.name, root)) == study.points[0].key) is same


@pytest.mark.processes
def test_a_new_version_of_a_package_that_is_named_is_another_run(tiny, install):
    def key(version):
        install(
            "vqfw-odd",
            "from vqfw_losses.pixel import MSE as Odd",
            {"vqfw.losses": "odd = MODULE:Odd"},
            version=version,
        )
        return key_of_settings({**tiny().checked.values, "losses": [{"type": "odd"}]})

    first, plain = key("0.1"), key_of_settings(tiny().checked.values)
    assert key("0.1") == first
    install("vqfw-odd", "", {"vqfw.losses": "odd = MODULE:Odd"}, version="0.2")
    assert key_of_settings(tiny().checked.values) == plain


def test_a_finished_run_is_preferred_to_a_begun_one(load, root, pretend):
    (point,) = load().points
    pretend.begin(root, point, "a-begun")
    pretend.finish(root, point, "b-done")
    pretend.begin(root, point, "c-begun")
    (standing,) = standings(load(), root)
    assert standing.run.id == "b-done"


def test_the_newest_of_two_equal_finished_runs_counts(load, root, pretend):
    study = load()
    point = study.points[0]
    pretend.finish(root, point, "2026-01-01_old", psnr=20.0)
    pretend.finish(root, point, "2026-01-02_new", psnr=30.0)
    assert standings(study, root)[0].run.id == "2026-01-02_new"


def test_a_run_with_damaged_records_does_not_count(load, root, pretend):
    folder = pretend.finish(root, load().points[0])
    (folder / "environment.json").write_text("{")
    assert standings(load(), root)[0].state == "missing"


def test_the_name_of_a_run_killed_at_its_start_is_free_again(load, root):
    (point,) = load().points
    run = RunFolder(point.id, root)
    for folder in (run.path, run.pictures):
        folder.mkdir(parents=True)
    clear_leftovers(point, root)
    assert not run.path.exists()
    assert not run.pictures.exists()


def test_clearing_a_run_killed_at_its_start_keeps_older_pictures(load, root):
    (point,) = load().points
    run = RunFolder(point.id, root)
    for folder in (run.path, run.pictures):
        folder.mkdir(parents=True)
    (run.pictures / "grid.png").write_text("of a run that was removed")
    clear_leftovers(point, root)
    assert not run.path.exists()
    assert (run.pictures / "grid.png").exists()


def test_a_locked_run_is_busy_for_every_study_with_the_same_settings(load, root):
    from vqfw.study.standing import alone

    point, other = load(vary={"seed": [0, 1]}).points
    with alone(point, root, pytest.fail):
        assert is_busy(point, root)
        assert not is_busy(other, root)
        same = Point("another-name", point.key, Arm("x", {}), point.experiment)
        assert is_busy(same, root)
    assert not is_busy(point, root)
