"""What a person sees: a bar in a terminal, a line an epoch elsewhere, or nothing."""

import io
import os
import pty
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from vqfw.training.progress import Lines, Silent, progress_for, vitals

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


def test_the_vitals_of_a_step_stand_in_one_line():
    assert vitals(VALUES) == SHOWN


def test_what_a_model_does_not_have_is_not_shown():
    assert vitals({"loss": 0.5, "kl": 0.1}) == "loss 0.5000 · kl 0.1000"


def test_an_epoch_gets_one_plain_line_with_the_time_left():
    stream = io.StringIO()
    with Lines(total=20, done=0, epochs=4, stream=stream) as lines:
        for step in range(1, 6):
            lines.step(step, 0, VALUES)
        lines.epoch_end(5, 0, VALUES)
    pattern = rf"epoch 1/4 · step 5/20 · {re.escape(SHOWN)} · \d+:\d\d left\n"
    assert re.fullmatch(pattern, stream.getvalue())


def test_short_epochs_do_not_flood_and_the_last_one_is_told():
    stream = io.StringIO()
    lines = Lines(total=100, done=0, epochs=100, stream=stream)
    for step in range(1, 101):
        lines.epoch_end(step, step - 1, VALUES)
    told = stream.getvalue().splitlines()
    assert len(told) == 2
    assert told[-1].startswith("epoch 100/100 · step 100/100 · ")


def test_quiet_shows_nothing(tiny, capfd):
    assert isinstance(progress_for(True, 12, 0, 3), Silent)
    tiny("training.steps=5").run(quiet=True)
    assert capfd.readouterr() == ("", "")


def test_without_a_terminal_a_training_tells_its_vitals(tiny, capsys):
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


@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="no terminals here")
def test_a_terminal_shows_a_bar_with_the_same_vitals(tiny_file):
    script = Path(sysconfig.get_path("scripts")) / "vqfw"
    steps = ["--set", "training.steps=150", "--set", "training.checkpoint_every=150"]
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, script, "run", tiny_file, "--json", *steps],
        stderr=terminal,
        stdout=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "160", "TERM": "xterm"},
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
    assert re.search(r"epoch \d+/30 .*\d+/150", text)
    assert re.search(
        r"loss \d.* recon \d.* commit \d.* beta 0\.25.* usage \d.* perplexity \d.* "
        r"dead \d+ · revived \d+ · (surviving \d+% · )?\d+ img/s",
        text,
    )
    assert re.search(r"\d:\d\d:\d\d", text)
    assert out.startswith(b'{\n  "vqfw": 1')
