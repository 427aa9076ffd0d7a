"""Quantizers with learned codes: promises beyond the contract."""

import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_beta.linear import Linear
from vqfw_beta.usage_adaptive import UsageAdaptive
from vqfw_quantizers.cosine import CosineQuantizer
from vqfw_quantizers.diveq import DiVeQ
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.entropy import entropy_penalty
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.gumbel import GumbelQuantizer
from vqfw_quantizers.ibq import IBQ
from vqfw_quantizers.key_value import KeyValueQuantizer
from vqfw_quantizers.orthogonality import orthogonality_penalty
from vqfw_quantizers.schedule import Schedule
from vqfw_quantizers.simvq import SimVQ

from vqfw.testing.probe import gradients, state

SMALL = {"seed": 1, "num_embeddings": 8, "embedding_dim": 4}


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


LATENTS = random(2, 2, 2, 4)


def built(quantizer):
    quantizer.build((None, 2, 2, 4))
    return quantizer


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def lengths(vectors):
    return np.linalg.norm(vectors, axis=-1)


# Cosine


@pytest.mark.parametrize("initialization", ["kmeans", "kmeans_plus_plus", "random"])
def test_cosine_codes_have_length_one_whatever_happens(initialization):
    quantizer = built(CosineQuantizer(**SMALL, initialization=initialization))
    (book,) = quantizer.codebooks
    np.testing.assert_allclose(lengths(book.vectors), 1, rtol=1e-5)
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    np.testing.assert_allclose(lengths(book.vectors), 1, rtol=1e-5)
    quantizer(LATENTS, training=True)
    np.testing.assert_allclose(lengths(book.vectors), 1, rtol=1e-5)
    book.replace(5 * random(8, 4), np.arange(8) % 2 == 0)
    np.testing.assert_allclose(lengths(book.vectors), 1, rtol=1e-5)
    np.testing.assert_allclose(lengths(book.recent_latents), 1, rtol=1e-5)


