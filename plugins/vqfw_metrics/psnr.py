"""Peak signal-to-noise ratio of each image, not of a pooled squared error."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vqfw.kinds.tensors import Floats
from vqfw_metrics.per_image import PerImageMetric

# The lowest squared error: 100 dB, more than images of 8 bits can reach. Without it one
# exact image would make the mean infinite.
NO_ERROR = 1e-10


class PSNR(PerImageMetric):
    """Peak signal-to-noise ratio in dB, ``10 log10(1 / MSE)``, as a mean over images.

    Both images are clipped to [0, 1] and compared over all pixels and channels. An exact
    match counts as 100 dB. The mean of the ratios is higher than the ratio of the mean
    error, which some tools report. Source: Huynh-Thu and Ghanbari 2008,
    https://doi.org/10.1049/el:20080522
    """

    unit: ClassVar[str] = "dB"

    def measure(self, original: Floats, reconstruction: Floats) -> NDArray[np.float64]:
        difference = _clipped(original) - _clipped(reconstruction)
        error = np.square(difference).mean(axis=(1, 2, 3))
        decibels: NDArray[np.float64] = -10.0 * np.log10(np.maximum(error, NO_ERROR))
        return decibels


def _clipped(images: Floats) -> NDArray[np.float64]:
    return images.astype(np.float64).clip(0.0, 1.0)
