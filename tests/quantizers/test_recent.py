"""Recent latents are a sample of all images and positions."""

import numpy as np
from keras import ops
from vqfw_quantizers.recent import ROWS, RecentLatents


def test_a_sample_covers_every_column_and_row_of_the_grid():
    images, side = 32, 16
    grid = np.stack(np.meshgrid(range(images), range(side), range(side), indexing="ij"))
    latents = grid.reshape(3, -1).T.astype("float32")
    pool = RecentLatents(3)
    pool.add(ops.convert_to_tensor(latents))
    kept = pool.values
    for axis, size in enumerate((images, side, side)):
        assert len(np.unique(kept[:, axis])) == size


def test_forget_empties_the_recent_latents():
    pool = RecentLatents(1)
    pool.add(ops.zeros((5, 1)))
    pool.forget()
    assert pool.values.shape == (0, 1)
    pool.add(ops.ones((3, 1)))
    assert pool.values.tolist() == [[1.0]] * 3


def test_recent_latents_keep_the_newest_up_to_their_capacity():
    pool = RecentLatents(1)
    for step in range(12):
        pool.add(ops.full((700, 1), float(step)))
    assert pool.values.shape == (ROWS, 1)
    assert pool.values.max() == 11
    assert pool.values.min() == 12 - np.ceil(ROWS / 700)