def test_cosine_chooses_the_largest_cosine_whatever_the_length():
    quantizer = built(CosineQuantizer(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    vectors = quantizer.codebooks[0].vectors
    right = (LATENTS @ vectors.T).argmax(axis=-1)
    for scale in (0.01, 1.0, 100.0):
        found = quantizer(scale * LATENTS, training=False)
        np.testing.assert_array_equal(numpy(found.tokens)[..., 0], right)
        directions = LATENTS / lengths(LATENTS)[..., None]
        commitment = np.square(directions - vectors[right]).mean()
        assert numpy(found.commitment_loss) == pytest.approx(commitment, rel=1e-4)


def test_cosine_codes_go_to_the_mean_direction_of_their_latents():
    quantizer = built(CosineQuantizer(**SMALL, decay=0.5))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    for _ in range(60):
        found = quantizer(LATENTS, training=True)
    tokens = numpy(found.tokens)[..., 0]
    for code in np.unique(tokens):
        rows = LATENTS[tokens == code]
        mean = (rows / lengths(rows)[:, None]).mean(axis=0)
        right = mean / np.linalg.norm(mean)
        np.testing.assert_allclose(
            quantizer.codebooks[0].vectors[code], right, atol=1e-4
        )


def test_the_gradient_of_a_cosine_latent_has_no_part_along_it():
    quantizer = built(CosineQuantizer(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    incoming = ops.convert_to_tensor(random(2, 2, 2, 4, seed=1))
    found, _ = gradients(quantizer, LATENTS, lambda q: ops.sum(q.latents * incoming))
    np.testing.assert_allclose((found * LATENTS).sum(axis=-1), 0, atol=1e-5)
    zero, _ = gradients(quantizer, 0 * LATENTS, lambda q: ops.sum(q.latents * incoming))
    np.testing.assert_array_equal(zero, 0)


# SimVQ


def test_simvq_moves_its_map_and_never_its_book():
    quantizer = built(SimVQ(**SMALL))
    before = state(quantizer)
    gradients(quantizer, LATENTS, lambda q: q.codebook_loss)
    after = state(quantizer)
    moved = [path for path in after if (before[path] != after[path]).any()]
    assert [path.rpartition("/")[2] for path in moved] == ["map"]


def test_the_commitment_loss_of_simvq_does_not_move_its_map():
    _, others = gradients(built(SimVQ(**SMALL)), LATENTS, lambda q: q.commitment_loss)
    assert not any(found.any() for found in others.values())


def test_simvq_moves_unused_codes():
    quantizer = built(SimVQ(**SMALL))
    before = numpy(quantizer.vectors)
    tokens = numpy(quantizer(LATENTS, training=False).tokens)
    gradients(quantizer, LATENTS, lambda q: q.codebook_loss)
    unused = np.setdiff1d(np.arange(8), tokens)
    assert len(unused)
    gap = np.abs(numpy(quantizer.vectors) - before)[unused].max(axis=-1)
    assert (gap > 1e-4).all()


def test_simvq_embeds_tokens_as_mapped_codes():
    quantizer = built(SimVQ(**SMALL))
    tokens = np.arange(8, dtype="int32").reshape(1, 2, 4, 1)
    embedded = numpy(quantizer.embed(tokens)).reshape(8, 4)
    np.testing.assert_allclose(embedded, numpy(quantizer.vectors), rtol=1e-5, atol=1e-6)


# Keys and values


def test_untrained_values_leave_the_quantizer_an_ema():
    found = []
    for quantizer in (built(KeyValueQuantizer(**SMALL)), built(EMAQuantizer(**SMALL))):
        quantizer.initialize(random(4, 4, 4, 4), seed=0)
        for _ in range(3):
            quantizer(LATENTS, training=True)
        found.append(numpy(quantizer(LATENTS, training=False).latents))
    np.testing.assert_array_equal(*found)


def test_values_learn_from_the_reconstruction_and_do_not_change_tokens():
    quantizer = built(KeyValueQuantizer(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    before = numpy(quantizer(LATENTS, training=False).tokens)
    found, others = gradients(quantizer, LATENTS, lambda q: ops.sum(q.latents))
    (values,) = (each for path, each in others.items() if "values" in path)
    uses = np.bincount(before.ravel(), minlength=8)
    np.testing.assert_allclose(values, np.tile(uses[:, None], 4), rtol=1e-4)
    np.testing.assert_allclose(found, 1, rtol=1e-4)
    _, others = gradients(quantizer, LATENTS, lambda q: q.commitment_loss)
    assert not any(each.any() for path, each in others.items() if "values" in path)
    quantizer = built(KeyValueQuantizer(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    quantizer.values.assign(100 * random(8, 4))
    after = quantizer(LATENTS, training=False)
    np.testing.assert_array_equal(numpy(after.tokens), before)


def test_a_replaced_key_gets_the_value_of_its_nearest_key():
    quantizer = built(KeyValueQuantizer(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    values = random(8, 4, seed=2)
    quantizer.values.assign(values)
    (book,) = quantizer.codebooks
    old = book.vectors.copy()
    vectors, mask = old.copy(), np.arange(8) < 2
    # Key 1 goes where key 0 was, which goes as well: next to it is one that stays.
    vectors[0], vectors[1] = old[5] + 1e-3, old[0]
    nearest_staying = 2 + lengths(old[2:] - old[0]).argmin()
    book.replace(vectors, mask)
    expected = values[[5, nearest_staying, 2, 3, 4, 5, 6, 7]]
    np.testing.assert_array_equal(numpy(quantizer.values), expected)
    np.testing.assert_allclose(book.vectors, vectors, rtol=1e-4, atol=1e-5)


# DiVeQ


def test_diveq_moves_a_latent_by_the_distance_to_its_code_and_roughly_towards_it():
    quantizer = built(DiVeQ(**SMALL, noise=0.01))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    codes = numpy(quantizer(LATENTS, training=False).latents)
    shifted = numpy(quantizer(LATENTS, training=True).latents)
    far = lengths(codes - LATENTS)
    np.testing.assert_allclose(lengths(shifted - LATENTS), far, rtol=1e-4)
    assert 0 < lengths(shifted - codes).max() < 0.1 * far.max()


def test_diveq_draws_new_noise_each_step_repeatably_from_its_seed():
    first, again = (built(DiVeQ(**SMALL)) for _ in range(2))
    for each in (first, again):
        each.initialize(random(4, 4, 4, 4), seed=0)
    pair = [
        [numpy(q(LATENTS, training=True).latents) for _ in "12"] for q in (first, again)
    ]
    np.testing.assert_array_equal(pair[0], pair[1])
    assert (pair[0][0] != pair[0][1]).any()


def test_the_reconstruction_alone_moves_diveq_codes_and_latents():
    quantizer = built(DiVeQ(**SMALL))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    found, others = gradients(
        quantizer, LATENTS, lambda q: ops.mean(ops.square(q.latents))
    )
    (codes,) = (each for path, each in others.items() if "embeddings" in path)
    chosen = np.unique(numpy(quantizer(LATENTS, training=False).tokens))
    assert found.any(axis=-1).all()
    assert codes[chosen].any(axis=-1).all()


def test_diveq_has_a_finite_gradient_where_latent_equals_code():
    quantizer = built(DiVeQ(**SMALL))
    quantizer.embeddings.assign(LATENTS.reshape(8, 4))
    found, others = gradients(quantizer, LATENTS, lambda q: ops.sum(q.latents))
    assert np.isfinite(found).all()
    assert all(np.isfinite(each).all() for each in others.values())


# IBQ


def test_every_ibq_code_is_moved_by_every_batch():
    quantizer = built(IBQ(**SMALL, entropy_weight=None))
    quantizer.embeddings.assign(random(8, 4, seed=3))
    one = np.tile(LATENTS[:1, :1, :1], (2, 2, 2, 1))
    assert len(np.unique(numpy(quantizer(one, training=False).tokens))) == 1
    _, others = gradients(quantizer, one, lambda q: q.auxiliary_loss)
    (codes,) = (each for path, each in others.items() if "embeddings" in path)
    assert np.abs(codes).max() > 0
    _, others = gradients(quantizer, one, lambda q: ops.sum(ops.square(q.latents)))
    (codes,) = (each for path, each in others.items() if "embeddings" in path)
    assert codes.any(axis=-1).any()


def test_ibq_takes_the_largest_dot_product():
    quantizer = built(IBQ(**SMALL, entropy_weight=None))
    vectors = random(8, 4, seed=3)
    quantizer.embeddings.assign(vectors)
    tokens = numpy(quantizer(LATENTS, training=False).tokens)[..., 0]
    np.testing.assert_array_equal(tokens, (LATENTS @ vectors.T).argmax(axis=-1))


# Gumbel


def gumbel(temperature=1.0, weight=5e-4, **options):
    return built(
        GumbelQuantizer(
            1, Constant(temperature), Constant(weight), num_embeddings=8, **options
        )
    )


def test_gumbel_draws_codes_as_often_as_their_softmax_says():
    quantizer = gumbel()
    many = np.tile(LATENTS[:1, :1, :1], (64, 16, 16, 1))
    tokens = numpy(quantizer(many, training=True).tokens)
    drawn = np.bincount(tokens.ravel(), minlength=8) / tokens.size
    logits = numpy(quantizer.logits(LATENTS[0, 0, :1]))
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    np.testing.assert_allclose(drawn, shares, atol=0.02)


def test_a_hard_sample_is_a_code_and_a_soft_one_a_mixture():
    hard, soft = gumbel(), gumbel(hard=False)
    found = hard(LATENTS, training=True)
    np.testing.assert_allclose(
        numpy(found.latents), numpy(hard.embed(found.tokens)), atol=1e-6
    )
    mixed = soft(LATENTS, training=True)
    gap = numpy(mixed.latents) - numpy(soft.embed(mixed.tokens))
    assert np.abs(gap).max() > 0.1


def test_gumbel_mixtures_at_low_temperature_are_nearly_one_code():
    cold = gumbel(temperature=0.0, hard=False)
    many = random(8, 4, 4, 4)
    found = cold(many, training=True)
    gap = np.abs(numpy(found.latents) - numpy(cold.embed(found.tokens))).max(axis=-1)
    assert np.isfinite(gap).all()
    assert (gap < 0.05).mean() > 0.8


def test_the_kl_divergence_is_zero_for_uniform_logits_and_log_k_for_one_hot_ones():
    quantizer = gumbel(weight=1.0)
    kernel, bias = quantizer.logits.kernel, quantizer.logits.bias
    kernel.assign(np.zeros((4, 8), "float32"))
    uniform = quantizer(LATENTS, training=False)
    assert numpy(uniform.auxiliary_loss) == pytest.approx(0, abs=1e-6)
    bias.assign(100 * np.eye(8, dtype="float32")[3])
    sure = quantizer(LATENTS, training=False)
    assert numpy(sure.auxiliary_loss) == pytest.approx(np.log(8), rel=1e-5)


# Terms and their schedules


def test_the_entropy_penalty_is_lowest_for_certain_choices_in_uniform_use():
    sure = np.eye(4, dtype="float32")
    one = np.eye(4, dtype="float32")[[0, 0, 0, 0]]
    unsure = np.zeros((4, 4), "float32")
    found = [float(entropy_penalty(each, 0.01)) for each in (sure, one, unsure)]
    np.testing.assert_allclose(found, [-np.log(4), 0, 0], atol=1e-5)


def test_the_orthogonality_term_is_the_mean_squared_cosine_of_chosen_codes():
    vectors, chosen = random(6, 4), np.array([1, 1, 0, 1, 1, 0], bool)
    rows = vectors[chosen] / lengths(vectors[chosen])[:, None]
    right = np.square(rows @ rows.T - np.eye(4)).sum() / 16
    assert numpy(orthogonality_penalty(vectors, chosen)) == pytest.approx(
        right, rel=1e-4
    )


def test_the_orthogonality_term_separates_used_codes_and_does_not_move_unused_ones():
    quantizer = built(GradientQuantizer(**SMALL, orthogonality_weight=Constant(1.0)))
    quantizer.initialize(random(4, 4, 4, 4), seed=0)
    chosen = np.unique(numpy(quantizer(LATENTS, training=False).tokens))
    _, others = gradients(quantizer, LATENTS, lambda q: q.auxiliary_loss)
    (codes,) = (each for path, each in others.items() if "embeddings" in path)
    assert codes[chosen].any(axis=-1).all()
    assert not np.delete(codes, chosen, axis=0).any()
    before = numpy(quantizer(LATENTS, training=False).auxiliary_loss)
    for _ in range(10):
        gradients(quantizer, LATENTS, lambda q: q.auxiliary_loss)
    assert numpy(quantizer(LATENTS, training=False).auxiliary_loss) < before


def test_a_scheduled_option_changes_only_in_training_steps():
    quantizer = built(IBQ(**SMALL, entropy_weight=Linear(start=0.0, end=1.0, steps=2)))
    quantizer.embeddings.assign(random(8, 4, seed=3))

    def entropy():
        found = quantizer(LATENTS, training=False)
        return numpy(found.auxiliary_loss) - numpy(found.commitment_loss)

    values = []
    for _ in range(4):
        values += [entropy(), entropy()]
        quantizer(LATENTS, training=True)
    assert values[0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(values[::2], values[1::2])
    np.testing.assert_allclose(values[2], 0.5 * values[4], rtol=1e-4)
    np.testing.assert_allclose(values[4], values[6], rtol=1e-6)


def test_a_schedule_sees_the_usage_of_its_own_codes():
    schedule = Schedule(UsageAdaptive(0.0, 1.0, half_life=1.0), 4, "weight")
    values = []
    for _ in range(20):
        value = schedule.value
        values.append(float(value))
        schedule.advance(value, np.array([[[0]], [[1]]], "int32"))
    assert values[0] == 0
    assert values[-1] == pytest.approx(0.5, abs=0.01)  # two codes of four
