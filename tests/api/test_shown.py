"""What a notebook shows of a run."""

from __future__ import annotations

import base64
import json
import re

import vqfw
from vqfw.runs import RunFolder


def test_a_notebook_shows_scores_and_originals_above_reconstructions(done):
    html = done._repr_html_()
    psnr = done.scores["test"]["psnr"]["value"]
    assert re.search(rf"<td>psnr</td><td>{psnr:.4g} ± \S+ dB</td>", html)
    assert f"run done · {done.scores['test']['images']} test images" in html
    first, second = re.findall(r"<tr>((?:<td><img .*?></td>)+)</tr>", html)
    for row, name in ((first, "original"), (second, "recon")):
        pictures = re.findall(rf'alt="{name}".*?base64,(.*?)"', row)
        files = [done.folder.pictures / f"{name}_{n}.png" for n in (1, 2)]
        assert [base64.b64decode(each) for each in pictures] == [
            each.read_bytes() for each in files
        ]


def test_a_run_its_experiment_and_its_images_are_shown_on_one_line(done, tiny):
    psnr = done.scores["test"]["psnr"]["value"]
    assert repr(done) == f"<Run done, 12 steps, psnr {psnr:.4g}>"
    assert repr(tiny()) == "<Experiment tiny: vqvae, 12 steps>"
    images = done.images("test", quiet=True)
    groups = len(set(images.groups))
    shown = f"<Images: {len(images)} of (16, 16, 3), {groups} groups>"
    assert repr(images) == shown
    (done.path / "scores.json").write_text("[")
    assert repr(done) == "<Run done, 12 steps>"


def test_names_and_records_of_a_stranger_are_escaped_in_a_notebook(done):
    name = "<script>alert(1)</script>"
    hostile = RunFolder("<b onload=x>", done.folder.root)
    hostile.path.mkdir()
    entry = {"value": 1.0, "unit": "<img src=x>"}
    (hostile.path / "scores.json").write_text(json.dumps({"test": {name: entry}}))
    html = vqfw.Run(hostile)._repr_html_()
    assert "&lt;script&gt;" in html
    assert not re.search("<(script|img|b )", html)


def test_a_notebook_shows_only_pictures_that_lie_in_the_run(done, tmp_path):
    pictures = done.folder.pictures
    (pictures / "recon_2.png").unlink()
    (pictures / "recon_2.png").symlink_to(pictures / "recon_1.png")
    assert done._repr_html_().count("<img") == 2
    real = (pictures / "recon_1.png").read_bytes()
    (pictures / "recon_1.png").write_text("<svg onload=alert(1)>")
    assert "<img" not in done._repr_html_()
    (pictures / "recon_1.png").write_bytes(real)
    assert "<img" in done._repr_html_()
    (done.path / "scores.json").write_text("[")
    assert "run done" in done._repr_html_()
    pictures.rename(tmp_path / "elsewhere")
    pictures.symlink_to(tmp_path / "elsewhere")
    assert "<img" not in done._repr_html_()
