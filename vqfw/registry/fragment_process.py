"""Reads the fragments of other packages in a child process with a deadline.

A package that crashes, prints or hangs there harms nothing but itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple
from typing import IO, Any, TypeAlias

from vqfw.errors import PluginError
from vqfw.registry import importing
from vqfw.registry.backends import chosen_backend, installed_backends
from vqfw.registry.constructors import component_fragment, refused_options
from vqfw.registry.entries import Entry
from vqfw.registry.fragment_cache import source_checksum
from vqfw.registry.parameters import Schema

# A child that still runs is stuck in native code, which Python cannot interrupt.
STUCK_SECONDS = 300.0

Answer: TypeAlias = Schema | PluginError

# Checksums of code that hung before, so that it is waited for once a process.
_HUNG: set[str] = set()


# Without the empty path of the parent, by which a file of the working folder could be
# imported as a library.
_CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from vqfw.registry.fragment_process import answer; answer(*json.loads(sys.argv[2]))"
)


# Reading a signature needs no accelerator, whose memory a training may need.
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def ask_processes(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Answer]]:
    """Reads the fragments of components in child processes.

    One child, and so one import of a backend, reads all. Where a package ends the child,
    or hangs, another child reads those that are left.
    """
    waiting = list(entries)
    while waiting:
        asked = []
        for entry in waiting:
            if source_checksum(entry) in _HUNG:
                yield entry, _hung(entry)
            else:
                asked.append(entry)
        lines, end = _child(asked) if asked else ([], "")
        yield from (
            (entry, _answered(entry, line))
            for entry, line in zip(asked, lines, strict=False)
        )
        waiting = asked[len(lines) :]
        if waiting and not (lines and "hung" in lines[-1]):
            yield waiting[0], _unreadable(waiting[0], end)
            waiting = waiting[1:]


def _child(entries: Sequence[Entry]) -> tuple[list[dict[str, Any]], str]:
    """The answers of one child, in order, and how it ended."""
    asked = [astuple(entry) for entry in entries]
    seconds = importing.IMPORT_SECONDS
    stuck = max(STUCK_SECONDS, 2 * seconds * len(entries))
    command = [sys.executable, "-P", "-c", _CHILD]
    command += [json.dumps([path for path in sys.path if path])]
    command += [json.dumps([asked, seconds])]
    with subprocess.Popen(
        command,
        env={**os.environ, **_ENVIRONMENT, "KERAS_BACKEND": _backend()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            output, _ = child.communicate(timeout=stuck)
            end = f"its import ended Python with exit code {child.returncode}"
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                if hasattr(os, "killpg"):  # with the processes that it has started
                    os.killpg(child.pid, signal.SIGKILL)
                else:
                    child.kill()
            output, _ = child.communicate()
            end = f"its import did not end within {stuck:.0f} seconds"
    lines = []
    with suppress(ValueError):  # the child ended in the middle of a line
        lines += [json.loads(line) for line in output.splitlines()]
    return lines, end


def _answered(entry: Entry, line: Mapping[str, Any]) -> Answer:
    if "hung" in line:
        _HUNG.add(source_checksum(entry))
        return _hung(entry)
    return PluginError(line["error"]) if "error" in line else dict(line["fragment"])


def _hung(entry: Entry) -> PluginError:
    return _unreadable(entry, importing.too_long(importing.IMPORT_SECONDS))


def _backend() -> str:
    """The backend of this process, or one that is installed; signatures agree on all."""
    chosen, installed = chosen_backend(), installed_backends()
    return chosen if chosen in installed else (*installed, chosen)[0]


def _unreadable(entry: Entry, why: str) -> PluginError:
    return PluginError(
        f'{entry.kind} "{entry.name}" of {entry.owner} is installed but cannot be '
        f"imported ({why}): {entry.remedy}"
    )


def answer(questions: Sequence[Sequence[str]], seconds: float) -> None:
    """Prints the fragments of components, a line of JSON each; a child's whole work.

    Args:
        questions: the fields of the entry of each.
        seconds: by the clock that each import may take; the first that takes longer ends
            the process.
    """
    # A package may print while it is imported; only answers go to the real output.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        for question in questions:
            _answer(Entry(*question), seconds, output)
        output.flush()
        os._exit(0)


def _answer(entry: Entry, seconds: float, output: IO[bytes]) -> None:
    only_one = threading.Lock()  # never given back: there is one answer

    def reply(answered: Mapping[str, Any]) -> None:
        line = json.dumps(answered).encode() + b"\n"
        if only_one.acquire(blocking=False):
            output.write(line)
            output.flush()
            if "hung" in answered:
                os._exit(0)

    # From a thread of its own, for code that catches everything and goes on.
    deadline = threading.Timer(seconds, reply, [{"hung": True}])
    deadline.daemon = True
    deadline.start()
    try:
        reply({"fragment": component_fragment(entry)})
    except PluginError as error:
        reply({"error": str(error)})
    except (TypeError, ValueError) as error:
        reply({"error": str(refused_options(entry, f"a default is no JSON ({error})"))})
    finally:
        deadline.cancel()
