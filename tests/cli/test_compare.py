"""``vqfw compare``: different settings, scores, and whether the comparison is fair."""

import json
import shutil

import pytest

import vqfw
from vqfw.errors import RunError


@pytest.fixture
def change(done, root):
    """Copies the finished run and changes a record of the copy: ``change(name, file, f)``."""

    def copy(name, file="resolved.json", edit=lambda record: None):
        folder = root / "checkpoints" / name
        if not folder.exists():
            shutil.copytree(done.folder.path, folder)
        path = folder / file
        record = json.loads(path.read_text())
        edit(record)
        path.write_text(json.dumps(record))
        return vqfw.open_run(name)

    return copy


def paths(found):
    return [each.name for each in found.settings]


def test_a_changed_setting_is_shown_with_its_origin(change):
    change("other", edit=lambda r: r["model"]["quantizer"].update(decay=0.5))
    change(
        "other", "origins.json", lambda r: r.update({"model.quantizer.decay": "--set"})
    )
    (found,) = vqfw.compare(["done", "other"]).settings
    assert found.name == "model.quantizer.decay"
    assert found.values == (0.99, 0.5)
    assert found.origins[0].startswith("default of vqfw")
    assert found.origins[1] == "--set"


def test_order_of_losses_and_name_are_not_compared(change):
    def turn(record):
        record["evaluation"]["metrics"].reverse()
        record.update(name="x", description="y", notes={"a": 1}, expected={"psnr": 1})
        record["model"] = dict(reversed(record["model"].items()))
        record["losses"][0]["weight"] = 1

    change("other", edit=turn)
    found = vqfw.compare(["done", "other"])
    assert found.settings == ()
    assert found.surroundings == ()
    assert found.unfair == ()


def test_the_order_of_augmentations_is_a_difference(change):
    flip = {"type": "horizontal_flip", "probability": 1.0}
    both = [flip, {"type": "brightness", "strength": 0.2, "probability": 1.0}]
    change("one", edit=lambda r: r["data"].update(augmentations=both))
    change("two", edit=lambda r: r["data"].update(augmentations=both[::-1]))
    assert paths(vqfw.compare(["one", "two"]))


def test_components_in_a_list_are_compared_by_type(change):
    mae = {"type": "mae", "weight": 1.0}
    change("other", edit=lambda r: r["losses"].append(mae))
    found = vqfw.compare(["done", "other"])
    assert paths(found) == ["losses.mae.type", "losses.mae.weight"]
    assert found.settings[1].values == (None, 1.0)


def test_scores_come_with_interval_and_difference_to_the_first(change, done):
    change("other", "scores.json", lambda r: r["test"]["psnr"].update(value=99.0))
    found = {each.column.name: each for each in vqfw.compare(["done", "other"]).results}
    psnr = found["psnr"]
    mine = done.scores["test"]["psnr"]
    assert psnr.values == (mine["value"], 99.0)
    assert psnr.intervals[0] == tuple(mine["interval"])
    assert psnr.differences == (0.0, pytest.approx(99.0 - mine["value"]))
    assert found["steps"].values == (12.0, 12.0)


def test_different_versions_commits_and_devices_are_shown(change):
    def edit(record):
        record["versions"]["numpy"] = "1.0"
        record.update(threads=64, git={"commit": "1" * 40, "changed_files": 1})

    change("other", "environment.json", edit)
    found = vqfw.compare(["done", "other"])
    told = {each.name: each.values[1] for each in found.surroundings}
    assert told["numpy"] == "1.0"
    assert told["threads"] == "64"
    assert told["commit"] == "1111111111 with changed files"
    assert found.unfair == ()


@pytest.mark.parametrize(
    ("file", "edit", "words"),
    [
        (
            "environment.json",
            lambda r: r.update(data_fingerprint="0"),
            "not the same images",
        ),
        (
            "resolved.json",
            lambda r: r["data"].update(image_size=32),
            "images of 16 and 32 pixels",
        ),
        (
            "training.json",
            lambda r: r.update(steps=24),
            "trained on 96 and 192 images in all",
        ),
        (
            "scores.json",
            lambda r: r["test"].update(images=5),
            "scored on 4 test images and 5 test images",
        ),
    ],
)
def test_an_unfair_comparison_is_explained_in_a_line(
    change, command, file, edit, words
):
    change("other", file, edit)
    assert command("compare", "done", "other").out.splitlines()[-1] == (
        f"Not a fair comparison: {words}."
    )


def test_an_unfinished_run_makes_a_comparison_unfair(change, root):
    change("other")
    (root / "checkpoints" / "other" / "training.json").unlink()
    (words,) = vqfw.compare(["done", "other"]).unfair
    assert words == "not finished: other"


def test_a_comparison_in_a_narrow_terminal_cuts_no_name(change):
    from rich.console import Console

    from vqfw.results.compare_table import renderables

    change("other", edit=lambda r: r["model"]["quantizer"].update(decay=0.5))
    found = vqfw.compare(["done", "other"])
    console = Console(width=40)
    with console.capture() as shown:
        for each in renderables(found, console.width):
            console.print(each)
    lines = shown.get().splitlines()
    assert max(map(len, lines)) <= 40
    assert "…" not in shown.get()
    first_column = "".join(line.split("  ")[0].strip() for line in lines)
    assert "model.quantizer.decay" in first_column


def test_the_command_line_gives_text_and_data(change, command):
    change("other", edit=lambda r: r.update(seed=1))
    answer = command("compare", "latest", "oth")
    assert answer.code == 0
    assert answer.out.splitlines()[:2] == ["1  done", "2  other"]
    assert "A fair comparison: the same images and the same budget." in answer.out
    data = command("compare", "done", "other", "--json").data
    assert data["runs"] == ["done", "other"]
    assert data["settings"][0]["name"] == "seed"
    assert data["settings"][0]["values"] == [0, 1]
    assert {each["name"] for each in data["results"]} >= {"psnr", "minutes", "steps"}


def test_comparing_one_run_is_an_error(done, command):
    answer = command("compare", "done", "best:psnr")
    assert answer.code == 2
    assert "two runs are needed to compare, got done" in answer.err
    with pytest.raises(RunError):
        vqfw.compare(["done"])


def test_the_notebook_comparison_escapes_html_and_states_the_verdict(change):
    change("a-b", edit=lambda r: r["data"]["dataset"].update(note="<script>"))
    text = vqfw.compare(["done", vqfw.open_run("a-b")])._repr_html_()
    assert "&lt;script&gt;" in text
    assert "<script>" not in text
    assert "A fair comparison" in text
