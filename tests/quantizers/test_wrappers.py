"""Residual, grouped and predictive quantizers: copies of another quantizer."""

from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops
from vqfw_quantizers import predictive
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.fsq import FSQQuantizer
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.grouped import GroupedQuantizer
from vqfw_quantizers.lfq import LFQQuantizer
from vqfw_quantizers.predictive import PLACES, REACH, PredictiveQuantizer
from vqfw_quantizers.residual import ResidualQuantizer

from vqfw.errors import ExperimentError
from vqfw.testing.probe import changed, gradients, state


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def ema(**options):
    options = {"num_embeddings": 8, "embedding_dim": 4, **options}
    return lambda i: EMAQuantizer(seed=i, **options)


def gradient(i):
    return GradientQuantizer(seed=i, num_embeddings=8, embedding_dim=4)


def built(quantizer, channels=4, placed=True):
    quantizer.build((None, 2, 2, channels))
    if placed:
        quantizer.initialize(random(50, 2, 2, channels, seed=9), seed=0)
    return quantizer


def called(quantizer, latents, training=False):
    found = quantizer(ops.convert_to_tensor(latents), training=training)
    return found._replace(
        **{name: ops.convert_to_numpy(each) for name, each in found._asdict().items()}
    )


def test_every_level_takes_the_nearest_code_to_the_residual():
    quantizer = built(ResidualQuantizer(ema(), levels=3))
    latents = random(2, 2, 2, 4)
    found = called(quantizer, latents)
    rest = latents
    for level, book in enumerate(quantizer.codebooks):
        gaps = np.square(rest[..., None, :] - book.vectors).sum(axis=-1)
        np.testing.assert_array_equal(found.tokens[..., level], gaps.argmin(axis=-1))
        rest = rest - book.vectors[gaps.argmin(axis=-1)]
    np.testing.assert_allclose(found.latents, latents - rest, atol=1e-6)


def test_more_levels_leave_a_smaller_residual():
    def left(levels):
        quantizer = built(ResidualQuantizer(ema(), levels))
        latents = random(8, 4, 4, 4)
        return np.square(latents - called(quantizer, latents).latents).mean()

    one = built(ema()(0))
    latents = random(8, 4, 4, 4)
    alone = np.square(latents - called(one, latents).latents).mean()
    assert alone > 1.5 * left(2) > 1.5 * 1.3 * left(4)


def test_losses_are_means_over_levels():
    quantizer = built(ResidualQuantizer(gradient, levels=3))
    latents = random(2, 2, 2, 4)
    found, rest, each = called(quantizer, latents), latents, []
    for level in quantizer.parts:
        own = called(level, rest)
        each.append(own)
        rest = rest - own.latents
    for name in ("codebook_loss", "commitment_loss", "auxiliary_loss"):
        mean = np.mean([getattr(own, name) for own in each])
        assert getattr(found, name) == pytest.approx(mean, rel=1e-5)


def test_the_commitment_loss_of_every_level_moves_the_encoder():
    quantizer = built(ResidualQuantizer(ema(), levels=2))
    latents = random(2, 2, 2, 4)
    found, _ = gradients(quantizer, latents, lambda q: q.commitment_loss)
    first, second = (book.vectors for book in quantizer.codebooks)
    before = called(quantizer, latents).tokens
    left = latents - first[before[..., 0]]
    mean = 0.5 * (2 * left + 2 * (left - second[before[..., 1]])) / latents.size
    # The books have moved a little since, which a hundredth of a code allows for.
    np.testing.assert_allclose(found, mean, atol=0.05 * np.abs(mean).max())
    alone = 0.5 * 2 * left / latents.size
    assert not np.allclose(found, alone, atol=0.05 * np.abs(mean).max())


@pytest.mark.parametrize("levels", [2, 5])
def test_residual_levels_pass_the_decoder_gradient_once(levels):
    quantizer = built(ResidualQuantizer(ema(), levels))
    weights = random(2, 2, 2, 4, seed=1)
    found, _ = gradients(
        quantizer,
        random(2, 2, 2, 4),
        lambda q: ops.sum(q.latents * ops.convert_to_tensor(weights)),
    )
    np.testing.assert_allclose(found, weights, atol=1e-5)


def test_later_levels_record_no_recent_latents_during_warm_up():
    quantizer = built(ResidualQuantizer(ema(warm_up=7)), placed=False)
    called(quantizer, random(2, 2, 2, 4), training=True)
    assert not quantizer.codebooks[1].recent_latents.any()
    quantizer.initialize(random(50, 2, 2, 4), seed=0)
    assert [len(book.recent_latents) for book in quantizer.codebooks] == [0, 0]
    called(quantizer, random(2, 2, 2, 4), training=True)
    assert quantizer.codebooks[1].recent_latents.any(axis=1).all()


