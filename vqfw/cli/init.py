"""``vqfw init``: an experiment to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from vqfw.cli.talk import say

_EXPERIMENT = """\
{
  // Check it with: vqfw validate experiments/experiment.json
  // See what it would run with: vqfw plan experiments/experiment.json
  "$schema": "../schemas/experiment.schema.json",
  "name": "first",
  "data": {
    // "orl" is embedded; a path such as "pictures.zip" takes your own images.
    "dataset": "orl",
    "crop": 92,          // centred square, in pixels of the picture
    "image_size": 64,    // what the model sees; the encoder halves it
    "augmentations": ["horizontal_flip"]
  },
  "model": {
    "type": "vqvae",
    "encoder": {"type": "residual_conv", "downsampling": 4},
    "quantizer": {"type": "ema", "num_embeddings": 512, "embedding_dim": 64},
    "revival": "perturb_active",
    "beta": 0.25,        // weight of the commitment loss; a number means constant
    "decoder": "residual_conv"
  },
  "losses": [{"type": "mse", "weight": 4}],
  "training": {
    "steps": 600,
    "optimizer": {"type": "adam", "learning_rate": 4e-4}
  }
}
"""


@click.command("init")
def command() -> None:
    """Write experiments/experiment.json, with comments, and its schema for your editor."""
    from vqfw.experiment import schema
    from vqfw.runs.files import write_whole

    text = schema.as_text(schema.installed())
    files = {
        Path("experiments") / "experiment.json": _EXPERIMENT,
        Path("schemas") / "experiment.schema.json": text,
    }
    taken = [str(path) for path in files if path.exists()]
    if taken:
        raise click.UsageError(
            f"{' and '.join(taken)} exists already: init overwrites nothing; run it in "
            "another folder"
        )
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content.encode())
        say(f"wrote {path}")
    say("next: vqfw run experiments/experiment.json")
