"""The numbers of a study's table, and its texts."""

import csv
import io
import json
import re

import numpy as np
import pytest

from vqfw.results.study_table import Cell
from vqfw.results.study_table_files import as_csv, as_markdown, write_table
from vqfw.runs.origin import KEY
from vqfw.study.counting import table_of
from vqfw.study.standing import standings, study_folder
from vqfw.study.timing import clock, expected_seconds

PSNR = (27.13, 29.41, 26.02)


@pytest.fixture
def study(load):
    return load(
        arms={"ema": {}, "no | revival": {"model.revival": None}},
        vary={"seed": [0, 1, 2]},
        expected={"ema": {"psnr": 28}},
    )


@pytest.fixture
def table(study, root, pretend):
    """Three finished runs of one arm and one of the other; one revived no code."""
    first, second = study.arms
    for point, psnr in zip(study.of(first), PSNR, strict=True):
        pretend.finish(root, point, psnr=psnr)
    pretend.finish(root, study.of(second)[1], psnr=25.0, revival={}, seconds=None)
    return table_of(study, standings(study, root), "vqfw study study.json")


def test_mean_and_spread_are_those_of_numpy(table):
    cell = table.rows[0].cells["psnr"]
    assert cell.values == PSNR
    assert cell.mean == pytest.approx(np.mean(PSNR))
    assert cell.spread == pytest.approx(np.std(PSNR, ddof=1))


def test_a_cell_of_one_run_has_no_spread_and_an_empty_cell_no_mean():
    assert (Cell((1.0,)).mean, Cell((1.0,)).spread) == (1.0, None)
    assert (Cell(()).mean, Cell(()).spread) == (None, None)


def test_a_row_shows_the_number_of_its_finished_runs(table, study):
    ema, other = table.rows
    assert (len(ema.runs), ema.wanted) == (3, 3)
    assert (len(other.runs), other.wanted) == (1, 3)
    assert other.runs == (study.of(study.arms[1])[1].id,)
    assert "4 of 6 runs are finished." in table.notes


def test_the_table_has_revival_steps_pace_and_time(table):
    ema, other = (row.cells for row in table.rows)
    assert ema["revived_in_use"].values == (0.75,) * 3
    assert other["revived_in_use"].values == ()
    assert ema["steps"].values == (12.0,) * 3
    assert ema["images_per_second"].values == (100.0,) * 3
    assert ema["bits_per_image"].values == (64.0,) * 3
    assert ema["minutes"].values == (1.0,) * 3
    # Of a run that was cut, steps and pace tell: 12 steps of 8 images at 100 a second.
    assert other["minutes"].values == (pytest.approx(0.96 / 60),)


def test_markdown_is_ready_to_paste(table):
    head, rule, ema, other, *below = as_markdown(table).splitlines()
    assert head.startswith("| small | runs | PSNR dB ↑ | bits an image |")
    assert set(rule) == {"|", " ", "-", ":"}
    assert ema.startswith(
        "| ema | 3 | 27.52 ± 1.73 (expected 28) | 64 | 0.750 ± 0.000 |"
    )
    assert other.startswith(
        "| no \\| revival | 1 of 3 | 25.00 (n = 1) | 64 (n = 1) | \N{EN DASH} |"
    )
    assert below[:4] == ["", "```sh", "vqfw study study.json", "```"]
    assert "± is the sample standard deviation over the seeds." in below[5]
    assert "Scored on 4 test images." in below[5]
    assert "vqfw 0.1.0" in below[6]


def test_every_form_has_the_same_numbers(table, study, root):
    folder = study_folder(study, root)
    write_table(table, folder)
    assert {path.name for path in folder.iterdir()} == {
        "table.csv",
        "table.json",
        "table.md",
    }
    kept = json.loads((folder / "table.json").read_text())
    (row, _) = csv.DictReader(io.StringIO((folder / "table.csv").read_text()))
    cell = kept["rows"][0]["cells"]["psnr"]
    assert cell["values"] == list(PSNR)
    assert cell["n"] == int(row["psnr_n"]) == 3
    assert cell["spread"] == float(row["psnr_spread"])
    assert kept["rows"][1]["settings"] == {"model.revival": None}
    assert "27.52 ± 1.73" in table._repr_html_()
    assert "no | revival" in table._repr_html_()


def test_a_name_is_no_formula_to_a_spreadsheet(load, root):
    study = load(arms={"=1+1": {}})
    text = as_csv(table_of(study, standings(study, root), ""))
    assert "'=1+1" in text


def test_runs_with_different_images_are_reported_below_the_table(study, root, pretend):
    one, other = study.of(study.arms[0])[:2]
    pretend.finish(root, one)
    environment = {
        "data_fingerprint": "e" * 64,
        "git": {"commit": "1" * 40, "changed_files": 2},
    }
    pretend.finish(root, other, environment=environment)
    text = as_markdown(table_of(study, standings(study, root), ""))
    assert "the runs did not all see the same images" in text
    assert "commit" in text
    assert "1111111111 with changed files" in text


def test_the_table_names_runs_without_a_signature_of_this_machine(study, root, pretend):
    mine, other = study.of(study.arms[0])[:2]
    pretend.finish(root, mine)
    pretend.finish(root, other, psnr=99.0, environment={KEY: "0" * 64})
    text = as_markdown(table_of(study, standings(study, root), ""))
    (ids,) = re.findall(r"Not signed by .* have been edited: (.*?)\.\s", text)
    assert ids == other.id


def test_a_study_without_runs_has_a_table(study, root):
    table = table_of(study, standings(study, root), "x")
    assert "| ema | 0 of 3 |" in as_markdown(table)
    assert table.notes == ("0 of 6 runs are finished.",)


def test_the_time_of_a_run_is_estimated_from_its_arm_and_its_missing_steps(
    load, root, pretend
):
    study = load(
        arms={"short": {}, "long": {"training.steps": 120}}, vary={"seed": [0, 1]}
    )
    short, long, again, last = study.points
    pretend.finish(root, short, seconds=30.0)
    done, missing, own, _ = standings(study, root)
    assert expected_seconds(missing, [done]) == pytest.approx(300)
    assert expected_seconds(own, [done]) == pytest.approx(30)
    assert expected_seconds(missing, []) is None
    begun = pretend.begin(root, last)
    (begun / "state" / "00000090").mkdir(parents=True)
    pretend.finish(root, long, seconds=400.0)
    found = standings(study, root)
    assert expected_seconds(found[3], found[:2]) == pytest.approx(100)
    assert again is found[2].point


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (61, "61 s"), (300, "5 min"), (9000, "2.5 h")],
)
def test_seconds_are_printed_in_seconds_minutes_or_hours(seconds, text):
    assert clock(seconds) == text
