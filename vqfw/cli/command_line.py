"""The command ``vqfw``: one verb a file, imported only when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click

from vqfw.cli.screen import Screen
from vqfw.cli.talk import echo, print_json, say, show_error
from vqfw.errors import OutputLost, VqfwError
from vqfw.streams import standard_streams
from vqfw.terminal import beside, columns

VERBS = (
    *("compare", "doctor", "eval", "explain", "init", "plan", "plugins", "reconstruct"),
    *("run", "runs", "schema", "study", "tokenize", "validate"),
)
"""Each is the ``command`` of the module of its name."""

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
    """The verbs of vqfw, then those of other packages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_foreign(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _foreign(ctx).get(cmd_name)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl(list(_CODES.items()))


def _foreign(context: click.Context) -> Mapping[str, click.Command]:
    """The verbs of other packages, looked up once a command line."""
    from vqfw.cli.foreign import foreign_verbs

    key = "vqfw.foreign_verbs"
    if key not in context.meta:
        context.meta[key] = foreign_verbs(VERBS)
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
    lazy=VERBS,
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
    as_json = "--json" in (arguments or sys.argv[1:])
    try:
        code = vqfw.main(arguments, prog_name="vqfw", standalone_mode=False)
    except (OutputLost, BrokenPipeError):
        raise
    except VqfwError as error:
        show_error(error, as_json)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        if _takes_settings(error):
            say("Settings need --set, as in: --set training.steps=600")
        if as_json:
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
