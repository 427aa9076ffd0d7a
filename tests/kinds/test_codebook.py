import keras
import numpy as np
import pytest
from keras import ops

from vqfw.kinds import Codebook, nearest
from vqfw.kinds import codebook as module
from vqfw.kinds.codebook import COUNT_FLOOR


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def book_of(vectors):
    return Codebook.of(ops.convert_to_tensor(vectors))


def vectors_of(book):
    return ops.convert_to_numpy(book.vectors)


def moved(book, latents, tokens, decay):
    pair = (ops.convert_to_tensor(latents), ops.convert_to_tensor(tokens))
    return book.moved(*pair, decay)


def test_a_step_follows_the_formula_of_the_paper():
    vectors, latents = random(5, 3), random(40, 3, seed=1)
    book = book_of(vectors)
    sums, counts = vectors.astype("float64"), np.ones(5)
    rng = np.random.default_rng(2)
    for _ in range(20):
        tokens = rng.integers(4, size=40).astype("int32")  # nothing chooses code 4
        book = moved(book, latents, tokens, 0.9)
        chosen = np.eye(5)[tokens]
        counts = 0.9 * counts + 0.1 * chosen.sum(axis=0)
        sums = 0.9 * sums + 0.1 * chosen.T @ latents
    np.testing.assert_allclose(ops.convert_to_numpy(book.counts), counts, rtol=1e-5)
    np.testing.assert_allclose(
        vectors_of(book), sums / counts[:, None], rtol=1e-4, atol=1e-6
    )


def test_the_first_step_keeps_every_code():
    vectors = 4 * random(64, 8)
    latents = random(16, 8, seed=1)
    tokens = np.arange(16, dtype="int32")
    after = vectors_of(moved(book_of(vectors), latents, tokens, 0.99))
    np.testing.assert_allclose(after[16:], vectors[16:], rtol=1e-5)
    assert np.linalg.norm(after, axis=1).max() <= np.linalg.norm(vectors, axis=1).max()


def test_a_fresh_book_holds_its_vectors():
    np.testing.assert_array_equal(vectors_of(book_of(random(6, 2))), random(6, 2))


def test_an_unused_code_keeps_its_vector_for_ten_thousand_steps():
    vectors = random(2, 3)
    latents = ops.convert_to_tensor(vectors[:1])
    tokens = ops.zeros((1,), dtype="int32")
    book = book_of(vectors)
    counts = np.array([1.0, 1e-30], "float32")
    deep = Codebook(ops.convert_to_tensor(vectors * counts[:, None]), counts)
    deep = Codebook(deep.sums, ops.convert_to_tensor(counts))
    for _ in range(30):
        book, deep = (each.moved(latents, tokens, 0.5) for each in (book, deep))
    for each in (book, deep):
        np.testing.assert_allclose(vectors_of(each)[1], vectors[1], rtol=1e-5)


def test_counts_stop_shrinking_at_the_floor():
    book = book_of(random(2, 3))
    latents, tokens = random(1, 3), np.zeros(1, "int32")
    smallest = []
    for _ in range(40):
        book = moved(book, latents, tokens, 0.5)
        smallest.append(float(book.counts[1]))
    assert COUNT_FLOOR <= smallest[-1] < 2 * COUNT_FLOOR
    assert smallest[-1] == smallest[-10]


def test_a_decay_of_zero_leaves_unused_codes_where_they_are():
    vectors = random(3, 2)
    after = vectors_of(moved(book_of(vectors), random(1, 2), np.zeros(1, "int32"), 0.0))
    np.testing.assert_array_equal(after[1:], vectors[1:])
    np.testing.assert_array_equal(after[0], random(1, 2)[0])


def test_a_code_below_the_floor_moves_as_soon_as_it_is_chosen():
    vectors = random(2, 3)
    counts = ops.convert_to_tensor(np.array([1.0, 1e-6], "float32"))
    book = Codebook(ops.convert_to_tensor(vectors) * counts[:, None], counts)
    latents = random(1, 3, seed=5)
    after = moved(book, latents, np.ones(1, "int32"), 0.99)
    np.testing.assert_allclose(vectors_of(after)[1], latents[0], rtol=1e-3)


def test_replacing_touches_the_rows_of_the_mask_alone():
    book = moved(book_of(random(4, 3)), random(8, 3), np.zeros(8, "int32"), 0.9)
    fresh, mask = random(4, 3, seed=3), np.array([False, True, False, True])
    after = book.replaced(fresh, ops.convert_to_tensor(mask))
    np.testing.assert_array_equal(vectors_of(after)[mask], fresh[mask])
    np.testing.assert_array_equal(vectors_of(after)[~mask], vectors_of(book)[~mask])
    np.testing.assert_array_equal(ops.convert_to_numpy(after.counts)[mask], 1)


def brute_force(latents, vectors):
    latents, vectors = latents.astype("float64"), vectors.astype("float64")
    return np.square(latents[:, None] - vectors[None]).sum(axis=-1).argmin(axis=1)


def found(latents, vectors):
    return ops.convert_to_numpy(nearest(latents, vectors))


@pytest.mark.parametrize("offset", [0.0, 3.0, 1000.0])
def test_the_nearest_code_is_that_of_brute_force(offset):
    latents, vectors = offset + random(500, 6), offset + random(33, 6, seed=1)
    right = brute_force(latents, vectors)
    assert (found(latents, vectors) == right).mean() >= 0.998


