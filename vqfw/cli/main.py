"""The command ``vqfw``: one verb a file, imported only when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from vqfw.cli.screen import Screen
from vqfw.cli.talk import echo, say
from vqfw.errors import OutputLost, VqfwError
from vqfw.streams import standard_streams
from vqfw.terminal import beside, columns

# Verb: the file of this room that defines it.
_VERBS = {
    "compare": "compare",
    "doctor": "doctor",
    "eval": "evaluate",
    "explain": "explain",
    "init": "init",
    "plan": "plan",
    "plugins": "plugins",
    "reconstruct": "reconstruct",
    "run": "run",
    "runs": "runs",
    "schema": "schema",
    "study": "study",
    "tokenize": "tokenize",
    "validate": "validate",
}

_NEXT = {
    "vqfw run experiments/experiment.json": "trains on embedded faces and scores",
    "vqfw run ./my_pictures": "trains on a folder or archive of yours",
    "vqfw plugins list": "lists the components of an experiment",
    "vqfw --help": "lists every verb",
}


_CODES = {
    "0": "done",
    "1": "the run failed, or stdout could not be written",
    "2": "the command line or the experiment is wrong",
    "3": "a plugin is missing or broken",
    "4": "data is missing or unusable",
    "130, 143": "interrupted; the training so far is saved",
}


class _Verbs(Screen):
    """Finds a verb's command in its own file."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_VERBS, *_foreign(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return _foreign(ctx).get(cmd_name)
        module = import_module(f"vqfw.cli.{_VERBS[cmd_name]}")
        return module.command  # type: ignore[no-any-return]  # every verb's file has one

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl(list(_CODES.items()))


def _foreign(context: click.Context) -> Mapping[str, click.Command]:
    """The verbs of other packages, looked up once a command line."""
    from vqfw.cli.foreign import foreign_verbs

    key = "vqfw.foreign_verbs"
    if key not in context.meta:
        context.meta[key] = foreign_verbs(_VERBS)
    verbs: Mapping[str, click.Command] = context.meta[key]
    return verbs


def _without_plugins(
    context: click.Context, parameter: click.Parameter, wanted: bool
) -> None:
    """``--no-plugins``, set before any verb is looked up."""
    if wanted:
        os.environ["VQFW_NO_PLUGINS"] = "1"


@click.group(
    cls=_Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="vqfw", message="%(package)s %(version)s")
@click.option(
    "--no-plugins",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_without_plugins,
    help="Use only the components of vqfw itself.",
)
@click.pass_context
def vqfw(context: click.Context) -> None:
    """Vector-quantized image autoencoders, assembled from plugins by one file."""
    if context.invoked_subcommand is None:
        width = columns(sys.stdout)
        for typed, does in _NEXT.items():
            echo(beside(f"{typed:<37}", does, width))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    with standard_streams():
        try:
            code = _code_of(arguments)
            sys.stdout.flush()
        except OutputLost as error:
            say(f"error: {error}")
            code = error.exit_code
        except BrokenPipeError:  # the reader of stdout has closed it
            code = 1
    sys.exit(code)


def _takes_settings(error: click.ClickException) -> bool:
    """Whether the wrong argument may be a setting that lacks ``--set``."""
    context = getattr(error, "ctx", None)
    if context is None or "overrides" not in {
        each.name for each in context.command.params
    }:
        return False
    return isinstance(error, click.NoSuchOption) or "extra argument" in error.message


def _code_of(arguments: Sequence[str] | None) -> int:
    """The exit code of a command line, after its error is printed."""
    code = None
    try:
        code = vqfw.main(arguments, prog_name="vqfw", standalone_mode=False)
    except (OutputLost, BrokenPipeError):
        raise
    except VqfwError as error:
        from vqfw.cli.talk import show_error

        show_error(error, as_json="--json" in (arguments or sys.argv[1:]))
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        if _takes_settings(error):
            say("Settings need --set, as in: --set training.steps=600")
        if "--json" in (arguments or sys.argv[1:]):
            from vqfw.cli.talk import print_json

            print_json({"error": error.format_message(), "exit_code": error.exit_code})
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        say("interrupted; nothing was being trained")
        code = 130
    except Exception as error:
        from vqfw.registry.tracebacks import blame

        note = blame(error)
        if note:
            error.add_note(note)
        raise
    return code if isinstance(code, int) else 0
