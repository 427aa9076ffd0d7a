from io import BytesIO
from typing import Annotated

from PIL import Image

from vqfw.kinds import ImageAugmentation, Range


class Template(ImageAugmentation):
    """Compresses each picture as JPEG of a random quality.

    Args:
        lowest: The worst quality, as Pillow counts it.
    """

    def __init__(self, lowest: Annotated[int, Range(minimum=1, maximum=95)] = 30):
        self.lowest = lowest

    def apply(self, image, rng):
        stream = BytesIO()
        image.save(stream, "JPEG", quality=int(rng.integers(self.lowest, 96)))
        return Image.open(stream)
