"""Many runs from one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqfw.api.experiment import Experiment
from vqfw.api.inventory import use_plugin
from vqfw.api.planning import dataset_path, plan_of
from vqfw.api.run import Run, root_of
from vqfw.api.talk import Say, speaker
from vqfw.api.turn import one_at_a_time
from vqfw.errors import ExperimentError, UsageError
from vqfw.streams import tell

if TYPE_CHECKING:
    from vqfw.results.study_table import Table
    from vqfw.study.children import Call
    from vqfw.study.grid import Grid, Point
    from vqfw.study.pages import Publication
    from vqfw.study.standing import Standing


def load_study(
    path: str | Path, overrides: Sequence[str] = (), plugins: Sequence[str | Path] = ()
) -> Study:
    """Reads a study file and checks every run of it.

    Args:
        path: of the file.
        overrides: ``a.b=value`` for every run, as ``--set`` takes them.
        plugins: Python files with further components; see ``use_plugin``.

    Raises:
        ExperimentError: with everything that is wrong, at once.
        PluginError: if a plugin cannot be run, or a component cannot be used.
    """
    from vqfw.study.loading import load_grid

    for plugin in plugins:
        use_plugin(plugin)
    return Study(load_grid(path, overrides), tuple(map(str, plugins)))


@dataclass(frozen=True)
class Study:
    """Many runs of one experiment, and the table that they fill.

    Args:
        grid: as the loader made it.
        plugins: Python files that its runs need.
    """

    grid: Grid
    plugins: tuple[str, ...] = ()

    @property
    def threads(self) -> int | None:
        """Processor threads that its runs ask for, if it is the same number in all."""
        asked = {each.experiment.training.threads for each in self.grid.points}
        return asked.pop() if len(asked) == 1 else None

    def run(
        self, root: str | Path | None = None, say: Say = tell, jobs: int = 1
    ) -> Table:
        """Trains the runs that are not finished, each in a process of its own.

        Args:
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            say: takes each line of the progress.
            jobs: how many runs go on at once, each on its share of the processor's
                cores. An accelerator is not shared out: there, one.

        Returns:
            The table, also of runs that were there before, with what failed.

        Raises:
            ExperimentError: if a component refuses something of any run; nothing is run.
            Interrupted: after a signal; what was going on is saved.
            UsageError: if there are more jobs than cores, or none.
        """
        from vqfw.study.running import run_missing

        return run_missing(self.grid, self._call(jobs), root_of(root), say)

    def table(self, root: str | Path | None = None) -> Table:
        """The table of the finished runs; trains no run."""
        from vqfw.study.running import present_table

        return present_table(self.grid, self._call(), root_of(root))

    def publish(self, root: str | Path | None = None) -> Publication:
        """Writes the table into the pages that show it; trains no run.

        A page is a ``README.md`` beside the study file, or above it in the same repository,
        with the lines ``<!-- study: NAME -->`` and ``<!-- end -->``. The numbers come from
        ``FILE.table.json`` beside the study file, which is written anew where at least as
        many runs are finished here.

        Args:
            root: the folder with ``checkpoints/`` and ``images_saved/``.

        Raises:
            UsageError: if a page or the committed table is not in order.
        """
        from vqfw.study.pages import publish

        return publish(self.grid, self.table(root))

    def standings(
        self, root: str | Path | None = None
    ) -> list[tuple[Standing, float | None]]:
        """Every run with its state, and the seconds that it is expected to take."""
        from vqfw.study.standing import standings
        from vqfw.study.timing import expected_seconds

        found = standings(self.grid, root_of(root))
        done = [each for each in found if each.state == "finished"]
        return [(each, expected_seconds(each, done)) for each in found]

    @one_at_a_time()
    def check(self) -> None:
        """Plans every run, so that its components are asked too; runs nothing.

        Raises:
            ExperimentError: with all problems that the components report.
            DataError: if the path of a dataset leads nowhere.
        """
        from vqfw.plan import settled_threads

        threads = settled_threads(self.threads)
        problems: dict[str, Any] = {}
        for point in self.grid.points:
            try:
                plan_of(point.experiment, dataset_path(point.experiment), threads)
            except ExperimentError as error:
                for each in error.problems:
                    note = "; ".join(filter(None, (each.note, f"in the run {point}")))
                    key = f"{each.message} {each.place}"
                    problems.setdefault(key, replace(each, note=note))
        if problems:
            raise ExperimentError(list(problems.values()))

    def point(self, wanted: str) -> Point:
        """One of its runs.

        Raises:
            UsageError: if it has none of this id.
        """
        for point in self.grid.points:
            if point.id == wanted:
                return point
        fact = f'study "{self.grid.name}" has no run "{wanted}" in {self.grid.file}'
        raise UsageError(f"{fact}: see vqfw study {self.grid.file} --dry-run --json")

    def standing(self, point: Point, root: str | Path | None = None) -> Standing:
        """One of its runs with what there is of it."""
        from vqfw.study.standing import standings

        found = standings(self.grid, root_of(root))
        return next(each for each in found if each.point.id == point.id)

    def train(
        self, point: Point, root: str | Path | None = None, quiet: bool = False
    ) -> Run:
        """Trains one run of the study in this process, or finishes it, if need be.

        Args:
            point: which.
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            quiet: whether to show no progress.
        """
        from vqfw.study.standing import alone, clear_leftovers

        root, say = root_of(root), speaker(quiet)
        with alone(point, root, say):
            standing = self.standing(point, root)
            if standing.run is None:
                clear_leftovers(point, root)
                experiment = Experiment(point.experiment)
                return experiment.run(point.id, root, quiet)
            run = Run(standing.run)
            if standing.state == "finished":
                say(f"finished already: {run.id}")
                return run
            say(f"goes on with run {run.id}")
            # The study's author names the data, whoever made the run.
            return run.resume(quiet, dataset_path(point.experiment))

    def _call(self, jobs: int = 1) -> Call:
        from vqfw.study.children import Call

        return Call(self.grid.file, self.grid.overrides, self.plugins, jobs)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
