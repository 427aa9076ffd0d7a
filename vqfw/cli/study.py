"""``vqfw study``: many runs from one file, and their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.backend import start_backend, use_plugins
from vqfw.cli.options import json_option, plugin_option, quiet_option, set_option
from vqfw.cli.talk import echo, print_json, say, say_folded, say_nothing, show

if TYPE_CHECKING:
    from vqfw.api import Study
    from vqfw.results.study_table import Table


@click.command("study")
@click.argument("file", type=click.Path())
@set_option
@plugin_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="List the runs with their state and time; train nothing.",
)
@click.option(
    "--table",
    "only_table",
    is_flag=True,
    help="Show the finished runs; write the table into pages.",
)
@click.option("--check", is_flag=True, help="Check every run as vqfw plan does.")
@click.option("--point", metavar="ID", help="Train one run, in this process.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs at the same time; they share the cores.",
)
@json_option
@quiet_option
def command(
    file: str,
    overrides: tuple[str, ...],
    plugins: tuple[str, ...],
    dry_run: bool,
    only_table: bool,
    check: bool,
    point: str | None,
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Train the missing runs of the study in FILE; print a table of mean and spread.

    Each run is a process of its own; a failed run stops no other. Finished runs are kept
    and interrupted ones resumed, whatever command started them. Ctrl-C saves checkpoints;
    the same command continues. Two calls at the same time share the runs.

    --table trains nothing. It writes the table into each README.md beside FILE or above it
    in the repository, between the lines <!-- study: NAME --> and <!-- end -->, and the
    numbers into FILE's .table.json, to be committed.
    """
    from vqfw import api

    if sum((dry_run, only_table, check, point is not None)) > 1:
        raise click.UsageError(
            "only one of --dry-run, --table, --check and --point is allowed"
        )
    if jobs > 1 and (only_table or check or point is not None):
        raise click.UsageError(
            "--jobs is not allowed with --table, --check and --point: remove it"
        )
    tell = say_nothing if quiet else say
    use_plugins(plugins, say_nothing if point else tell)
    study = api.load_study(file, overrides, plugins)
    if study.grid.warnings and not quiet:
        from vqfw.problems.printing import render

        say(render(study.grid.warnings))
    if point is not None:
        return _train(study, point, as_json, quiet)
    if check:
        start_backend(study.threads)
        study.check()
        tell(f"{file}: {len(study.grid.points)} runs without a problem")
        if as_json:
            print_json({"problems": []})
        return 0
    if dry_run:
        _show_dry_run(study, jobs, as_json)
        return 0
    if only_table:
        _publish(study, as_json, tell)
        return 0
    table = study.run(say=say_nothing if quiet else say_folded, jobs=jobs)
    _show(table, as_json)
    return 1 if table.failures else 0


def _train(study: Study, point: str, as_json: bool, quiet: bool) -> int:
    from vqfw import api
    from vqfw.cli.scores import scored, scores_of

    wanted = study.point(point)
    standing = study.standing(wanted)
    if standing.state != "finished":
        begun = standing.run
        asked = wanted.experiment.training.threads
        start_backend(api.Run(begun).threads if begun else asked)
    run = study.train(wanted, quiet=quiet)
    if as_json:
        print_json(scores_of(run, *scored(run)))
    return 0


def _publish(study: Study, as_json: bool, tell: Callable[[str], None]) -> None:
    published = study.publish()
    _show(published.table, as_json)
    if published.kept:
        tell(f"table of {published.source}: it has more finished runs than this folder")
    if published.pages and not published.written:
        tell(f"up to date: {', '.join(map(str, published.pages))}")
    for path in published.written:
        tell(f"written: {path}")


def _show(table: Table, as_json: bool) -> None:
    from vqfw.results.study_table_files import as_markdown

    if as_json:
        print_json(table.data())
        return
    echo(as_markdown(table), nl=False)
    if table.failures:
        say(f"{len(table.failures)} failed; to run them again: {table.command}")


def _show_dry_run(study: Study, jobs: int, as_json: bool) -> None:
    from vqfw.study.cores import shares
    from vqfw.study.timing import at_once, clock

    shares(jobs)
    rows: list[dict[str, Any]] = [
        {
            "point": standing.point.id,
            "arm": standing.point.arm.label,
            "seed": standing.point.seed,
            "state": standing.state,
            "run": standing.run.id if standing.run is not None else None,
            "step": standing.step,
            "steps": standing.point.experiment.training.steps,
            "seconds": None if standing.state == "finished" else seconds,
        }
        for standing, seconds in study.standings()
    ]
    waiting = [each["seconds"] for each in rows if each["state"] != "finished"]
    total = None if None in waiting else at_once(sum(waiting), len(waiting), jobs)
    if as_json:
        print_json({"study": study.grid.name, "points": rows, "seconds": total})
        return
    for row in rows:
        state = {
            "finished": f"finished: {row['run']}",
            "begun": f"to resume after step {row['step']}: {clock(row['seconds'])}",
            "missing": f"to run: {clock(row['seconds'])}",
        }[row["state"]]
        show(f"{row['arm']} · seed {row['seed']}   {state}")
    left = f"{len(waiting)} of {len(rows)} to run: {clock(total)}"
    show(f"{left if waiting else 'All are finished'}. Nothing was run.")
