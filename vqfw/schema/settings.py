"""The sections of an experiment that belong to the engine; each class is its own schema.

What a component can be told stands in its constructor; what the engine itself can be
told stands here, in the same vocabulary of annotations and ``Args:``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from vqfw.kinds.options import (
    Count,
    Default,
    Introduced,
    Length,
    Range,
    Share,
    Slot,
    Steps,
)

Component = Mapping[str, Any]
"""A component as a resolved experiment has it: ``type`` and all its options."""

ABOUT = ("name", "description", "notes", "expected")
"""Keys of an experiment that change no number of its runs."""


@dataclass(frozen=True)
class DataSettings:
    """Which images, and what is done to them before the model sees them.

    Args:
        dataset: Where images and the people on them come from; a path stands for an
            ``image_folder``.
        crop: Side of the centred square that is cut out of each picture, in source
            pixels; null takes the largest.
        image_size: Side of the square images that the model sees, in pixels.
        augmentations: Random changes of the training images, applied in this order.
        split_by: What a split keeps together: the pictures of a ``group`` (a person), or
            nothing (``image``). ``auto`` takes groups, but pictures where groups are
            folders and fewer than 20 or in several official folders, and says so.
        group_level: Which folder of a picture is its group, where the dataset names no
            groups: 1 is the first below the folder that holds all pictures. Folders called
            train, val, valid, validation and test are the split and are not counted.
            Null takes the name of the folder that holds the picture, wherever it stands,
            and counts every folder.
        validation: Share of the groups (or pictures) that validate, where the dataset has
            no official split.
        test: Share of the groups (or pictures) that test, where the dataset has no
            official split.
        split_seed: Seed of the draw of those groups (or pictures).
        on_bad_image: Whether a picture that cannot be read ends the run or is skipped,
            counted and named.
    """

    dataset: Annotated[Component, Slot("dataset")]
    crop: Count | None = None
    image_size: Annotated[int, Range(minimum=8, maximum=4096)] = 64
    augmentations: Annotated[
        tuple[Annotated[Component, Slot("augmentation")], ...], Length(maximum=100)
    ] = ()
    split_by: Annotated[
        Literal["auto", "group", "image"], Introduced("0.1.0", before="group")
    ] = "auto"
    group_level: Annotated[Count | None, Introduced("0.1.0", before=None)] = 1
    validation: Share = 0.1
    test: Share = 0.1
    split_seed: Annotated[int, Range(minimum=0)] = 0
    on_bad_image: Literal["error", "skip"] = "error"


@dataclass(frozen=True)
class EarlyStopping:
    """Ends training when a validation score has not improved for a while.

    Args:
        metric: Name of the score; one of ``evaluation.metrics``.
        patience: Validations without an improvement before the end.
        min_delta: Improvements smaller than this do not count.
    """

    metric: str
    patience: Count = 5
    min_delta: Annotated[float, Range(minimum=0)] = 0.0


@dataclass(frozen=True)
class TrainingSettings:
    """How the model is trained.

    Args:
        steps: Optimizer steps of the whole training; give this or ``epochs``.
        epochs: Passes over the training images; give this or ``steps``.
        batch_size: Images in one optimizer step.
        optimizer: Any Keras optimizer by name; ``global_clipnorm`` clips gradients.
        precision: Number format of the networks; ``auto`` takes bfloat16 where the
            processor computes in it, else float32. Quantizer, losses and scores are
            always float32.
        threads: Processor threads; null takes all there are. Recorded, because results
            depend on it bit by bit.
        weight_averaging: Share of the past that stays in a moving average of the weights
            at each step; pictures, scores and tokens are made with the average. Null
            uses the last weights.
        usage_half_life: Images after which an observation of codebook usage counts half.
        checkpoint_every: Steps between two checkpoints.
        keep_checkpoints: Newest checkpoints that are kept.
        early_stopping: When to end before the last step; null never.
        trackers: Where scalars and pictures are sent besides the run's own folder.
    """

    steps: Steps | None = None
    epochs: Count | None = None
    batch_size: Count = 32
    optimizer: Annotated[Component, Slot("optimizer"), Default("adam")] = None  # type: ignore[assignment]  # the loader fills the named default in
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    threads: Count | None = None
    weight_averaging: Annotated[float, Range(minimum=0, below=1)] | None = None
    usage_half_life: Annotated[float, Range(above=0)] = 1024.0
    checkpoint_every: Steps = 250
    keep_checkpoints: Count = 2
    early_stopping: EarlyStopping | None = None
    trackers: tuple[Annotated[Component, Slot("tracker")], ...] = ()


@dataclass(frozen=True)
class EvaluationSettings:
    """How reconstructions are scored and shown.

    Args:
        metrics: Scores on held-out images.
        batch_size: Images reconstructed at once.
        pictures: Test images that are saved as pairs and shown in the grids.
    """

    metrics: Annotated[
        tuple[Annotated[Component, Slot("metric")], ...],
        Default(("psnr", "ssim", "codebook_usage", "perplexity")),
    ] = ()
    batch_size: Count = 32
    pictures: Count = 8
