"""Commands, links, tables and components of the README and its pages are correct."""

import json
import re
import shlex
import shutil
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

import vqfw
from vqfw.registry import index
from vqfw.results.study_table import table_from
from vqfw.results.study_table_files import as_page
from vqfw.study.loading import load_grid

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
STUDIES = ROOT / "experiments" / "studies"
PAGES = [
    "README.md",
    "CHANGELOG.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "experiments/README.md",
    "experiments/studies/README.md",
    "plugins/README.md",
]
# Names of commits: at least seven hexadecimal digits, of which some are letters.
COMMIT = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b")


def blocks(language: str, text: str = TEXT) -> list[str]:
    """The code blocks of a language; of none where it is empty."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [code for name, code in fenced if name == language]


def commands(page: str) -> list[list[str]]:
    """The ``vqfw`` commands in the shell blocks of a page, without their comments."""
    text = "\n".join(blocks("sh", (ROOT / page).read_text()))
    found = []
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        while words and "=" in words[0]:  # an environment variable
            words.pop(0)
        if words and words[0] == "vqfw":
            found.append(words[1:])
    return found


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    bare = (re.sub(r"[^\w\- ]", "", each.lower()) for each in headings)
    return {each.replace(" ", "-") for each in bare}


NEXT = commands("README.md")
# Those of plugins/README.md are tried with the components that it shows.
SHOWN = [
    words for page in PAGES if page != "plugins/README.md" for words in commands(page)
]


def test_the_readme_has_at_most_nine_thousand_bytes():
    assert len(TEXT.encode()) <= 9_000


def test_the_smallest_experiment_of_the_readme_is_valid(tmp_path):
    path = tmp_path / "smallest.json"
    (text,) = blocks("json")
    path.write_text(text)
    assert vqfw.load(path).checked.model["quantizer"]["num_embeddings"] == 512


def test_every_component_of_the_table_is_installed():
    rows = dict(re.findall(r"^\| (\w+) \| (`.+) \|$", TEXT, re.MULTILINE))
    kinds = "dataset augmentation quantizer revival beta model loss metric tracker"
    for kind in kinds.split():
        told = set(re.findall(r"`(\w+)`", rows[kind]))
        assert told == set(index().names(kind)), kind


def test_every_result_table_of_a_page_is_that_of_the_committed_data():
    shown = set()
    for page in PAGES:
        text = (ROOT / page).read_text()
        for name in re.findall(r"^<!-- study: (\w+) -->$", text, re.MULTILINE):
            study = load_grid(STUDIES / f"{name}.json")
            data = json.loads((STUDIES / f"{name}.table.json").read_text())
            title, columns = study.table["title"], study.table["columns"]
            block = as_page(table_from(data), title, columns)
            assert f"<!-- study: {name} -->\n{block}<!-- end -->" in text
            shown.add(page)
    assert "README.md" in shown


def test_the_result_table_of_the_readme_has_every_row_of_its_study():
    study = load_grid(STUDIES / "readme.json")
    table = table_from(json.loads((STUDIES / "readme.table.json").read_text()))
    assert [row.label for row in table.rows] == [arm.label for arm in study.arms]
    assert len(table.rows) <= 8
    for row in table.rows:
        assert row.runs
        assert all(table.records[run]["git"]["changed_files"] == 0 for run in row.runs)


def test_the_advice_above_the_result_table_follows_from_it():
    table = table_from(json.loads((STUDIES / "readme.table.json").read_text()))
    psnr = {row.label: row.cells["psnr"].mean for row in table.rows}
    assert max(psnr, key=psnr.get) == "predictive of trellis"
    assert round(psnr["ema"] - psnr["VAE"]) == 1
    assert psnr["ema"] - psnr["gradient"] > 3
    usage = {row.label: row.cells["codebook_usage"].mean for row in table.rows}
    assert usage["ema"] > 0.95
    bits = {
        row.cells["bits_per_image"].mean for row in table.rows if row.label != "VAE"
    }
    assert bits == {2304}


def test_the_scores_of_the_first_run_are_those_of_the_result_table():
    data = json.loads((STUDIES / "readme.table.json").read_text())
    (row,) = [each for each in data["rows"] if each["arm"] == "ema"]
    experiment = vqfw.load(ROOT / "experiments" / "experiment.json")
    expected = experiment.checked.expected
    (block,) = [each for each in blocks("") if "psnr" in each]
    for line in block.splitlines():
        name, value = re.match(r"  (\w+(?: \w+)*)  +([\d.]+)", line).groups()
        cell = row["cells"]["bits_per_image" if name == "bits an image" else name]
        assert float(value) == pytest.approx(cell["mean"], rel=5e-4)
        hoped = re.search(r"\(expected ([\d.]+)\)", line)
        if hoped:
            assert float(hoped[1]) == expected[name]


def test_the_scores_of_the_first_run_have_the_form_that_a_run_prints(done, command):
    (block,) = [each for each in blocks("") if "psnr" in each]
    lines = command("eval", "--run", done.id).out.splitlines()
    printed = [each for each in lines if each.startswith("  ")]

    def form(line):
        return re.sub(r"[\d.]+", "0", line.partition("   (expected")[0])

    assert list(map(form, printed)) == list(map(form, block.splitlines()))


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_no_commit(page):
    assert COMMIT.findall((ROOT / page).read_text()) == []


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_every_command_has_its_verb_and_options(words, command):
    options = [each for each in words if each.startswith("-")]
    verb = words[:2] if words[0] in ("plugins", "runs") else words[:1]
    answer = command(*verb, "--help")
    assert answer.code == 0
    for option in options:
        assert re.search(rf"(?<!\w){re.escape(option)}\b", answer.out), option


@pytest.fixture
def clone(root):
    """The working folder with what a clone has for experiments, and some pictures."""
    for folder in ("experiments", "schemas"):
        shutil.copytree(ROOT / folder, root / folder)
    draw = np.random.default_rng(0)
    for number in range(24):
        picture = root / "my_pictures" / f"person {number % 8}" / f"{number}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        imageio.imwrite(picture, pixels)
    return root


TRAINED = ("experiments/", "./my_pictures")


@pytest.mark.parametrize(
    "words",
    [each for each in SHOWN if each[0] == "run" and each[1].startswith(TRAINED)],
    ids=" ".join,
)
def test_every_experiment_that_a_page_trains_is_valid(words, command, clone):
    answer = command("validate", *words[1:])
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    "words",
    [each for each in SHOWN if each[0] in ("validate", "explain", "plan", "init")],
    ids=" ".join,
)
def test_every_command_that_trains_nothing_works(words, command, clone):
    if words == ["init"]:
        shutil.rmtree(clone / "experiments")
        shutil.rmtree(clone / "schemas")
    answer = command(*words)
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    "words",
    [each for each in SHOWN if each[0] == "study" and each[1] != "FILE"],
    ids=" ".join,
)
def test_every_study_that_a_page_runs_can_begin(words, command, clone):
    if "--jobs" in words:  # a machine may have fewer cores
        at = words.index("--jobs")
        words = words[:at] + words[at + 2 :]
    trains = not {"--table", "--dry-run"} & set(words)
    answer = command(*words, *(["--dry-run"] if trains else []))
    assert answer.code == 0, answer.err
    assert "to run" in answer.out or "runs are finished" in answer.out


def test_commands_of_the_readme_on_a_finished_run_work(done, root, command):
    """The commands of "Next" that train nothing, in order; the others are in processes/."""
    shutil.copytree(root / "checkpoints" / "done", root / "checkpoints" / "before")
    shutil.copytree(root / "images_saved" / "done", root / "my_pictures")
    (root / "my_pictures" / "training.gif").unlink(missing_ok=True)
    ran = []
    for words in NEXT:
        if words[0] in ("run", "study", "plugins"):
            continue
        answer = command(*words)
        assert answer.code == 0, answer.err
        ran.append(words[0])
    assert ran == ["eval", "tokenize", "reconstruct", "compare", "doctor"]
    assert list((root / "back").rglob("*.png"))


def test_the_python_of_the_pages_works_on_a_finished_run(done, monkeypatch):
    monkeypatch.chdir(ROOT)
    steps = []

    def run(experiment):
        steps.append(experiment.checked.training.steps)
        return done

    monkeypatch.setattr(vqfw.Experiment, "run", run)
    monkeypatch.setattr(vqfw, "open_run", lambda wanted: done)
    texts = [(ROOT / page).read_text() for page in PAGES if page.startswith("exp")]
    sources = [each for text in texts for each in blocks("python", text)]
    sources += re.findall(r"`(vqfw\.load\(.*?\))`", TEXT)
    for source in sources:
        exec(source, {"vqfw": vqfw})
    assert steps == [600, 600]
