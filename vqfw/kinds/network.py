"""The contracts of encoder and decoder: Keras layers with a known reduction in size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from vqfw.errors import Problem
from vqfw.kinds.context import Context
from vqfw.kinds.options import Count


class Encoder(keras.layers.Layer):
    """Turns images (batch, height, width, channels) in [0, 1] into latents.

    A subclass sets both attributes in its constructor and implements ``call(images,
    training=False)``, which returns (batch, height / downsampling, width / downsampling,
    channels). Sub-layers are made in the constructor, so that they take the precision of
    the experiment.
    """

    vqfw_kind: ClassVar[str] = "encoder"

    downsampling: Count
    """Pixels per position of the latents, along one side."""
    channels: Count
    """Channels of the latents."""

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"name": "encoder", **layer})

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Finds problems that no schema can express, such as sizes that do not fit.

        Args:
            options: of this component, with ``type``, defaults filled in.
            context: sizes and steps of the experiment around it.

        Returns:
            ``vqfw.errors.Problem`` with paths that begin at these options; empty for none.
        """
        return ()


class Decoder(keras.layers.Layer):
    """Turns latents into images of the shape that its constructor gets.

    The constructor of a subclass takes ``image_shape: ImageShape`` and ``downsampling:
    Downsampling``, which the engine supplies. It implements ``call(latents,
    training=False)``: (batch, *positions, channels) to (batch, height, width, channels).
    Its output is clipped to [0, 1] before it is scored or shown.
    """

    vqfw_kind: ClassVar[str] = "decoder"

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"name": "decoder", **layer})

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Finds problems that no schema can express, as that of an encoder does."""
        return ()
