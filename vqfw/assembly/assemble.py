"""From a plan to built parts, joined and named."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from vqfw.assembly.autoencoder import Autoencoder, WeightedLoss
from vqfw.assembly.left_out import UNTRAINED, left_out, wake
from vqfw.data.pictures import ListedAugmentation
from vqfw.errors import PluginError
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
    keras.utils.set_random_seed(plan.experiment.seed)
    with policy(plan.precision):
        model = build("model", plan.experiment.model, plan.supplied)
        model.build((None, *plan.image_shape))
    return model  # type: ignore[no-any-return]  # the registry builds by name


def build_autoencoder(plan: Plan) -> Autoencoder:
    """Makes the model with losses, augmentations and optimizer, ready for a step.

    Raises:
        PluginError: if a component holds trained weights that no gradient would reach.
    """
    experiment = plan.experiment
    model, losses = build_model(plan), _losses(plan)
    augmentations = list(_augmentations(plan, Augmentation))
    autoencoder = Autoencoder(
        model,
        losses,
        [augmentation for _, augmentation in augmentations],
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
    for options, augmentation in augmentations:
        # What it makes is data: no gradient goes through it.
        _require_trained("augmentation", options["type"], augmentation, ())
    optimizer = build("optimizer", experiment.training.optimizer, plan.supplied)
    if plan.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    # XLA makes TensorFlow's step slower on processors, and JAX compiles by itself.
    autoencoder.compile(optimizer=optimizer, jit_compile=_compiles_by_itself())
    optimizer.build(autoencoder.trainable_variables)
    return autoencoder


def build_augmentations(plan: Plan) -> Sequence[tuple[Augmentation, float]]:
    """The tensor augmentations with the share of images that each one changes."""
    built = _augmentations(plan, Augmentation)
    return [(augmentation, each["probability"]) for each, augmentation in built]


def build_image_augmentations(plan: Plan) -> Sequence[ListedAugmentation]:
    """The image augmentations, which run before all others."""
    return [
        ListedAugmentation(
            augmentation,
            each["probability"],
            index().find("augmentation", each["type"]),
        )
        for each, augmentation in _augmentations(plan, ImageAugmentation)
    ]


def build_metrics(plan: Plan) -> dict[str, Metric]:
    """Fresh metrics, by the name under which the experiment lists them."""
    return {
        each["type"]: build("metric", each, plan.supplied, ("evaluation", "metrics", i))
        for i, each in enumerate(plan.experiment.evaluation.metrics)
    }


def codebook_fingerprint(model: Model) -> str:
    """A checksum of all that turns tokens into images.

    Tokens are only meaningful with the codebook and decoder that made them; equal
    fingerprints mean equal pictures.
    """
    digest = hashlib.sha256()
    # Not the trained ones alone: a book may be frozen, or follow an average.
    for variable in sorted(model.variables, key=lambda each: each.path):
        value = keras.ops.convert_to_numpy(variable)
        digest.update(f"{variable.path} {value.shape} {value.dtype}\n".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()[:32]


def _augmentations(plan: Plan, form: type) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Those of one form, with what the experiment says of them."""
    for i, each in enumerate(plan.experiment.data.augmentations):
        if issubclass(load("augmentation", each["type"]), form):
            at = ("data", "augmentations", i)
            yield each, build("augmentation", each, plan.supplied, at)


def _losses(plan: Plan) -> list[WeightedLoss]:
    return [
        WeightedLoss(
            each["type"],
            each["weight"],
            build("loss", each, plan.supplied, ("losses", i)),
        )
        for i, each in enumerate(plan.experiment.losses)
    ]


def _require_trained(
    kind: str, name: str, component: Any, trained: Iterable[Any]
) -> None:
    """Refuses trainable weights that would stay as they are, silently."""
    if paths := left_out(component, trained):
        more = f" and {len(paths) - 1} more" if paths[1:] else ""
        raise PluginError(
            f'{kind} "{name}" of {index().find(kind, name).owner} holds trainable weights '
            f"that are never trained ({paths[0]}{more}): {UNTRAINED[kind]}"
        )


def _compiles_by_itself() -> bool:
    return bool(keras.backend.backend() == "jax")
