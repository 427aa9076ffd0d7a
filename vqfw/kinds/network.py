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
    """Pixels for one position, along one side."""
    channels: Count
    """Channels of the latents."""

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"name": "encoder", **layer})

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Says what the schema cannot: sizes that do not fit, for one.

        Args:
            options: of this component, with ``type``, defaults filled in.
            context: sizes and steps of the experiment around it.

        Returns:
            ``vqfw.errors.Problem`` with a path from these options on; none where all is
            well.
        """
        return ()


class Decoder(keras.layers.Layer):
    """Turns latents into images of the shape that its constructor was supplied with.

    A subclass takes ``image_shape: ImageShape`` and ``downsampling: Downsampling`` among
    its options (the engine supplies both) and implements ``call(latents,
    training=False)``: (batch, *positions, channels) to (batch, height, width, channels). Its output is meant for [0, 1]; it may leave that range a little,
    and what is scored or shown is clipped.
    """

    vqfw_kind: ClassVar[str] = "decoder"

    def __init__(self, **layer: Any) -> None:
        super().__init__(**{"name": "decoder", **layer})

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Says what the schema cannot."""
        return ()
