"""The screens of the verbs at 60, 80 and 120 columns."""

import re
import shutil
from pathlib import Path

import click
import pytest

from vqfw.cli.command_line import vqfw as verbs
from vqfw.cli.talk import say_folded
from vqfw.terminal import beside, columns, fitted

ROOT = Path(__file__).parents[2]
WIDTHS = (60, 80, 120)


def helps(group=verbs, typed=()):
    """The arguments that ask for the help of each verb and of its own verbs."""
    yield [*typed, "--help"]
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from helps(group.get_command(context, name), (*typed, name))


SCREENS = [
    ["runs", "list"],
    ["runs", "show"],
    ["plugins", "list"],
    ["plugins", "show", "quantizer/ema"],
    ["explain", "tiny.json", "--set", "training.optimizer.learning_rate=0.01"],
    ["explain", "unknown-key"],
    ["plan", "tiny.json"],
    ["compare", "done", "more"],
    ["doctor"],
    ["doctor", "done"],
]


def too_wide(text, width):
    """Lines that a terminal of that width would fold, but for words longer than most."""
    return [
        line
        for line in text.splitlines()
        if len(line) > width and max(map(len, line.split())) < width // 2
    ]


def words(text):
    """The words of a screen."""
    return set(re.sub(r"[=:]\s", " ", text).split())


@pytest.fixture
def two_runs(done, root, tiny_file):
    """Two runs of different settings."""
    for kind in ("checkpoints", "images_saved"):
        shutil.copytree(root / kind / "done", root / kind / "more")
    path = root / "checkpoints" / "more" / "resolved.json"
    path.write_text(path.read_text().replace('"filters": 8', '"filters": 16'))


@pytest.mark.parametrize("verb", [[], *helps()], ids=" ".join)
def test_every_help_fits_the_terminal_and_is_whole(verb, command, monkeypatch):
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        answer = command(*verb)
        assert answer.code == 0
        assert not too_wide(answer.out, width)
        assert "..." not in answer.out.replace("[ARGS]...", "").replace("RUN...", "")
        assert "\\b" not in answer.out


@pytest.mark.parametrize("verb", SCREENS, ids=lambda verb: " ".join(verb[:2]))
def test_every_screen_fits_the_terminal_and_is_whole(
    verb, two_runs, command, monkeypatch
):
    wide = command(*verb)
    assert wide.code == 0
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        shown = command(*verb).out
        assert not too_wide(shown, width)
        assert "…" not in shown
        assert words(wide.out) - words(shown) <= {"·", "1", "2"}


def test_the_first_screen_is_as_committed(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    golden = Path(__file__).parent / "first_screen.txt"
    assert command("--help").out == golden.read_text("utf-8")


def test_a_list_of_runs_has_date_steps_and_model(done, command):
    (line,) = command("runs", "list").out.splitlines()
    assert line.startswith("done  20")
    assert "  12 steps  vqvae-ema  psnr " in line


def test_an_unreadable_run_does_not_break_the_list(two_runs, root, command):
    (root / "checkpoints" / "more" / "resolved.json").write_text("[")
    first, second = sorted(command("runs", "list").out.splitlines())
    assert "vqvae-ema" in first
    assert second.startswith("more")
    assert "unreadable" in second


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a bc def", 5, ["a bc", "  def"]),
        ("label  one · two · three", 16, ["label  one · two", "       three"]),
        ("1. one two three", 10, ["1. one two", "   three"]),
        ("    deep one two", 12, ["    deep one", "      two"]),
        ("path  /a/very/long/path/of/a/file x", 12, None),
        ("漢字 漢字 漢字", 9, ["漢字 漢字", "  漢字"]),
        ("words --set a=1", 12, ["words", "  --set a=1"]),
        ("", 9, [""]),
    ],
)
def test_a_line_is_folded_between_items_or_words(text, width, lines):
    found = fitted(text, width).split("\n")
    assert lines is None or found == lines
    assert " ".join(found).split() == text.replace(" · three", " three").split()


def test_a_second_column_that_does_not_fit_goes_below():
    assert beside("left", "right", 11) == "left  right"
    assert beside("left", "right", 10) == "left\n    right"
    assert beside("left", "right", None) == "left  right"


def test_a_pipe_has_no_width_and_columns_of_the_environment_are_taken(monkeypatch):
    with open(ROOT / "LICENSE") as stream:
        monkeypatch.delenv("COLUMNS", raising=False)
        assert columns(stream) is None
        monkeypatch.setenv("COLUMNS", "72")
        assert columns(stream) == 72
        monkeypatch.setenv("COLUMNS", "wide")
        assert columns(stream) is None


def test_the_progress_of_a_study_is_folded_at_sixty_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    news = "[1/8] gradient, no revival · seed 0: 3 min · psnr 27.1 dB · about 2 h left"
    say_folded(news)
    lines = capsys.readouterr().err.splitlines()
    assert not too_wide("\n".join(lines), 60)
    assert " · ".join(line.strip() for line in lines) == news


def test_an_explanation_is_wrapped_without_ragged_lines(monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "60")
    lines = command("explain", "reset-to-default").out.splitlines()
    prose = lines[2 : lines.index("", 2)]
    assert not too_wide("\n".join(lines), 60)
    assert all(len(line) > 40 for line in prose[:-1])
    assert not any(line.startswith(" ") for line in prose)