@pytest.mark.parametrize("kind", [ResidualQuantizer, GroupedQuantizer])
def test_latents_pass_unquantized_in_a_warm_up(kind):
    options = {"warm_up": 7, "embedding_dim": 2 if kind is GroupedQuantizer else 4}
    quantizer = built(kind(ema(**options)), placed=False)
    assert quantizer.warm_up == 7
    latents = random(2, 2, 2, 4)
    found = called(quantizer, latents, training=True)
    np.testing.assert_allclose(found.latents, latents, atol=1e-6)
    assert found.commitment_loss == 0
    quantizer.initialize(random(50, 2, 2, 4), seed=0)
    assert called(quantizer, latents, training=True).commitment_loss > 0


def test_each_level_is_initialized_on_the_residual_of_the_levels_before():
    quantizer = built(ResidualQuantizer(ema(), levels=3), placed=False)
    cloud = random(500, 2, 2, 4)
    quantizer.initialize(cloud, seed=0)
    spreads = [np.abs(book.vectors).mean() for book in quantizer.codebooks]
    assert spreads[0] > 1.3 * spreads[1] > 1.3 * spreads[2] > 0


def test_each_group_quantizes_only_its_own_channels():
    quantizer = built(GroupedQuantizer(ema(embedding_dim=2)))
    latents = random(2, 2, 2, 4)
    other = latents.copy()
    other[..., 2:] = random(2, 2, 2, 2, seed=5)
    found, changed_half = called(quantizer, latents), called(quantizer, other)
    np.testing.assert_array_equal(found.latents[..., :2], changed_half.latents[..., :2])
    np.testing.assert_array_equal(found.tokens[..., 0], changed_half.tokens[..., 0])
    assert (found.tokens[..., 1] != changed_half.tokens[..., 1]).any()


def test_copies_start_from_codes_of_their_own():
    quantizer = built(ResidualQuantizer(ema(initialization="random")))
    first, second = (book.vectors for book in quantizer.codebooks)
    assert not np.isclose(first, second).any()


def test_replacing_codes_of_one_book_does_not_change_the_others():
    quantizer = built(GroupedQuantizer(lambda i: ResidualQuantizer(ema())))
    assert quantizer.vocabulary == (8,) * 4
    before = [book.vectors.copy() for book in quantizer.codebooks]
    quantizer.codebooks[2].replace(before[2] + 1, np.arange(8) == 3)
    for index, (book, old) in enumerate(zip(quantizer.codebooks, before, strict=True)):
        moved = (book.vectors != old).any(axis=1)
        assert moved.tolist() == [index == 2 and code == 3 for code in range(8)]


@pytest.mark.parametrize(
    "inner",
    [
        lambda i: FSQQuantizer(seed=i, levels=(4, 3)),
        lambda i: GroupedQuantizer(lambda j: LFQQuantizer(2 * i + j, None, bits=3)),
    ],
)
def test_copies_without_codebooks_are_not_initialized(inner):
    quantizer = built(ResidualQuantizer(inner), placed=False)
    assert quantizer.codebooks == ()
    before = state(quantizer)
    quantizer.initialize(random(10, 2, 2, 4), seed=0)
    assert not changed(before, state(quantizer))


def context(channels):
    encoder = {"type": "residual_conv"} if channels is None else {"channels": channels}
    return SimpleNamespace(experiment={"model": {"encoder": encoder}})


def test_channels_that_cannot_be_divided_are_a_problem():
    (problem,) = GroupedQuantizer.check({"groups": 3}, context(64))
    assert problem.message == "64 channels cannot be divided among 3 groups"
    assert problem.path == ("groups",)
    assert problem.help == 'set "groups" to 2, or the channels of the encoder to 66'
    assert not GroupedQuantizer.check({"groups": 4}, context(64))
    assert not GroupedQuantizer.check({"groups": 4}, context(None))


def test_channels_that_only_the_built_encoder_knows_are_refused_too():
    with pytest.raises(ExperimentError, match="5 channels cannot be divided"):
        built(GroupedQuantizer(ema()), channels=5)


def smooth(images=8, side=8, channels=4):
    """Latents that are much like their neighbours: noise, averaged over 3 x 3."""
    noise = random(images, side + 2, side + 2, channels)
    shifts = [(row, column) for row in range(3) for column in range(3)]
    return sum(noise[:, r : r + side, c : c + side] for r, c in shifts) / 3


