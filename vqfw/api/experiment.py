"""An experiment: read, checked, changed, planned and run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vqfw import experiment as experiments
from vqfw.api.inventory import use_plugin, write_schema
from vqfw.api.own_pictures import experiment_file
from vqfw.api.preparation import (
    Say,
    dataset_path,
    plan_of,
    splits_to_train_on,
    survey_of,
)
from vqfw.api.records import record
from vqfw.api.run import Run
from vqfw.api.training import train_and_score
from vqfw.api.turn import one_at_a_time
from vqfw.errors import (
    UsageError,
)
from vqfw.problems.printing import render
from vqfw.runs import create_run, default_root
from vqfw.runs.outputs import checked_file, write_output

if TYPE_CHECKING:
    from vqfw.data.found import Found
    from vqfw.plan import Plan

_ELSEWHERE = "run this in another folder"


def load(
    path: str | Path,
    overrides: Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
    say: Say = lambda text: None,
) -> Experiment:
    """Reads and checks an experiment file.

    Args:
        path: of the file; or of a folder or archive of pictures, for which an experiment
            is written to ``NAME.json`` in the working folder.
        overrides: ``a.b=value``, as ``--set`` takes them.
        plugins: Python files with further components; see ``use_plugin``.
        say: told what was written.

    Raises:
        ExperimentError: with everything that is wrong, at once.
        UsageError: if the path is neither, or another file has that name already.
        DataError: if there are fewer than two pictures.
        PluginError: if a plugin cannot be run, or a component cannot be used.
    """
    for plugin in plugins:
        use_plugin(plugin)
    file = experiment_file(path, say)
    return Experiment(experiments.load_experiment(file, overrides))


def init(folder: Path = Path()) -> tuple[Path, Path]:
    """Writes an experiment to begin with, commented, and its schema.

    Args:
        folder: gets ``experiments/experiment.json`` and the schema.

    Raises:
        UsageError: if either is there already, or cannot be written; nothing is
            overwritten.
    """
    from vqfw.experiment.starter import STARTER

    target = folder / "experiments" / "experiment.json"
    for path in (target, folder / "schemas" / "experiment.schema.json"):
        if path.exists():
            fact = f"{path} is there already, and nothing is overwritten"
            raise UsageError(f"{fact}: {_ELSEWHERE}")
    checked_file(target, _ELSEWHERE)
    schema = write_schema(folder)
    write_output(target, STARTER.encode())
    return target, schema


@dataclass(frozen=True)
class Experiment:
    """A checked experiment, ready to be planned or run.

    Args:
        checked: as the loader made it.
    """

    checked: experiments.CheckedExperiment

    def set(self, path: str, value: Any) -> Experiment:
        """The experiment with one value changed, checked again.

        Args:
            path: such as ``model.quantizer.decay``.
            value: anything JSON has.
        """
        return Experiment(self.checked.set(path, value))

    @one_at_a_time()
    def plan(self, find_data: bool = True) -> Plan:
        """Settles and checks everything that does not need the data.

        Args:
            find_data: whether the dataset's path must lead somewhere.

        Raises:
            ExperimentError: with all problems that the components report.
            DataError: if the dataset's path leads nowhere.
            RunError: if another thread of this process is training.
        """
        path = dataset_path(self.checked) if find_data else None
        return plan_of(self.checked, path)

    def survey(self) -> Found | None:
        """What a run would find and how it would divide it, from names alone.

        Returns:
            None for a dataset that draws its pictures, or may have to fetch them.

        Raises:
            DataError: if the data is missing or unusable.
        """
        return survey_of(self.plan())

    @one_at_a_time(trains=True)
    def run(
        self,
        name: str | None = None,
        root: Path | None = None,
        quiet: bool = True,
        say: Say = lambda text: None,
    ) -> Run:
        """Trains, evaluates and records a new run.

        Args:
            name: its id; None makes one from the time.
            root: the folder with ``checkpoints/`` and ``images_saved/``.
            quiet: whether to show no progress.
            say: told what a person should know.

        Raises:
            RunError: if another thread of this process is training: it takes one at a
                time.
            VqfwError: see ``vqfw.errors``; a run that trained at all can be resumed.
        """
        root = root or default_root()
        plan = self.plan()
        if plan.warnings:
            say(render(plan.warnings))
        splits = splits_to_train_on(plan, quiet, say)
        folder = create_run(root, self.checked.name, name)
        run = Run(folder)
        try:
            with folder.locked():
                record(folder, plan, splits, say)
                run.trained = train_and_score(run.folder, plan, splits, quiet, say)
        except BaseException:
            # Nothing to go on with; and the name stays free for the next try.
            if folder.is_untrained:
                folder.discard()
            raise
        return run

    def _repr_html_(self) -> str:
        return self.checked._repr_html_()
