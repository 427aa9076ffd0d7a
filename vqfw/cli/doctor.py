"""``vqfw doctor``: versions, devices and limits of this machine, or why a codebook collapsed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from vqfw.cli.backend import hushed
from vqfw.cli.options import json_option
from vqfw.cli.talk import print_json, say, show


@click.command("doctor")
@click.argument("wanted", metavar="[RUN]", required=False)
@json_option
def command(wanted: str | None, as_json: bool) -> int:
    """Show what is installed and what cannot work here, or why a codebook collapsed.

    Without RUN: versions, backends and devices, folders, broken plugins, and what cannot
    work on this machine. Exit code 3: a plugin is broken; 2: the backend cannot be used.

    With RUN (an id, the beginning of one, latest, or best:METRIC): why its codebook
    collapsed, and the setting to change.
    """
    from vqfw import api

    if wanted is None:
        return _machine(as_json)
    diagnosis = api.open_run(wanted).diagnose()
    if as_json:
        print_json(diagnosis.as_data())
    else:
        show("\n".join(diagnosis.lines()))
    return 0


def _machine(as_json: bool) -> int:
    from vqfw import api

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with hushed():
        machine = api.doctor()
    if as_json:
        print_json(machine)
    else:
        show("\n".join(_lines(machine)))
    for reason in machine["broken"]:
        say(f"broken: {reason}")
    if not machine["devices"]:
        return 2
    return 3 if machine["broken"] else 0


def _lines(machine: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(
        f"{name} {number or 'missing'}" for name, number in machine["versions"].items()
    )
    devices = ", ".join(machine["devices"]) or "no device"
    yield _line("python", f"{machine['python']} · {machine['platform']}")
    yield _line("packages", versions)
    processor = machine["processor"] or "unknown"
    yield _line("processor", f"{processor} · {machine['threads']} threads")
    yield _line("backend", f"{machine['backend']} on {devices}")
    for name, version in machine["backends"].items():
        if name != machine["backend"]:
            used = f"{version}, used with KERAS_BACKEND={name}"
            yield _line("", f"{name} {'not installed' if version is None else used}")
    yield _line("precision", f"auto is {machine['precision'] or 'not known'}")
    yield _line("runs", machine["root"])
    yield _line("cache", machine["cache"] or "none")
    yield _line("trust", machine["state"] or "none")
    yield _line("data", machine["data"] or "VQFW_DATA is not set")
    broken = f"{len(machine['broken']) or 'none'} broken"
    yield _line("components", f"{machine['components']}, {broken}")
    for number, limit in enumerate(machine["limits"] or ["none found"]):
        yield _line("" if number else "limits", limit)


def _line(name: str, text: str) -> str:
    return f"{name:<11}{text}"
