"""Progress of a training: a bar in a terminal, a line an epoch elsewhere, or nothing."""

import io
import os
import pty
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from rich.console import Console

from vqfw.training.bar import Bar, progress_for
from vqfw.training.progress import EpochLines, Progress, vitals

BARS = Path(__file__).parent / "bars"

VALUES = {
    "loss": 0.5,
    "reconstruction": 0.25,
    "commitment": 0.125,
    "beta": 0.25,
    "usage": 0.75,
    "perplexity": 12.0,
    "entropy_bits": 3.5,
    "largest_share": 0.25,
    "dead_codes": 4.0,
    "revived": 3.0,
    "surviving": 0.667,
    "images_per_second": 321.0,
    "bits": 64.0,
}
SHOWN = (
    "loss 0.5000 · recon 0.2500 · commit 0.1250 · beta 0.250 · usage 0.75 · "
    "perplexity 12 · dead 4 · revived 3 · surviving 67% · 321 img/s"
)


def test_vitals_have_a_fixed_order():
    assert " · ".join(vitals(VALUES).values()) == SHOWN


def test_numbers_that_a_model_does_not_report_are_not_shown():
    assert vitals({"loss": 0.5, "kl": 0.1}) == {
        "loss": "loss 0.5000",
        "kl": "kl 0.1000",
    }


def drawn(width: int, total: int = 4000, done: int = 340) -> list[str]:
    """The lines of a bar in a terminal of that width, four steps a second."""
    now = 0.0
    console = Console(
        width=width, force_terminal=True, color_system=None, file=io.StringIO()
    )
    bar = Bar(total, 0, epochs=30, console=console, clock=lambda: now)
    for step in range(1, done + 1):
        now += 0.25
        bar.step(step, 2, VALUES)
    console.print(bar)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_bar_equals_its_golden_at_each_width(width):
    golden = (BARS / f"{width}.txt").read_text("utf-8").splitlines()
    assert [line.rstrip() for line in drawn(width)] == golden


@pytest.mark.parametrize("width", [24, 40, 59, 60, 61, 73, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("total", [50, 2_000_000])
def test_at_every_width_no_number_is_cut_and_no_line_is_too_long(width, total):
    lines = drawn(width, total, done=40)
    items = [each for line in lines for each in re.split(r" · |  +", line.strip())]
    assert {*SHOWN.split(" · "), "epoch 3/30"} <= {*items}
    assert any(each.endswith(" left") for each in items)
    assert all(len(line) <= width for line in lines)
    assert width < 60 or re.search(
        rf"^[━╸ ]{{8,}}.* 40/{total} .* left  loss 0.5000", lines[0]
    )


def test_a_finished_bar_shows_the_time_it_took():
    assert re.search(r" 40/40  0:00:\d\d  loss", drawn(80, total=40, done=40)[0])


def test_messages_above_the_bar_wrap_between_numbers():
    console = Console(width=60, force_terminal=True, file=io.StringIO())
    said = "step 250 · validation: psnr 24.53 · ssim 0.8008 · codebook_usage 0.8574"
    Bar(400, 0, epochs=40, console=console).say(said)
    lines = console.file.getvalue().splitlines()
    assert " · ".join(lines) == said
    assert max(map(len, lines)) <= 60


def test_an_epoch_gets_one_plain_line_with_the_time_left():
    stream = io.StringIO()
    with EpochLines(total=20, done=0, epochs=4, stream=stream) as lines:
        for step in range(1, 6):
            lines.step(step, 0, VALUES)
        lines.epoch_end(5, 0, VALUES)
    pattern = rf"epoch 1/4 · step 5/20 · {re.escape(SHOWN)} · \d+:\d\d left\n"
    assert re.fullmatch(pattern, stream.getvalue())


def test_short_epochs_print_a_line_every_five_seconds_and_the_last_epoch_one():
    stream = io.StringIO()
    lines = EpochLines(total=100, done=0, epochs=100, stream=stream)
    for step in range(1, 101):
        lines.epoch_end(step, step - 1, VALUES)
    told = stream.getvalue().splitlines()
    assert len(told) == 2
    assert told[-1].startswith("epoch 100/100 · step 100/100 · ")


def test_a_notebook_gets_one_line_that_is_replaced(monkeypatch):
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    monkeypatch.setattr("sys.stderr", stream)
    with progress_for(False, 20, 0, 4) as lines:
        for step in range(1, 20):
            lines.step(step, 0, {**VALUES, "loss": 123456.0})
        lines.say("step 10 · validation: psnr 20")
        lines.step(20, 3, VALUES)
        lines.epoch_end(20, 3, VALUES)
    *_, shown, last = stream.getvalue().removesuffix("\n").split("\n")
    first, said = shown.split("\r")[-2:]
    assert first.startswith("epoch 1/4 · step 1/20 · loss 123456.0000")
    assert said == "step 10 · validation: psnr 20".ljust(len(first))
    assert len({len(line.rstrip()) for line in last.split("\r") if line}) == 1
    assert last.split("\r")[-1].startswith("epoch 4/4 · step 20/20 · loss 0.5000")


def test_a_quiet_run_prints_no_text(tiny, capfd):
    assert type(progress_for(True, 12, 0, 3)) is Progress
    tiny("training.steps=5").run(quiet=True)
    assert capfd.readouterr() == ("", "")


def test_without_a_terminal_a_training_prints_lines(tiny, capsys):
    tiny("training.steps=25").run(quiet=False)
    out, err = capsys.readouterr()
    assert out == ""
    last = [line for line in err.splitlines() if line.startswith("epoch ")][-1]
    assert last.startswith("epoch 5/5 · step 25/25 · loss ")
    names = (
        "recon",
        "commit",
        "beta",
        "usage",
        "perplexity",
        "dead",
        "revived",
        "img/s",
    )
    assert all(name in last for name in (*names, "left"))
    assert "\x1b" not in err
    assert "step 24 · validation: psnr" in err


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="no terminals here")
def test_a_terminal_shows_a_bar_with_the_same_vitals(tiny_file):
    script = Path(sysconfig.get_path("scripts")) / "vqfw"
    steps = ["--set", "training.steps=150", "--set", "training.checkpoint_every=150"]
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, script, "run", tiny_file, "--json", *steps],
        stderr=terminal,
        stdout=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
    )
    os.close(terminal)
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(master)
    out, _ = process.communicate()
    assert process.returncode == 0, seen[-2000:]
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert re.search(r"━ +step +\d+/150  \d:\d\d:\d\d left  loss \d\.\d{4}", text)
    assert re.search(r"recon \d.* commit \d.* beta 0\.25.* usage \d", text)
    assert re.search(r"dead \d+(\r\n| · )revived \d+", text)
    assert re.search(r"\d+ img/s  epoch \d+/30\s", text)
    assert "…" not in text
    assert "step 150/150" in text
    assert out.startswith(b'{\n  "vqfw": 1')
