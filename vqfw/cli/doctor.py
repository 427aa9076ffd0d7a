"""``vqfw doctor``: what this machine offers, or why the codebook of a run collapsed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import click

from vqfw.cli.talk import hushed, json_option, print_json, say, show


@click.command("doctor")
@click.argument("wanted", metavar="[RUN]", required=False)
@json_option
def command(wanted: str | None, as_json: bool) -> int:
    """Show what is installed and what cannot work here, or why a codebook collapsed.

    Without RUN: versions, backends and devices, folders, broken plugins, and what cannot
    work on this machine. Exit code 3 says that a plugin is broken, 2 that the backend
    cannot be used.

    RUN is the id of a run, its beginning, latest, or best:METRIC: then the cause of its
    codebook's collapse, and the setting to change.
    """
    from vqfw import api

    if wanted is None:
        return _machine(as_json)
    found = api.open_run(wanted).diagnose()
    if as_json:
        print_json(found.as_data())
    else:
        show("\n".join(found.lines()))
    return 0


def _machine(as_json: bool) -> int:
    from vqfw import api

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with hushed():
        found = api.doctor()
    if as_json:
        print_json(found)
    else:
        show("\n".join(_told(found)))
    for reason in found["broken"]:
        say(f"broken: {reason}")
    if not found["devices"]:
        return 2
    return 3 if found["broken"] else 0


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(
        f"{name} {number or 'missing'}" for name, number in found["versions"].items()
    )
    devices = ", ".join(found["devices"]) or "no device"
    yield _line("python", f"{found['python']} · {found['platform']}")
    yield _line("packages", versions)
    yield _line(
        "processor", f"{found['processor'] or 'unknown'} · {found['threads']} threads"
    )
    yield _line("backend", f"{found['backend']} on {devices}")
    for name, version in found["backends"].items():
        if name != found["backend"]:
            used = f"{version}, used with KERAS_BACKEND={name}"
            yield _line("", f"{name} {'not installed' if version is None else used}")
    yield _line("precision", f"auto is {found['precision'] or 'not known'}")
    yield _line("runs", found["root"])
    yield _line("cache", found["cache"] or "none")
    yield _line("trust", found["state"] or "none")
    yield _line("data", found["data"] or "VQFW_DATA is not set")
    broken = f"{len(found['broken']) or 'none'} broken"
    yield _line("components", f"{found['components']}, {broken}")
    for number, limit in enumerate(found["limits"] or ["none found"]):
        yield _line("" if number else "limits", limit)


def _line(name: str, text: str) -> str:
    return f"{name:<11}{text}"
