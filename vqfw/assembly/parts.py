"""The built parts of a run: made once from a plan, handed to training and scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vqfw.assembly.autoencoder import Autoencoder
from vqfw.data.arrays import Images
from vqfw.data.batches import Batches
from vqfw.data.pictures import ListedAugmentation
from vqfw.kinds.augmentation import Augmentation
from vqfw.kinds.metric import Metric
from vqfw.plan import Plan


@dataclass(frozen=True)
class Parts:
    """Everything of a run that has components, built.

    Args:
        autoencoder: compiled, with fresh weights.
        augmentations: the tensor augmentations of ``autoencoder``, each with the share
            of the images that it changes.
        image_augmentations: run on the host, before the tensor augmentations.
        new_metrics: makes the metrics by name; each pass over images needs fresh ones.
    """

    autoencoder: Autoencoder
    augmentations: Sequence[tuple[Augmentation, float]]
    image_augmentations: Sequence[ListedAugmentation]
    new_metrics: Callable[[], Mapping[str, Metric]]

    def batches(self, plan: Plan, images: Images) -> Batches:
        """The training batches of a plan, from these images, with the augmentations."""
        return Batches(
            images,
            batch_size=plan.experiment.training.batch_size,
            seed=plan.experiment.seed,
            augmentations=self.augmentations,
            image_augmentations=self.image_augmentations,
        )
