"""From an experiment to a plan: components are imported and checked, sizes are settled.

Nothing runs yet. Each component checks its options against the others; precision and threads
are chosen for this machine where the experiment leaves them open.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from vqfw.errors import ExperimentError, KeyPath, PluginError, Problem, dotted, in_short
from vqfw.experiment import CheckedExperiment
from vqfw.kinds.augmentation import ImageAugmentation
from vqfw.kinds.catalog import KINDS
from vqfw.kinds.context import Context
from vqfw.kinds.dataset import Dataset
from vqfw.registry import build, index, load, parameters_of, refused
from vqfw.registry.hooks import observers
from vqfw.registry.importing import harmless
from vqfw.registry.tracebacks import code_place
from vqfw.runs.environment import processor_flags


@dataclass(frozen=True)
class Plan:
    """A checked experiment with everything settled that does not need the data.

    Args:
        experiment: as loaded.
        dataset: built, not read.
        dataset_path: of its files; None where the dataset has no path.
        image_shape: (height, width, channels) of the model's input.
        downsampling: pixels for one position of the latents; 0 where the model has no
            encoder of its own.
        precision: ``float32``, ``mixed_bfloat16`` or ``mixed_float16``.
        threads: processor threads.
        split_by: unit of the split; ``auto`` is settled by the data.
        warnings: problems that do not stop the run.
    """

    experiment: CheckedExperiment
    dataset: Dataset
    dataset_path: str | None
    image_shape: tuple[int, int, int]
    downsampling: int
    precision: str
    threads: int
    split_by: Literal["auto", "group", "image"]
    warnings: tuple[Problem, ...]

    def steps(self, train_images: int) -> int:
        """Optimizer steps of the whole training.

        Args:
            train_images: images of the training split; used where the experiment gives
                epochs.
        """
        training = self.experiment.training
        if training.steps is not None:
            return training.steps
        return (training.epochs or 0) * (train_images // training.batch_size)

    @property
    def distributions(self) -> tuple[str, ...]:
        """The packages of the components of this experiment, sorted; files have none."""
        named = _all_components(self.experiment)
        entries = (index().find(each.kind, each.options["type"]) for each in named)
        return tuple(
            sorted({entry.distribution for entry in entries if entry.file is None})
        )

    @property
    def supplied(self) -> Mapping[str, Any]:
        """Arguments that the engine supplies to constructors of components, by name."""
        supplied = {
            "seed": self.experiment.seed,
            "image_shape": self.image_shape,
            "downsampling": self.downsampling or None,
            "steps": self.experiment.training.steps,
        }
        return {name: value for name, value in supplied.items() if value is not None}


def make_plan(experiment: CheckedExperiment, dataset_path: str | None = None) -> Plan:
    """Settles what an experiment leaves open, and checks what its schema cannot.

    Args:
        experiment: valid by its schema.
        dataset_path: replaces the dataset's ``path``; where that was found.

    Raises:
        ExperimentError: with every problem that the components report, or the one that a
            constructor reports.
        PluginError: if a component cannot be loaded.
    """
    problems = _problems(experiment)
    if errors := [each for each in problems if each.severity == "error"]:
        raise ExperimentError(experiment.placed(errors))
    options = dict(experiment.data.dataset)
    if dataset_path is not None:
        options["path"] = dataset_path
    size = experiment.data.image_size
    with _placed(experiment):
        dataset = build("dataset", options, {"seed": experiment.seed})
        shape = (size, size, dataset.channels)
        downsampling = _downsampling(experiment, shape)
    training = experiment.training
    return Plan(
        experiment=experiment,
        dataset=dataset,
        dataset_path=dataset_path,
        image_shape=shape,
        downsampling=downsampling,
        precision=settled_precision(training.precision),
        threads=settled_threads(training.threads),
        split_by=experiment.data.split_by,
        warnings=(*experiment.warnings, *experiment.placed(problems)),
    )


def settled_precision(precision: str) -> str:
    """Resolves ``auto``: bfloat16 where the hardware computes in it, else float32."""
    if precision != "auto":
        return precision
    native = processor_flags() & {"avx512_bf16", "amx_bf16"}
    accelerated = native or any("cpu" not in device for device in devices())
    return "mixed_bfloat16" if accelerated else "float32"


def devices() -> list[str]:
    """The devices that the backend computes on, such as ``cpu:0`` or ``cuda:0``."""
    import keras

    if keras.backend.backend() == "torch":
        # Keras 3.15 has no distribution library for torch.
        import torch

        return [f"cuda:{i}" for i in range(torch.cuda.device_count())] or ["cpu:0"]
    return list(keras.distribution.list_devices())


def settled_threads(threads: int | None) -> int:
    """Resolves None: as many threads as this process may use."""
    if threads is not None:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Named(NamedTuple):
    """A component that an experiment names.

    Args:
        kind: a key of ``KINDS``.
        component: its class.
        options: with ``type``.
        path: where it stands in the experiment.
    """

    kind: str
    component: type
    options: Mapping[str, Any]
    path: KeyPath


def components(kind: str, options: Mapping[str, Any], path: KeyPath) -> Iterator[Named]:
    """A component and all components in its slots, with their options and places."""
    component = load(kind, options["type"])
    yield Named(kind, component, options, path)
    for parameter in parameters_of(component, KINDS[kind]):
        value = options.get(parameter.name)
        if parameter.slot is None or value is None:
            continue
        many = value if parameter.many else [value]
        for position, each in enumerate(many):
            if isinstance(each, Mapping):
                at = (parameter.name, position) if parameter.many else (parameter.name,)
                yield from components(parameter.slot, each, (*path, *at))


def data_paths(experiment: CheckedExperiment) -> Iterator[tuple[str, str]]:
    """Options that lead to files, where they were set: their place, and the path."""
    for each in _all_components(experiment):
        for parameter in parameters_of(each.component, KINDS[each.kind]):
            value = each.options.get(parameter.name)
            leads = parameter.schema.get("format") == "data-path"
            if leads and value and value != parameter.schema.get("default"):
                yield dotted((*each.path, parameter.name)), value


def _problems(experiment: CheckedExperiment) -> list[Problem]:
    context = Context(
        image_size=experiment.data.image_size,
        steps=experiment.training.steps,
        batch_size=experiment.training.batch_size,
        experiment=experiment.values,
    )
    problems: list[Problem] = []
    for each in _all_components(experiment):
        problems += [problem.under(each.path) for problem in _check(each, context)]
    problems += _order_problems(experiment)
    problems += _idle_revival(experiment)
    problems += _optimizer_problems(experiment)
    for observer, problem in observers().gather(
        "vqfw_checks", Problem, experiment=experiment.values
    ):
        note = f"found by observer {observer}"
        note = "; ".join(filter(None, (problem.note, note)))
        problems.append(replace(problem, note=note))
    return problems


def _check(named: Named, context: Context) -> Sequence[Problem]:
    """The problems that a component's own ``check`` reports."""
    check = getattr(named.component, "check", None)
    if check is None:
        return ()
    entry = index().find(named.kind, named.options["type"])
    if entry.first_party:
        return check(named.options, context)  # type: ignore[no-any-return]
    try:
        with harmless():
            problems = list(check(named.options, context))
            if not all(isinstance(problem, Problem) for problem in problems):
                raise TypeError("it returns something else than a list of Problem")
    except Exception as error:
        raise PluginError(
            f'check() of {named.kind} "{entry.name}" of {entry.owner} fails '
            f"({in_short(error)}{code_place(error, entry)}): {entry.remedy}"
        ) from error
    return problems