def test_a_prediction_begins_as_the_mean_of_four_decoded_neighbours():
    quantizer = PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(9,)))
    quantizer.build((None, 6, 4, 1))
    corners = np.array([[8, 0], [4, 2], [6, 7]])
    tokens = np.full((1, 3, 2, 4), 4)  # the code 0: all but the corners are predicted
    tokens[0, ..., 0] = corners
    found = ops.convert_to_numpy(quantizer.embed(ops.convert_to_tensor(tokens)))
    corner = np.pad(corners / 4 - 1, ((0, 1), (0, 1)), mode="edge")
    middle = corner[:-1, :-1] + corner[1:, :-1] + corner[:-1, 1:] + corner[1:, 1:]
    middle = np.pad(middle / 4, ((1, 0), (1, 0)), mode="edge")
    beside = corner[:-1, :-1] + corner[:-1, 1:] + middle[:-1, 1:] + middle[1:, 1:]
    below = corner[:-1, :-1] + corner[1:, :-1] + middle[1:, :-1] + middle[1:, 1:]
    expected = np.zeros((6, 4))
    expected[::2, ::2] = corner[:-1, :-1]
    expected[1::2, 1::2] = middle[1:, 1:]
    expected[::2, 1::2], expected[1::2, ::2] = beside / 4, below / 4
    np.testing.assert_allclose(found[0, ..., 0], expected, atol=1e-6)


def test_prediction_lowers_the_error_on_smooth_latents():
    def error(quantizer):
        latents = smooth()
        quantizer.build((None, *latents.shape[1:]))
        quantizer.initialize(latents, seed=0)
        for _ in range(30):
            called(quantizer, latents, training=True)
        return np.square(called(quantizer, latents).latents - latents).mean()

    assert error(PredictiveQuantizer(ema())) < 0.8 * error(ema()(0))


def test_predictions_are_made_from_decoded_latents():
    """Or the decoder, which has only the codes, could not follow."""
    quantizer = PredictiveQuantizer(ema())
    latents = smooth()
    quantizer.build((None, *latents.shape[1:]))
    quantizer.initialize(latents, seed=0)
    found = called(quantizer, latents, training=True)
    again = ops.convert_to_numpy(quantizer.embed(ops.convert_to_tensor(found.tokens)))
    # The training step has moved the codes a little.
    assert np.square(found.latents - again).mean() < 1e-3 * np.square(latents).mean()


def test_predictors_learn_from_the_codebook_loss_alone():
    quantizer = PredictiveQuantizer(ema())
    latents = smooth()
    quantizer.build((None, *latents.shape[1:]))
    quantizer.initialize(latents, seed=0)
    maps = [f"quantizer/predictor_{i}/kernel" for i in range(1, len(PLACES))]
    for loss, moves in (
        (lambda q: q.codebook_loss, True),
        (lambda q: q.commitment_loss + ops.mean(ops.square(q.latents)), False),
    ):
        _, others = gradients(quantizer, latents, loss)
        assert [bool(others[path].any()) for path in maps] == [moves] * 3


@pytest.mark.parametrize("shape", [(None, 5, 4, 4), (None, 4, None, 4), (None, 8, 4)])
def test_a_grid_that_does_not_divide_into_cells_is_refused_with_a_repair(shape):
    with pytest.raises(ExperimentError, match="cells of 2 x 2") as error:
        PredictiveQuantizer(ema()).build(shape)
    assert '"image_size"' in error.value.problems[0].help


def test_nested_predictive_quantizers_refuse_a_grid_with_their_cell_size():
    quantizer = PredictiveQuantizer(lambda i: PredictiveQuantizer(ema()))
    with pytest.raises(ExperimentError, match=r"6 x 6 .* cells of 4 x 4"):
        quantizer.build((None, 6, 6, 4))


@pytest.mark.processes
def test_nested_predictive_quantizers_put_all_tokens_of_a_cell_at_one_position():
    quantizer = PredictiveQuantizer(
        lambda i: PredictiveQuantizer(lambda j: FSQQuantizer(4 * i + j, levels=(5, 5)))
    )
    quantizer.build((None, 8, 4, 2))
    assert (quantizer.cell, quantizer.vocabulary) == (4, (25,) * 16)
    found = called(quantizer, random(2, 8, 4, 2))
    assert found.tokens.shape == (2, 2, 1, 16)
    again = quantizer.embed(ops.convert_to_tensor(found.tokens))
    np.testing.assert_array_equal(found.latents, ops.convert_to_numpy(again))


def test_check_reports_a_grid_that_does_not_divide_into_cells():
    def found(image_size, options):
        model = {"encoder": {"type": "residual_conv", "downsampling": 4}}
        around = SimpleNamespace(image_size=image_size, experiment={"model": model})
        return PredictiveQuantizer.check(options, around)

    once = {"type": "predictive", "quantizer": {"type": "ema"}}
    assert not found(24, once)
    assert "5 x 5" in found(20, once)[0].message
    twice = {"type": "predictive", "quantizer": once}
    assert "multiples of 4" in found(24, twice)[0].help
    assert not found(32, twice)


