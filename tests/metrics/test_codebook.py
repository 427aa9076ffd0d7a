import numpy as np
import pytest
from vqfw_metrics.codebook import CodebookUsage, Perplexity

from vqfw.errors import PluginError
from vqfw.kinds import Scored


def score(kind, *batches, vocabulary):
    metric = kind()
    for tokens in batches:
        names = ("",) * len(tokens)
        images = np.zeros((len(tokens), 4, 4, 1), "float32")
        tokens = np.asarray(tokens, "int32")
        metric.update(Scored(images, images, tokens, vocabulary, names, names))
    return metric.result()


def grid(*tokens):
    """One image whose tokens, of one codebook, stand in a row."""
    return np.array(tokens).reshape(1, 1, -1, 1)


def test_usage_is_the_share_of_codes_that_occur():
    assert score(CodebookUsage, grid(0, 3, 3, 7), vocabulary=(8,)).value == 3 / 8


def test_usage_is_pooled_over_batches():
    found = score(CodebookUsage, grid(0, 1), grid(1, 2), vocabulary=(4,))
    assert (found.value, found.images) == (3 / 4, 2)


def test_perplexity_of_uniform_use_is_the_number_of_codes():
    found = score(Perplexity, grid(*range(16)), vocabulary=(16,))
    assert found.value == pytest.approx(16)


def test_perplexity_of_one_code_is_one():
    assert score(Perplexity, grid(5, 5, 5), vocabulary=(16,)).value == pytest.approx(1)


def test_perplexity_is_two_to_the_entropy_in_bits():
    tokens = np.random.default_rng(0).geometric(0.2, (3, 6, 6, 1)).clip(0, 31)
    counts = np.unique(tokens, return_counts=True)[1]
    share = counts / counts.sum()
    found = score(Perplexity, tokens, vocabulary=(32,))
    assert found.value == pytest.approx(np.prod(share**-share))


def test_perplexity_is_pooled_and_not_a_mean_of_batches():
    found = score(Perplexity, grid(0, 0), grid(1, 1), vocabulary=(4,))
    assert found.value == pytest.approx(2)


def test_the_score_of_several_codebooks_is_the_mean_of_theirs():
    tokens = np.stack([grid(0, 1, 2, 3), grid(0, 0, 0, 0)], axis=-1)[..., 0, :]
    assert score(CodebookUsage, tokens, vocabulary=(4, 2)).value == (1 + 0.5) / 2
    found = score(Perplexity, tokens, vocabulary=(4, 2))
    assert found.value == pytest.approx((4 + 1) / 2)


def test_tokens_outside_their_codebook_are_refused_with_both_numbers():
    with pytest.raises(PluginError, match=r"from 0 to 8, .* has 8 codes"):
        score(CodebookUsage, grid(0, 8), vocabulary=(8,))
    with pytest.raises(PluginError, match="from -1 to 3"):
        score(Perplexity, grid(-1, 3), vocabulary=(8,))
