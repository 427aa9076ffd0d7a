"""What would run: names become classes, sizes and seeds are settled; nothing runs yet.

Making a plan imports the components that the experiment names, asks each of them to check
its options against the others, and settles what the experiment leaves to the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vqfw.errors import ExperimentError, Path, Problem
from vqfw.experiment import Experiment
from vqfw.kinds.catalog import KINDS
from vqfw.kinds.context import Context
from vqfw.kinds.dataset import Dataset
from vqfw.registry import build, load, parameters_of
from vqfw.registry.hooks import observers
from vqfw.runs.environment import processor_flags


@dataclass(frozen=True)
class Plan:
    """A checked experiment with everything settled that does not need the data.

    Args:
        experiment: as loaded.
        dataset: built, not read.
        image_shape: (height, width, channels) of what the model sees.
        downsampling: pixels for one position of the latents; 0 where the model has no
            encoder of its own.
        precision: ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.
        threads: processor threads.
        warnings: problems that do not stop the run.
    """

    experiment: Experiment
    dataset: Dataset
    image_shape: tuple[int, int, int]
    downsampling: int
    precision: str
    threads: int
    warnings: tuple[Problem, ...]

    def steps(self, train_images: int) -> int:
        """Optimizer steps of the whole training.

        Args:
            train_images: images of the training split; matters where the experiment
                counts epochs.
        """
        training = self.experiment.training
        if training.steps is not None:
            return training.steps
        return (training.epochs or 0) * (train_images // training.batch_size)

    @property
    def supplied(self) -> Mapping[str, Any]:
        """What components may ask of the engine, by name."""
        known: dict[str, Any] = {
            "seed": self.experiment.seed,
            "image_shape": self.image_shape,
        }
        if self.downsampling:
            known["downsampling"] = self.downsampling
        if self.experiment.training.steps is not None:
            known["steps"] = self.experiment.training.steps
        return known


def make_plan(experiment: Experiment, dataset_path: str | None = None) -> Plan:
    """Settles what an experiment leaves open, and checks what its schema cannot.

    Args:
        experiment: valid by its schema.
        dataset_path: where the dataset's ``path`` was found, if it has one; it replaces
            what the experiment says.

    Raises:
        ExperimentError: with every problem that the components report.
        PluginError: if a component cannot be loaded.
    """
    problems = _problems(experiment)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ExperimentError(experiment.placed(errors))
    options = dict(experiment.data.dataset)
    if dataset_path is not None:
        options["path"] = dataset_path
    dataset = build("dataset", options, {"seed": experiment.seed})
    size = experiment.data.image_size
    training = experiment.training
    return Plan(
        experiment=experiment,
        dataset=dataset,
        image_shape=(size, size, dataset.channels),
        downsampling=_downsampling(experiment),
        precision=settled_precision(training.precision),
        threads=settled_threads(training.threads),
        warnings=(*experiment.warnings, *experiment.placed(problems)),
    )


def settled_precision(precision: str) -> str:
    """Resolves ``auto``: bfloat16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    native = processor_flags() & {"avx512_bf16", "amx_bf16"}
    return "mixed_bfloat16" if native or _has_accelerator() else "float32"


def settled_threads(threads: int | None) -> int:
    """Resolves null: as many threads as this process may use."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def components(
    kind: str, options: Mapping[str, Any], path: Path
) -> Iterator[tuple[type, Mapping[str, Any], Path]]:
    """A component and all components in its slots, with their options and places."""
    component = load(kind, options["type"])
    yield component, options, path
    for parameter in parameters_of(component, KINDS[kind]):
        value = options.get(parameter.name)
        if parameter.slot is None or value is None:
            continue
        many = value if parameter.many else [value]
        for position, each in enumerate(many):
            if isinstance(each, Mapping):
                at = (parameter.name, position) if parameter.many else (parameter.name,)
                yield from components(parameter.slot, each, (*path, *at))


def _problems(experiment: Experiment) -> list[Problem]:
    context = Context(
        image_size=experiment.data.image_size,
        steps=experiment.training.steps,
        batch_size=experiment.training.batch_size,
        experiment=experiment.values,
    )
    found: list[Problem] = []
    for component, options, path in _all_components(experiment):
        check = getattr(component, "check", None)
        if check is not None:
            found += [problem.under(path) for problem in check(options, context)]
    for problems in observers().tell("vqfw_checks", experiment=experiment.values):
        found += problems
    return found


def _all_components(
    experiment: Experiment,
) -> Iterator[tuple[type, Mapping[str, Any], Path]]:
    data, training = experiment.data, experiment.training
    yield from components("dataset", data.dataset, ("data", "dataset"))
    for i, each in enumerate(data.augmentations):
        yield from components("augmentation", each, ("data", "augmentations", i))
    yield from components("model", experiment.model, ("model",))
    for i, each in enumerate(experiment.losses):
        yield from components("loss", each, ("losses", i))
    yield from components("optimizer", training.optimizer, ("training", "optimizer"))
    for i, each in enumerate(training.trackers):
        yield from components("tracker", each, ("training", "trackers", i))
    for i, each in enumerate(experiment.evaluation.metrics):
        yield from components("metric", each, ("evaluation", "metrics", i))


def _downsampling(experiment: Experiment) -> int:
    """Asks the encoder, by making one; 0 where the model has none."""
    encoder = experiment.model.get("encoder")
    if not isinstance(encoder, Mapping):
        return 0
    size = experiment.data.image_size
    known = {"seed": experiment.seed, "image_shape": (size, size, 3)}
    return int(build("encoder", encoder, known).downsampling)


def _has_accelerator() -> bool:
    import keras

    return any("cpu" not in device for device in keras.distribution.list_devices())
