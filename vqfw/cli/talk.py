"""How verbs talk: data to stdout, words to stderr, one JSON object where asked."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar

import click

from vqfw.errors import ExperimentError, PluginError, UsageError, VqfwError
from vqfw.terminal import columns, fitted, printable

Command = TypeVar("Command", bound=Callable[..., Any])

ENVELOPE = 1
"""Version of the shape of ``--json`` output."""


def json_option(command: Command) -> Command:
    """Adds ``--json``."""
    text = "Print one JSON object to stdout instead of text."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


def quiet_option(command: Command) -> Command:
    """Adds ``--quiet``."""
    return click.option("--quiet", is_flag=True, help="Show no progress.")(command)


def run_option(command: Command) -> Command:
    """Adds ``--run``."""
    text = "Id of a run, the beginning of one, latest, or best:METRIC."
    return click.option(
        "--run", "wanted", default="latest", show_default=True, help=text
    )(command)


def set_option(command: Command) -> Command:
    """Adds ``--set``."""
    text = "Change a value, as in model.quantizer.decay=0.995. May be repeated."
    return click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help=text
    )(command)


def plugin_option(command: Command) -> Command:
    """Adds ``--plugin``."""
    text = "Python file with components of your own. May be repeated."
    return click.option(
        "--plugin", "plugins", multiple=True, metavar="FILE", help=text
    )(command)


def run_plugin_option(command: Command) -> Command:
    """Adds ``--plugin`` to a verb that works with a run."""
    text = (
        "Python file that the run was made with; needed once if you never ran it on "
        "this machine. May be repeated."
    )
    return click.option(
        "--plugin", "plugins", multiple=True, metavar="FILE", help=text
    )(command)


def data_path_option(command: Command) -> Command:
    """Adds ``--data-path``."""
    text = "Where the run's own data lies now; other pictures are refused."
    return click.option("--data-path", metavar="PATH", help=text)(command)


def _crop(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """A number of pixels, or ``none``."""
    if value is None or value == "none":
        return value
    if value.isdecimal() and int(value):
        return int(value)
    raise click.BadParameter(f'"{value}" is no number of pixels; or write none')


def reading_options(command: Command) -> Command:
    """Adds ``--crop`` and ``--on-bad-image``, for pictures that are not the run's own."""
    bad = click.option(
        "--on-bad-image",
        type=click.Choice(["error", "skip"]),
        help="A picture that cannot be used: stop, or leave it out. Default: as the run.",
    )
    text = (
        "Centred square of a picture in pixels; none: the largest. Default: as the run."
    )
    crop = click.option("--crop", callback=_crop, metavar="N|none", help=text)
    return crop(bad(command))


def use_plugins(files: Sequence[str], tell: Callable[[str], None]) -> None:
    """Runs plugin files, and tells what their components are called.

    Raises:
        UsageError: if there is no such file, or Keras finds no backend for it.
        PluginError: if a file cannot be run, or defines no component.
    """
    from vqfw import api
    from vqfw.registry import index

    for file in files:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with hushed():
                entries = api.use_plugin(file)
        except PluginError as error:
            if isinstance(error.__cause__, ImportError | ValueError):
                _import_keras()  # says it if the backend is what failed
            raise
        for entry in entries:
            tell(f'plugin {file}: {entry.kind} "{index().spelling(entry)}"')


def say(text: str) -> None:
    """Tells a person something, on stderr; control characters are escaped."""
    click.echo(printable(text), err=True)


def say_folded(text: str) -> None:
    """``say`` for progress, folded to the terminal; a command to paste stays whole."""
    say(fitted(text, columns(sys.stderr)))


def say_nothing(text: str) -> None:
    """Swallows a sentence, for ``--quiet``."""


def echo(text: str, nl: bool = True) -> None:
    """Prints what a verb was asked for to stdout; control characters are escaped.

    Args:
        text: from wherever; names and records may be a stranger's.
        nl: whether a line end follows.
    """
    click.echo(printable(text), nl=nl)


def show(text: str) -> None:
    """``echo`` for text that is folded to the width of the terminal."""
    echo(fitted(printable(text), columns(sys.stdout)))


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one object in the envelope that scripts can rely on."""
    click.echo(json.dumps({"vqfw": ENVELOPE, **value}, indent=2, allow_nan=False))


def show_error(error: VqfwError, as_json: bool) -> None:
    """Prints what went wrong: problems with their places, or one sentence."""
    if isinstance(error, ExperimentError):
        from vqfw.problems.printing import as_data, render

        say(render(error.problems))
        if as_json:
            print_json({"problems": as_data(error.problems)})
    else:
        say(f"error: {error}")
        if as_json:
            print_json({"error": str(error), "exit_code": error.exit_code})


@contextmanager
def hushed() -> Iterator[None]:
    """Keeps back what native libraries print while they are imported.

    TensorFlow writes a dozen lines about the processor past Python's own stderr. They are
    shown after all if the block fails, and where nothing can keep them back.
    """
    with ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            own = os.dup(2)
        except OSError:  # no folder for temporary files, or no stderr
            yield
            return
        stack.callback(os.close, own)
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(own, 2)
            kept.seek(0)
            with suppress(OSError):  # nobody may be there to read it
                os.write(2, kept.read())
            raise
        finally:
            os.dup2(own, 2)


def start_backend(threads: int | None) -> None:
    """Imports Keras and its backend, quietly, and wakes the devices.

    Args:
        threads: that the experiment asks for; they are pinned before the first operation.

    Raises:
        UsageError: if ``KERAS_BACKEND`` names none that can be imported and trained on.
    """
    # Its graph optimizer reports what it could not fuse as errors, at every compilation.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _import_keras()
    with hushed():
        from vqfw.assembly.backend import devices, pin_threads
        from vqfw.plan import settled_threads

        pin_threads(settled_threads(threads))
        devices()


def _import_keras() -> None:
    """Imports Keras, which imports its backend, or says which backends there are."""
    from vqfw.registry.backends import BACKENDS, installed_backends, keras_file

    named = os.environ.get("KERAS_BACKEND")
    wanted = f'"{named}" of KERAS_BACKEND' if named else "of the Keras configuration"
    choices = installed_backends()
    reason = "is none that can train"
    try:
        with hushed():
            import keras

            from vqfw.assembly.backend import settle_keras

        settle_keras()
        if keras.backend.backend() in BACKENDS:
            return
    except Exception as error:  # its settings are not checked before they are used
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if not isinstance(error, ImportError) and "backend" not in lines[0]:
            raise UsageError(
                f"Keras refuses its settings ({lines[0][:200]}): correct or remove "
                f"{keras_file()}"
            ) from error
        reason = f"cannot be imported ({lines[0][:200]})"
    repair = (
        f"set KERAS_BACKEND to {' or '.join(choices)}"
        if choices
        else f"install one of {', '.join(BACKENDS)}"
    )
    raise UsageError(f"the backend {wanted} {reason}: {repair}")
