"""Real photographs of 64 pixels, and the way from Pillow's numbers to ours and back."""

import numpy as np
import pytest
from keras import ops
from PIL import Image
from sklearn.datasets import load_sample_image


@pytest.fixture(scope="session")
def photograph():
    return Image.fromarray(load_sample_image("china.jpg")).resize(
        (64, 64), box=(60, 0, 487, 427)
    )


@pytest.fixture(scope="session", params=["RGB", "L"])
def picture(request, photograph):
    return photograph.convert(request.param)


@pytest.fixture(scope="session")
def changed():
    """Applies an augmentation to a Pillow image, and gives grey levels as floats."""

    def change(augmentation, picture, **params):
        pixels = np.asarray(picture, "float32").reshape(1, *picture.size[::-1], -1)
        rows = {name: np.array([value]) for name, value in params.items()}
        images = augmentation.apply(
            ops.convert_to_tensor(pixels / 255),
            {
                name: ops.convert_to_tensor(row.astype("float32"))
                for name, row in rows.items()
            },
        )
        return np.clip(ops.convert_to_numpy(images)[0], 0, 1) * 255

    return change


@pytest.fixture(scope="session")
def levels():
    """The absolute differences to a Pillow image, in grey levels."""

    def difference(found, expected):
        return np.abs(found - np.asarray(expected, "float32").reshape(found.shape))

    return difference
