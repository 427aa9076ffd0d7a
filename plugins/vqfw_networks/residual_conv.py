"""The convolutional encoder and decoder of the VQ-VAE paper, for downsampling by powers of 2.

Source: van den Oord et al. 2017, section 4.1, https://arxiv.org/abs/1711.00937.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras

from vqfw.errors import Problem
from vqfw.kinds import Context, Count, Decoder, Downsampling, Encoder, ImageShape
from vqfw.kinds.tensors import Images, Latents, Tensor

_STRIDED = {"strides": 2, "padding": "same", "activation": "relu"}


class ResidualBlock(keras.layers.Layer):
    """Adds to the input a 3x3 and a 1x1 convolution of it.

    Args:
        filters: channels in and out.
        residual_filters: channels between the two convolutions.
    """

    def __init__(self, filters: int, residual_filters: int, **layer: Any) -> None:
        super().__init__(**layer)
        self.narrow = keras.layers.Conv2D(
            residual_filters, 3, padding="same", name="narrow"
        )
        self.widen = keras.layers.Conv2D(filters, 1, name="widen")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.narrow.build(shape)
        self.widen.build((*shape[:-1], self.narrow.filters))

    def compute_output_shape(
        self, shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return shape

    def call(self, inputs: Tensor) -> Tensor:
        hidden = self.narrow(keras.ops.relu(inputs))
        return inputs + self.widen(keras.ops.relu(hidden))


class ResidualConvEncoder(Encoder):
    """Halves the image with strided convolutions, then refines it in residual blocks.

    (batch, height, width, channels) to (batch, height / downsampling, width /
    downsampling, ``channels``). Source: van den Oord et al. 2017, section 4.1.

    Args:
        channels: Channels of the latents.
        filters: Channels of the convolutions; the first one has half as many.
        residual_filters: Channels inside a residual block.
        residual_blocks: Number of residual blocks.
        downsampling: Pixels along one side of the image for one position of the latents.
    """

    def __init__(
        self,
        channels: Count = 64,
        filters: Count = 128,
        residual_filters: Count = 32,
        residual_blocks: Count = 2,
        downsampling: Literal[2, 4, 8, 16] = 4,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.downsampling = downsampling
        widths = _widths(filters, downsampling)
        self.stages = [
            *(
                keras.layers.Conv2D(width, 4, **_STRIDED, name=f"halve_{i}")
                for i, width in enumerate(widths)
            ),
            keras.layers.Conv2D(filters, 3, padding="same", name="refine"),
            *_blocks(filters, residual_filters, residual_blocks),
            keras.layers.ReLU(name="relu"),
            keras.layers.Conv2D(channels, 1, name="to_latents"),
        ]

    def build(self, shape: tuple[int | None, ...]) -> None:
        for stage in self.stages:
            stage.build(shape)
            shape = stage.compute_output_shape(shape)

    def call(self, images: Images, training: bool = False) -> Latents:
        images = 2.0 * images - 1.0  # to [-1, 1]
        for stage in self.stages:
            images = stage(images)
        return images

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        downsampling = options["downsampling"]
        size = context.image_size
        if size % downsampling == 0:
            return ()
        below = size - size % downsampling
        halvings = downsampling.bit_length() - 1
        fits = [f for f in (2, 4, 8, 16) if size % f == 0]
        other = f', or encoder "downsampling" to {fits[-1]}' if fits else ""
        sizes = f"{below} or {below + downsampling}" if below else f"{downsampling}"
        return [
            Problem(
                "size-mismatch",
                f"an image of {size} pixels cannot be halved {halvings} times",
                ("downsampling",),
                help=f'set "image_size" to {sizes}{other}',
            )
        ]


class ResidualConvDecoder(Decoder):
    """Mirrors ``ResidualConvEncoder`` with transposed convolutions.

    (batch, height / downsampling, width / downsampling, channels) to (batch, height,
    width, image channels). Its last layer computes in float32, which avoids banding at
    reduced precision. Source: van den Oord et al. 2017, section 4.1.

    Args:
        filters: Channels of the convolutions; the last but one has half as many.
        residual_filters: Channels inside a residual block.
        residual_blocks: Number of residual blocks.
    """

    def __init__(
        self,
        image_shape: ImageShape,
        downsampling: Downsampling,
        filters: Count = 128,
        residual_filters: Count = 32,
        residual_blocks: Count = 2,
    ) -> None:
        super().__init__()
        widths = _widths(filters, downsampling)[-2::-1]
        self.stages = [
            keras.layers.Conv2D(filters, 3, padding="same", name="from_latents"),
            *_blocks(filters, residual_filters, residual_blocks),
            keras.layers.ReLU(name="relu"),
            *(
                keras.layers.Conv2DTranspose(width, 4, **_STRIDED, name=f"double_{i}")
                for i, width in enumerate(widths)
            ),
            keras.layers.Conv2DTranspose(
                image_shape[-1],
                4,
                strides=2,
                padding="same",
                dtype="float32",
                name="to_image",
            ),
        ]

    def build(self, shape: tuple[int | None, ...]) -> None:
        for stage in self.stages:
            stage.build(shape)
            shape = stage.compute_output_shape(shape)

    def call(self, latents: Latents, training: bool = False) -> Images:
        for stage in self.stages:
            latents = stage(latents)
        return 0.5 * latents + 0.5  # an untrained decoder starts at mid-grey


def _widths(filters: int, downsampling: int) -> list[int]:
    """Channels after each halving: half of ``filters``, then ``filters``."""
    halvings = downsampling.bit_length() - 1
    return [max(1, filters // 2), *[filters] * (halvings - 1)]


def _blocks(filters: int, residual_filters: int, count: int) -> list[ResidualBlock]:
    return [
        ResidualBlock(filters, residual_filters, name=f"residual_{i}")
        for i in range(count)
    ]