def _order_problems(experiment: CheckedExperiment) -> Iterator[Problem]:
    """Image augmentations behind a tensor augmentation, which runs after them all."""
    tensor = None
    for i, each in enumerate(experiment.data.augmentations):
        name = each["type"]
        if not issubclass(load("augmentation", name), ImageAugmentation):
            tensor = tensor or name
        elif tensor is not None:
            yield Problem(
                "augmentation-order",
                f'image augmentation "{name}" comes after tensor augmentation '
                f'"{tensor}", but pictures are changed on the host before tensors are',
                ("data", "augmentations", i),
                help=f'move "{name}" before "{tensor}"',
            )


def _idle_revival(experiment: CheckedExperiment) -> Iterator[Problem]:
    """A warning where the model has no codebooks for its revival.

    The default revival gives none with a first-party quantizer: its codes are fixed by
    design. The author of another quantizer may have expected a revival.
    """
    from vqfw.kinds import CodebookQuantizer

    origin = experiment.origins.get("model.revival.type")
    if origin is None:
        return
    named = components("model", experiment.model, ("model",))
    quantizers = [each for each in named if each.kind == "quantizer"]
    # What wraps another quantizer has the codebooks of that one.
    wrapping = {each.path[:-1] for each in quantizers}
    innermost = [each for each in quantizers if each.path not in wrapping]
    if any(issubclass(each.component, CodebookQuantizer) for each in innermost):
        return
    types = [each.options["type"] for each in innermost]
    first_party = all(index().find("quantizer", name).first_party for name in types)
    if first_party and origin.source.startswith("default of "):
        return
    names = " or ".join(f'"{name}"' for name in types)
    yield Problem(
        "revival-without-codebook",
        f'revival "{experiment.model["revival"]["type"]}" is idle: '
        + (f"quantizer {names}" if names else "the model")
        + " has no codebooks",
        ("model", "revival"),
        help="--set model.revival=null",
        note=""
        if first_party
        else "only a CodebookQuantizer of vqfw.kinds has its codes revived",
        severity="warning",
    )


def _optimizer_problems(experiment: CheckedExperiment) -> Iterator[Problem]:
    """Problems of the optimizer and its learning rate, found by making them once."""
    options = experiment.training.optimizer
    path: KeyPath = ("training", "optimizer")
    try:
        optimizer = build("optimizer", options, {"seed": experiment.seed})
    except ExperimentError as error:
        yield from error.problems
        return
    schedule = options.get("learning_rate")
    try:
        # A schedule checks its numbers only when it computes a rate.
        if len(optimizer.learning_rate.shape):
            raise ValueError("it gives several rates for a step, not one")
    except (TypeError, ValueError) as error:
        if not isinstance(schedule, Mapping):
            raise
        at = (*path, "learning_rate")
        yield from refused("learning_rate", schedule, error, at).problems


@contextmanager
def _placed(experiment: CheckedExperiment) -> Iterator[None]:
    """Adds their places to problems that a constructor reports."""
    try:
        yield
    except ExperimentError as error:
        raise ExperimentError(experiment.placed(error.problems)) from error


def _all_components(experiment: CheckedExperiment) -> Iterator[Named]:
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


def _downsampling(
    experiment: CheckedExperiment, image_shape: tuple[int, int, int]
) -> int:
    """Asks the encoder, by making one; 0 where the model has none."""
    encoder = experiment.model.get("encoder")
    if not isinstance(encoder, Mapping):
        return 0
    supplied = {"seed": experiment.seed, "image_shape": image_shape}
    return int(build("encoder", encoder, supplied).downsampling)