@pytest.fixture
def blocks(monkeypatch):
    """Blocks of 40 latents and three codes, and the sizes of those that were made."""
    sizes = []
    best_of = module._best_of

    def watched(latents, vectors, half_norms):
        sizes.append((latents.shape[0], vectors.shape[0]))
        return best_of(latents, vectors, half_norms)

    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 40 * 3)
    monkeypatch.setattr(module, "LATENTS_AT_ONCE", 40)
    monkeypatch.setattr(module, "CODES_AT_ONCE", 3)
    monkeypatch.setattr(module, "_best_of", watched)
    return sizes


@pytest.mark.parametrize("codes", [2, 3, 4, 6, 7])
@pytest.mark.parametrize("rows", [1, 39, 40, 41, 79, 80, 81])
def test_blocks_change_no_choice_at_their_boundaries(rows, codes, blocks):
    latents, vectors = random(rows, 3), random(codes, 3, seed=1)
    np.testing.assert_array_equal(
        found(latents, vectors), brute_force(latents, vectors)
    )
    assert blocks
    assert all(height * width <= 40 * 3 for height, width in blocks)


def test_a_compiled_search_is_a_loop():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow decides the order of a graph while it runs")
    import tensorflow as tf

    graph = tf.function(nearest).get_concrete_function(
        tf.TensorSpec((8192, 4)), tf.TensorSpec((65_536, 4))
    )
    products = [
        operation
        for function in graph.graph.as_graph_def().library.function
        for operation in function.node_def
        if operation.op == "MatMul"
    ]
    assert len(products) == 1  # unrolled ones might all come before the first choice
    assert not [each for each in graph.graph.get_operations() if each.type == "MatMul"]


def test_the_lowest_of_equally_near_codes_is_chosen():
    vectors = np.array([[1.0], [-1.0], [1.0]], "float32")
    assert found(np.array([[0.0], [2.0]], "float32"), vectors).tolist() == [0, 0]


@pytest.mark.parametrize("codes", [7, 1000])
def test_an_empty_batch_finds_no_codes(codes):
    assert found(random(0, 3), random(codes, 3)).shape == (0,)


@pytest.mark.parametrize("shape", [(None, 3), (10, 3), (100_000, 3)])
@pytest.mark.parametrize("codes", [7, 1000])
def test_a_symbolic_search_returns_its_shape(shape, codes):
    tokens = nearest(keras.KerasTensor(shape), random(codes, 3))
    assert (tokens.shape, tokens.dtype) == (shape[:1], "int32")


def test_no_gradient_is_recorded_of_a_search(blocks):
    if keras.backend.backend() != "torch":
        pytest.skip("torch alone shows whether something waits for a gradient")
    import torch

    waiting = []
    best_of = module._best_of  # the one that the fixture watches

    def watched(*arguments):
        score, code = best_of(*arguments)
        waiting.append(score.requires_grad)
        return score, code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_best_of", watched)
        latents = torch.tensor(random(50, 3), requires_grad=True)
        nearest(latents, torch.tensor(random(7, 3), requires_grad=True))
    assert waiting
    assert not any(waiting)


def test_the_lowest_of_equally_near_codes_is_chosen_across_blocks(blocks):
    vectors = np.array([[5.0], [1.0], [4.0], [9.0], [1.0], [7.0], [1.0]], "float32")
    latents = np.zeros((30, 1), "float32")
    assert found(latents, vectors).tolist() == [1] * 30
    assert set(blocks) == {(30, 3)}


def test_a_nan_latent_finds_a_code(blocks):
    latents = np.full((30, 1), [[2.0]], "float32")
    latents[:2] = [[np.nan], [np.inf]]
    vectors = np.arange(7, dtype="float32")[:, None]
    tokens = found(latents, vectors)
    assert set(tokens[:2]) <= set(range(7))
    assert set(tokens[2:]) == {2}


def test_the_lowest_is_chosen_among_many_copies_of_a_code():
    # Whole numbers around zero: their products are exact in any order of summation.
    half, latents = np.round(3 * random(25, 8)), np.round(3 * random(200, 8, seed=1))
    vectors = np.concatenate([half, -half])
    right = brute_force(latents, vectors)
    np.testing.assert_array_equal(found(latents, np.tile(vectors, (20, 1))), right)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_the_search_is_exact_for_sixteen_bit_latents(dtype):
    latents = ops.cast(ops.convert_to_tensor(3 + random(400, 8)), dtype)
    vectors = 3 + random(32, 8, seed=1)
    right = brute_force(ops.convert_to_numpy(ops.cast(latents, "float32")), vectors)
    assert (found(latents, vectors) == right).mean() >= 0.997


def test_a_number_of_latents_known_only_at_run_time_is_searched_in_blocks(
    blocks, monkeypatch
):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow makes graphs without the number of rows")
    import tensorflow as tf

    sizes = []
    best_of = module._best_of

    def watched(latents, vectors, half_norms):
        tf.py_function(
            lambda shape: sizes.append(shape.numpy()), [tf.shape(latents)], []
        )
        return best_of(latents, vectors, half_norms)

    monkeypatch.setattr(module, "_best_of", watched)
    search = tf.function(
        nearest, input_signature=[tf.TensorSpec((None, 3)), tf.TensorSpec((7, 3))]
    )
    vectors = random(7, 3, seed=1)
    for rows in (1, 39, 40, 41, 80, 1003):
        latents = random(rows, 3)
        tokens = ops.convert_to_numpy(search(latents, vectors))
        np.testing.assert_array_equal(tokens, brute_force(latents, vectors))
    assert max(rows for rows, _ in sizes) <= 40
