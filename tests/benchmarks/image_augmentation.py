"""Times batches of experiments/lfw.json with and without an image augmentation.

    python tests/benchmarks/image_augmentation.py

Prints how many images a second come out of the threads that make batches ahead, without and
with a compression of each picture as JPEG. Nothing is trained. Needs no data.
"""

import time
from contextlib import closing
from io import BytesIO

import numpy as np
from PIL import Image

from vqfw.data.arrays import Images
from vqfw.data.batches import Batches
from vqfw.data.pictures import ListedAugmentation
from vqfw.kinds import ImageAugmentation
from vqfw.registry import Entry

BATCH, SIZE, STEPS = 32, 64, 60
THREADS = (1, 2, 4)


class JPEG(ImageAugmentation):
    """Compresses a picture with a random quality."""

    def apply(self, image: Image.Image, rng: np.random.Generator) -> Image.Image:
        stream = BytesIO()
        image.save(stream, "JPEG", quality=int(rng.integers(30, 96)))
        return Image.open(stream)


def main() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (10 * BATCH, SIZE, SIZE, 3), np.uint8)
    names = ("",) * len(pixels)
    entry = Entry("augmentation", "jpeg", f"{__name__}:JPEG", "benchmark", "0")
    jpeg = ListedAugmentation(JPEG(), 1.0, entry)
    images = Images(pixels, names, names)
    plain = Batches(images, batch_size=BATCH, seed=0)
    changed = Batches(images, batch_size=BATCH, seed=0, image_augmentations=[jpeg])
    print(f"without            {_pace(plain, 1)}")
    for threads in THREADS:
        print(f"JPEG, {threads} thread(s)  {_pace(changed, threads)}")


def _pace(batches: Batches, threads: int) -> str:
    """Images a second, and processor time of all threads for one image."""
    begun, worked = time.perf_counter(), time.process_time()
    with closing(batches.prefetched(0, STEPS, threads)) as coming:
        images = sum(len(batch["images"]) for batch in coming)
    pace = images / (time.perf_counter() - begun)
    each = 1e6 * (time.process_time() - worked) / images
    return f"{pace:8,.0f} images/s   {each:6.0f} µs of processor time an image"


if __name__ == "__main__":
    main()
