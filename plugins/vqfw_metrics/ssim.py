"""Structural similarity of each image, by ``keras.ops.image.ssim``; not multi-scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from vqfw.errors import DataError, Problem
from vqfw.kinds import Context
from vqfw.kinds.tensors import Floats
from vqfw_metrics.per_image import PerImageMetric

# The window of the paper: 11 pixels wide, a Gaussian of standard deviation 1.5.
WINDOW = 11
SIGMA = 1.5


class SSIM(PerImageMetric):
    """Structural similarity as a mean over images; 1 for an exact match, in [-1, 1].

    Local means, variances and covariances under a Gaussian window of 11 pixels, standard
    deviation 1.5, at every place where the window fits; the mean over colour channels.
    Images of fewer than 11 pixels a side raise ``DataError``.

    Source: Wang et al. 2004, eq. 13, https://doi.org/10.1109/TIP.2003.819861
    """

    @classmethod
    def check(cls, options: Mapping[str, Any], context: Context) -> Sequence[Problem]:
        """Refuses images that are smaller than the window."""
        if context.image_size >= WINDOW:
            return ()
        return (
            Problem(
                code="image-too-small",
                message=f"SSIM has a window of {WINDOW} pixels, and the images have "
                f"{context.image_size} pixels a side",
                help=f'remove "ssim", or set "image_size" to {WINDOW} or more',
            ),
        )

    def measure(self, original: Floats, reconstruction: Floats) -> NDArray[np.float32]:
        height, width = original.shape[1:3]
        if min(height, width) < WINDOW:
            raise DataError(
                f"SSIM has a window of {WINDOW} pixels, and the images have {height} x "
                f"{width} pixels: score larger images, or remove SSIM"
            )
        # On the CPU: an accelerator may round the inputs of a convolution to ten bits, and
        # the local variances are small differences of large numbers.
        with keras.device("cpu"):
            similarity = ops.image.ssim(
                ops.convert_to_tensor(original, "float32"),
                ops.convert_to_tensor(reconstruction, "float32"),
                max_val=1.0,
                filter_size=WINDOW,
                filter_sigma=SIGMA,
                data_format="channels_last",
            )
        return np.asarray(ops.convert_to_numpy(similarity))
