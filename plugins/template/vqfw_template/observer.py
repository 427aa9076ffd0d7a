"""Looks on at every moment there is: keeps a diary of each run, and shows it.

Keep the functions that you want; each may take any of its arguments, or none.
"""

import click

from vqfw.errors import Problem
from vqfw.kinds.hooks import Section, hook


def write(run, line):
    with (run.path / "template.txt").open("a") as diary:
        diary.write(line + "\n")


@hook
def vqfw_checks(experiment):
    if experiment["training"]["batch_size"] > 1:
        return []
    message = "a batch of one image makes for a noisy training"
    path = ("training", "batch_size")
    repair = "use 8 or more"
    return [Problem("out-of-range", message, path, help=repair, severity="warning")]


@hook
def vqfw_run_start(run):
    write(run, "it begins, or goes on")


@hook
def vqfw_callbacks(run):
    from keras.callbacks import LambdaCallback  # here, so that --help needs no Keras

    return [LambdaCallback(on_epoch_begin=lambda epoch, logs: write(run, "an epoch"))]


@hook
def vqfw_epoch_end(run, epoch, step, values):
    write(run, f"epoch {epoch} ends at step {step} with loss {values['loss']:.4f}")


@hook
def vqfw_run_end(run, scores):
    write(run, f"it ends, scored on {scores.get('images', 0)} images")


@hook
def vqfw_report_sections(run):
    diary = run.path / "template.txt"
    return [Section("template", diary.read_text())] if diary.exists() else []


@hook
def vqfw_cli():
    @click.command("template")
    def command():
        """Say what the observer is for."""
        click.echo("template keeps a diary of every run; see: vqfw runs show")

    return [command]