def test_the_decoder_gradient_passes_predictive_quantization_unchanged():
    quantizer = PredictiveQuantizer(ema())
    latents, weights = smooth(), random(8, 8, 8, 4, seed=1)
    quantizer.build((None, *latents.shape[1:]))
    quantizer.initialize(latents, seed=0)
    found, _ = gradients(
        quantizer,
        latents,
        lambda q: ops.sum(q.latents * ops.convert_to_tensor(weights)),
    )
    np.testing.assert_allclose(found, weights, atol=1e-5)


def test_an_offset_of_all_latents_does_not_raise_the_prediction_error():
    losses = []
    for offset in (0, 100):
        quantizer = PredictiveQuantizer(ema())
        latents = smooth() + np.float32(offset)
        quantizer.build((None, *latents.shape[1:]))
        quantizer.initialize(latents, seed=0)
        losses.append(float(called(quantizer, latents, training=True).codebook_loss))
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def bent(quantizer, shape):
    """Built for a grid, with maps that are no means."""
    quantizer.build((None, *shape))
    for i, predictor in enumerate(quantizer.predictors):
        predictor.kernel.assign(random(*predictor.kernel.shape, seed=i) / 4)
    return quantizer


def made_of(quantizer, codes):
    codes = [ops.convert_to_tensor(code) for code in codes]
    return [ops.convert_to_numpy(each) for each in quantizer._decoded(codes)]


@pytest.mark.parametrize("place", range(4))
def test_back_projection_is_the_adjoint_of_decoding(place):
    quantizer = bent(PredictiveQuantizer(ema()), (6, 10, 4))
    missed = [random(2, 3, 5, 4, seed=i) for i in range(4)]
    codes = [np.zeros_like(missed[0]) for _ in range(4)]
    codes[place] = random(2, 3, 5, 4, seed=7)
    reached = sum(
        (one * other).sum()
        for one, other in zip(made_of(quantizer, codes), missed, strict=True)
    )
    held = [ops.convert_to_tensor(each) for each in missed]
    asked = ops.convert_to_numpy(quantizer._back_projected(place, held))
    assert (asked * codes[place]).sum() == pytest.approx(reached, rel=1e-4)
    for before, after in zip(missed, held, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(after), before)


@pytest.mark.parametrize("place", range(4))
def test_reach_of_a_code_is_the_sum_of_its_squared_weights_in_the_latents(place):
    quantizer = PredictiveQuantizer(ema(embedding_dim=1))
    quantizer.build((None, 10, 10, 1))
    codes = [np.zeros((1, 5, 5, 1), "float32") for _ in range(4)]
    codes[place][0, 2, 2] = 1
    weight = sum(np.square(each).sum() for each in made_of(quantizer, codes))
    assert weight == pytest.approx(REACH[place])


def errors(quantizer, latents):
    gaps = np.square(called(quantizer, latents).latents - latents)
    return gaps.mean(axis=(1, 2, 3))


def test_tokens_chosen_again_never_raise_the_error(monkeypatch):
    latents = smooth(images=64)
    quantizer = PredictiveQuantizer(ema(num_embeddings=32))
    quantizer.build((None, *latents.shape[1:]))
    quantizer.initialize(latents, seed=0)
    again = errors(quantizer, latents)
    monkeypatch.setattr(predictive, "SWEEPS", 0)
    once = errors(quantizer, latents)
    assert (again <= once).all()
    assert again.mean() < 0.995 * once.mean()


def test_an_image_keeps_its_tokens_where_new_ones_raise_the_error(monkeypatch):
    """FSQ bounds what it is given, so that a code is not the nearest one to itself."""
    quantizer = PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(9, 9, 9, 9)))
    latents = np.concatenate([smooth(), 3 * smooth(), random(8, 8, 8, 4, seed=3)])
    quantizer.build((None, *latents.shape[1:]))
    again = errors(quantizer, latents)
    left = iter(range(2 * predictive.SWEEPS))
    monkeypatch.setattr(
        predictive, "_squared_error", lambda missed: next(left) * ops.ones(24)
    )
    always = errors(quantizer, latents)
    monkeypatch.setattr(predictive, "SWEEPS", 0)
    once = errors(quantizer, latents)
    assert (always > once).any()
    assert (again <= once).all()


def test_training_does_not_choose_tokens_again(monkeypatch):
    latents, found = smooth(), []
    for sweeps in (0, predictive.SWEEPS):
        monkeypatch.setattr(predictive, "SWEEPS", sweeps)
        quantizer = PredictiveQuantizer(ema(num_embeddings=32))
        quantizer.build((None, *latents.shape[1:]))
        quantizer.initialize(latents, seed=0)
        found.append([called(quantizer, latents, training) for training in (1, 0)])
    np.testing.assert_array_equal(found[0][0].tokens, found[1][0].tokens)
    assert (found[0][1].tokens != found[1][1].tokens).any()
