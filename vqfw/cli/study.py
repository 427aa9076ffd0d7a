"""``vqfw study``: many runs from one file, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vqfw.cli.talk import (
    echo,
    json_option,
    plugin_option,
    print_json,
    quiet_option,
    say,
    say_folded,
    say_nothing,
    set_option,
    show,
    start_backend,
    use_plugins,
)

if TYPE_CHECKING:
    from vqfw.api import Study
    from vqfw.results.table import Table


@click.command("study")
@click.argument("file", type=click.Path())
@set_option
@plugin_option
@click.option("--dry-run", is_flag=True, help="Show what would run, and how long.")
@click.option(
    "--table",
    "only_table",
    is_flag=True,
    help="Show what is finished; write it into pages.",
)
@click.option("--check", is_flag=True, help="Check every run as vqfw plan does.")
@click.option("--point", metavar="ID", help="Train one run, here in this process.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs at once, each on its share of the cores.",
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
    """Run what the study in FILE still lacks; print one table with mean and spread.

    Each run is a process of its own. Finished runs are kept, whoever started them, and
    those that were cut go on; a run that fails costs no other. Ctrl-C saves first; the
    same command goes on. Started twice, two processes share the work.

    --table runs nothing. It also writes the table into each README.md, beside FILE or
    above it in the repository, that has the lines <!-- study: NAME --> and <!-- end -->,
    and its numbers into FILE's .table.json, which is made to be committed.
    """
    from vqfw import api

    if sum((dry_run, only_table, check, point is not None)) > 1:
        raise click.UsageError(
            "give one of --dry-run, --table, --check and --point, not two"
        )
    if jobs > 1 and (only_table or check or point is not None):
        raise click.UsageError(
            "--jobs says how many runs to train at once; leave it out"
        )
    tell = say_nothing if quiet else say
    use_plugins(plugins, say_nothing if point else tell)
    study = api.load_study(file, overrides, plugins)
    _warn(study, quiet)
    if point is not None:
        return _train(study, point, as_json, quiet)
    if check:
        start_backend(study.threads)
        study.check()
        tell(f"{file}: {len(study.grid.points)} runs, and nothing is wrong with any")
        if as_json:
            print_json({"problems": []})
        return 0
    if dry_run:
        _show_dry_run(study, jobs, as_json)
        return 0
    if only_table:
        _publish(study, as_json, quiet)
        return 0
    table = study.run(say=say_nothing if quiet else say_folded, jobs=jobs)
    _show(table, as_json)
    return 1 if table.failures else 0


def _warn(study: Study, quiet: bool) -> None:
    if study.grid.warnings and not quiet:
        from vqfw.problems.printing import render

        say(render(study.grid.warnings))


def _train(study: Study, point: str, as_json: bool, quiet: bool) -> int:
    from vqfw.cli.evaluate import scored, scores_of

    wanted = study.point(point)
    if not study.is_finished(wanted):
        start_backend(study.threads_of(wanted))
    run = study.train(wanted, quiet=quiet, say=say_nothing if quiet else say)
    if as_json:
        print_json(scores_of(run, *scored(run)))
    return 0


def _publish(study: Study, as_json: bool, quiet: bool) -> None:
    found = study.publish()
    _show(found.table, as_json)
    if quiet:
        return
    if found.kept:
        say(f"shown from {found.source}, which has more runs than are finished here")
    if found.pages and not found.written:
        say(f"up to date: {', '.join(map(str, found.pages))}")
    for path in found.written:
        say(f"written: {path}")


def _show(table: Table, as_json: bool) -> None:
    from vqfw.results.table_files import as_markdown

    if as_json:
        print_json(table.data())
        return
    echo(as_markdown(table), nl=False)
    if table.failures:
        say(f"{len(table.failures)} failed; try them again with: {table.command}")


def _show_dry_run(study: Study, jobs: int, as_json: bool) -> None:
    from vqfw.study.cores import shares
    from vqfw.study.timing import at_once, clock

    shares(jobs)
    found = study.standings()
    rows: list[dict[str, Any]] = []
    for each, seconds in found:
        rows.append(
            {
                "point": each.point.id,
                "arm": each.point.arm.label,
                "seed": each.point.seed,
                "state": each.state,
                "run": each.run.id if each.run is not None else None,
                "step": each.step,
                "steps": each.point.experiment.training.steps,
                "seconds": None if each.state == "finished" else seconds,
            }
        )
    waiting = [each["seconds"] for each in rows if each["state"] != "finished"]
    known = None if None in waiting else at_once(sum(waiting), len(waiting), jobs)
    if as_json:
        print_json({"study": study.grid.name, "points": rows, "seconds": known})
        return
    for row in rows:
        told = {
            "finished": f"finished: {row['run']}",
            "begun": f"goes on after step {row['step']}: {clock(row['seconds'])}",
            "missing": f"to run: {clock(row['seconds'])}",
        }[row["state"]]
        show(f"{row['arm']} · seed {row['seed']}   {told}")
    left = f"{len(waiting)} of {len(rows)} to run: {clock(known)}"
    show(f"{left if waiting else 'All are finished'}. Nothing was run.")
