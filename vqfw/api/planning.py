"""From a checked experiment to its plan: the place of the data, threads and sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vqfw import experiment as experiments
from vqfw.api.turn import one_at_a_time

if TYPE_CHECKING:
    from vqfw.assembly.outline import Outline
    from vqfw.plan import Plan


def plan_of(
    checked: experiments.CheckedExperiment,
    dataset_path: str | None,
    threads: int | None = None,
) -> Plan:
    """Makes a plan, and pins the threads that it names: those given, or as settled."""
    from vqfw.assembly.backend import pin_threads
    from vqfw.plan import make_plan, settled_threads

    pin_threads(threads or settled_threads(checked.training.threads))
    plan = make_plan(checked, dataset_path)
    return plan if threads is None else replace(plan, threads=threads)


@one_at_a_time()
def outlined(plan: Plan, measured: bool = False) -> tuple[Outline, float | None]:
    """The sizes of a plan, and the seconds of a training step where they are measured.

    Raises:
        RunError: if another thread of this process is training.
    """
    from vqfw.assembly.outline import outline_of, seconds_per_step

    return outline_of(plan), seconds_per_step(plan) if measured else None


def dataset_path(checked: experiments.CheckedExperiment) -> str | None:
    """Where the dataset lies, if it has a path; None for one that needs none."""
    from vqfw.data.location import locate
    from vqfw.registry import load as load_component

    options = checked.data.dataset
    if "path" not in options:
        return None
    component = load_component("dataset", options["type"])
    origin = checked.origins["data.dataset.path"]
    path = locate(
        options["path"],
        usual_names=getattr(component, "usual_names", ()),
        experiment_folder=origin.folder or checked.folder,
        typed=origin.overridden,
    )
    return str(path)
