"""``vqfw study FILE --table`` keeps the pages and the committed table of a study."""

import json
import re
import shutil

import pytest

from vqfw.cli.command_line import vqfw as program
from vqfw.errors import UsageError
from vqfw.results.study_table import table_from
from vqfw.results.study_table_files import as_markdown
from vqfw.study.counting import table_of
from vqfw.study.pages import publish
from vqfw.study.standing import standings

SHOWN = {"title": "codes", "columns": ["psnr", "bits_per_image"]}
PAGE = "# A page\n\n<!-- study: small -->\nold\n<!-- end -->\n\nAfter it.\n"


@pytest.fixture
def study(load):
    return load(arms={"ema": {}, "no revival": {"model.revival": None}}, table=SHOWN)


@pytest.fixture
def page(study):
    path = study.file.with_name("README.md")
    path.write_text(PAGE)
    return path


@pytest.fixture
def here(study, root):
    """The table of the runs that are finished now."""
    return lambda: table_of(study, standings(study, root), "vqfw study study.json")


@pytest.fixture
def finished(study, root, pretend):
    return [
        pretend.finish(root, point, psnr=psnr)
        for point, psnr in zip(study.points, (27.0, 25.0), strict=True)
    ]


def test_the_table_is_written_between_the_markers_of_a_page(
    study, page, here, finished
):
    found = publish(study, here())
    head, rule, ema, other, empty, *remarks = (
        page.read_text().partition("<!-- study: small -->\n")[2].splitlines()
    )
    assert head == "| codes | PSNR dB ↑ | bits an image |"
    assert rule == "| --- | ---: | ---: |"
    assert ema == "| ema | 27.00 ± 1.00 | 64 |"
    assert other == "| no revival | 25.00 ± 1.00 | 64 |"
    assert empty == ""
    assert remarks[:2] == [
        "Scored on 4 test images. ± is half of the 95 % confidence interval over these images.",
        "<!-- end -->",
    ]
    assert page.read_text().startswith("# A page\n\n<!-- study")
    assert page.read_text().endswith("<!-- end -->\n\nAfter it.\n")
    assert set(found.written) == {page, found.source}


def test_the_table_file_keeps_the_record_of_every_run_and_the_page_shows_no_record(
    study, page, here, root, pretend
):
    commits = ["a1" * 20, "b2" * 20]
    for point, commit in zip(study.points, commits, strict=True):
        git = {"commit": commit, "changed_files": 0}
        pretend.finish(root, point, environment={"git": git})
    kept = json.loads(publish(study, here()).source.read_text())
    for row, commit in zip(kept["rows"], commits, strict=True):
        (record,) = [kept["records"][run] for run in row["runs"]]
        assert record["git"]["commit"] == commit
        assert record["precision"] == "float32"
        assert record["versions"]["vqfw"]
    assert "The runs differ in commit." in page.read_text().replace("\n", " ")
    assert not re.search(r"\b[0-9a-f]{7,40}\b", page.read_text())


def test_without_runs_a_page_is_written_from_the_committed_table(
    study, page, here, finished
):
    publish(study, here())
    written = page.read_text()
    page.write_text(PAGE)
    for folder in finished:
        shutil.rmtree(folder)
    found = publish(study, here())
    assert found.kept
    assert found.written == (page,)
    assert page.read_text() == written
    assert publish(study, here()).written == ()


def test_fewer_runs_do_not_replace_the_committed_table(study, page, here, finished):
    source = publish(study, here()).source
    before = source.read_bytes()
    shutil.rmtree(finished[1])
    found = publish(study, here())
    assert found.kept
    assert source.read_bytes() == before
    assert "| no revival | 25.00" in page.read_text()


def test_as_many_finished_runs_replace_the_committed_table(
    study, page, here, finished, root, pretend
):
    publish(study, here())
    pretend.finish(root, study.points[0], name="zz-again", psnr=28.0)
    assert not publish(study, here()).kept
    assert "| ema | 28.00 ± 1.00 | 64 |" in page.read_text()


def test_rows_without_a_finished_run_are_left_out_of_a_page_and_counted(
    study, page, here, root, pretend
):
    pretend.finish(root, study.points[0])
    publish(study, here())
    assert "no revival" not in page.read_text()
    assert "1 of 2 runs are finished." in page.read_text()


def test_pages_above_the_study_are_found_up_to_the_root_of_the_repository(
    study, here, finished, root
):
    nested = root / "repository" / "experiments"
    nested.mkdir(parents=True)
    for name in ("study.json", "tiny.json"):
        shutil.copy(study.file.with_name(name), nested)
    (root / "repository" / "pyproject.toml").touch()
    pages = [root / "README.md", root / "repository" / "README.md"]
    for each in pages:
        each.write_text(PAGE)
    from vqfw.study.loading import load_grid

    publish(load_grid(nested / "study.json"), here())
    assert [each.read_text() == PAGE for each in pages] == [True, False]


def test_a_study_without_a_page_writes_no_committed_table(study, here, finished, root):
    before = sorted(study.file.parent.iterdir())
    found = publish(study, here())
    assert found.written == ()
    assert sorted(study.file.parent.iterdir()) == before


def test_a_linked_page_is_left_alone(study, here, finished, root):
    elsewhere = root / "elsewhere.md"
    elsewhere.write_text(PAGE)
    study.file.with_name("README.md").symlink_to(elsewhere)
    assert publish(study, here()).pages == ()
    assert elsewhere.read_text() == PAGE


def test_a_marker_without_end_is_an_error_and_nothing_is_written(
    study, page, here, finished
):
    text = "<!-- study: small -->\n\n<!-- template: quantizer -->\n<!-- end -->\n"
    page.write_text(text)
    with pytest.raises(UsageError, match=r'README.md: .* add a line "<!-- end -->"'):
        publish(study, here())
    assert page.read_text() == text
    assert not study.file.with_name("study.table.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"study": 1}', "\udcff"])
def test_a_damaged_committed_table_is_an_error(study, page, here, text):
    source = study.file.with_name("study.table.json")
    source.write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError, match="is not the table of a study"):
        publish(study, here())


def test_an_unknown_column_is_an_error_that_lists_the_columns(load, root, pretend):
    study = load(table={"columns": ["pnsr"]})
    study.file.with_name("README.md").write_text(PAGE)
    pretend.finish(root, study.points[0])
    table = table_of(study, standings(study, root), "")
    with pytest.raises(UsageError, match=r'"pnsr", which is not a column.*psnr, bits'):
        publish(study, table)


def test_a_table_comes_back_from_its_data(here, finished):
    table = here()
    again = table_from(json.loads(json.dumps(table.data())))
    assert again == table
    assert as_markdown(again) == as_markdown(table)


def test_study_table_prints_the_files_it_wrote(
    study, page, finished, capsys, monkeypatch, root
):
    monkeypatch.setenv("VQFW_ROOT", str(root))
    program.main(["study", str(study.file), "--table"], standalone_mode=False)
    told = capsys.readouterr()
    assert "| ema | 1 | 27.00 ± 1.00 |" in told.out
    assert f"written: {page}" in told.err
    program.main(["study", str(study.file), "--table"], standalone_mode=False)
    assert f"up to date: {page}" in capsys.readouterr().err
