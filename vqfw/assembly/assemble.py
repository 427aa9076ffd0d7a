"""Builds the components of a plan and joins them: model, losses, augmentations, optimizer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.assembly.loss_line import WeightedLoss
from vqfw.assembly.parts import Parts
from vqfw.assembly.untrained import REMEDY, untrained_paths, wake
from vqfw.data.pictures import ListedAugmentation
from vqfw.errors import KeyPath, PluginError
from vqfw.kinds.augmentation import Augmentation, ImageAugmentation
from vqfw.kinds.metric import Metric
from vqfw.kinds.model import Model
from vqfw.kinds.precision import policy
from vqfw.plan import Plan
from vqfw.registry import build, index, load


def build_model(plan: Plan) -> Model:
    """Makes the model that a plan describes, with weights drawn from its seed.

    Names of layers and variables depend on the plan alone, not on what was built before
    in this process.
    """
    keras.utils.clear_session(free_memory=False)
    return build_named_model(plan)


def build_named_model(plan: Plan) -> Model:
    """The same below the names and scopes that Keras holds now."""
    keras.utils.set_random_seed(plan.experiment.seed)
    with policy(plan.precision):
        model = build("model", plan.experiment.model, plan.supplied)
        model.build((None, *plan.image_shape))
    return model  # type: ignore[no-any-return]  # the registry builds by name


def build_parts(plan: Plan) -> Parts:
    """Builds all that a training needs of a plan, each component once.

    Raises:
        PluginError: if a component holds trainable weights that would never be trained.
    """
    autoencoder = build_autoencoder(plan)
    shares = [options["probability"] for options, _ in _listed(plan, Augmentation)]
    return Parts(
        autoencoder,
        augmentations=list(zip(autoencoder.augmentations, shares, strict=True)),
        image_augmentations=[
            ListedAugmentation(
                build("augmentation", options, plan.supplied, path),
                options["probability"],
                index().find("augmentation", options["type"]),
            )
            for options, path in _listed(plan, ImageAugmentation)
        ],
        new_metrics=partial(build_metrics, plan),
    )


def build_autoencoder(plan: Plan) -> Autoencoder:
    """Builds the model with losses, augmentations and optimizer, ready for a training step.

    Raises:
        PluginError: if a component holds trainable weights that would never be trained.
    """
    experiment = plan.experiment
    model = build_model(plan)
    losses = [
        WeightedLoss(
            options["type"],
            options["weight"],
            build("loss", options, plan.supplied, ("losses", i)),
        )
        for i, options in enumerate(experiment.losses)
    ]
    listed = list(_listed(plan, Augmentation))
    augmentations = [
        build("augmentation", options, plan.supplied, path) for options, path in listed
    ]
    autoencoder = Autoencoder(
        model,
        losses,
        augmentations,
        experiment.training.usage_half_life,
        experiment.training.batch_size,
        plan.image_shape,
        experiment.training.weight_averaging,
    )
    for loss in losses:
        wake(loss.loss, plan.image_shape)
    trained = autoencoder.trainable_variables
    _require_trained("model", experiment.model["type"], model, trained)
    for loss in losses:
        _require_trained("loss", loss.name, loss.loss, trained)
    for (options, _), augmentation in zip(listed, augmentations, strict=True):
        # No gradient goes through an augmentation.
        _require_trained("augmentation", options["type"], augmentation, ())
    optimizer = build("optimizer", experiment.training.optimizer, plan.supplied)
    if plan.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # XLA makes TensorFlow's step slower on processors, and JAX compiles by itself.
    autoencoder.compile(
        optimizer=optimizer, jit_compile=keras.backend.backend() == "jax"
    )
    optimizer.build(autoencoder.trainable_variables)
    return autoencoder


def build_metrics(plan: Plan) -> dict[str, Metric]:
    """Builds the metrics, by the name under which the experiment lists them."""
    return {
        options["type"]: build(
            "metric", options, plan.supplied, ("evaluation", "metrics", i)
        )
        for i, options in enumerate(plan.experiment.evaluation.metrics)
    }


def codebook_fingerprint(model: Model) -> str:
    """A checksum of the model: equal fingerprints decode tokens to equal pictures."""
    digest = hashlib.sha256()
    # Not the trained variables alone: a book may be frozen, or follow an average.
    for variable in sorted(model.variables, key=lambda each: each.path):
        value = keras.ops.convert_to_numpy(variable)
        digest.update(f"{variable.path} {value.shape} {value.dtype}\n".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:32]


def _listed(plan: Plan, form: type) -> Iterator[tuple[Mapping[str, Any], KeyPath]]:
    """The options of the listed augmentations of one form, and their places."""
    for i, options in enumerate(plan.experiment.data.augmentations):
        if issubclass(load("augmentation", options["type"]), form):
            yield options, ("data", "augmentations", i)


def _require_trained(
    kind: str, name: str, component: Any, trained: Iterable[Any]
) -> None:
    """Refuses trainable weights that the optimizer is not given."""
    if paths := untrained_paths(component, trained):
        more = f" and {len(paths) - 1} more" if paths[1:] else ""
        raise PluginError(
            f'{kind} "{name}" of {index().find(kind, name).owner} holds trainable weights '
            f"that are never trained ({paths[0]}{more}): {REMEDY[kind]}"
        )
