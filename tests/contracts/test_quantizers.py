"""The checks of quantizers: ours pass them, and each catches the mistake made for it."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import ops
from vqfw_beta.constant import Constant
from vqfw_beta.linear import Linear
from vqfw_quantizers.bsq import BSQQuantizer
from vqfw_quantizers.cosine import CosineQuantizer
from vqfw_quantizers.diveq import DiVeQ
from vqfw_quantizers.ema import EMAQuantizer
from vqfw_quantizers.fsq import FSQQuantizer
from vqfw_quantizers.gradient import GradientQuantizer
from vqfw_quantizers.grouped import GroupedQuantizer
from vqfw_quantizers.gumbel import GumbelQuantizer
from vqfw_quantizers.ibq import IBQ
from vqfw_quantizers.key_value import KeyValueQuantizer
from vqfw_quantizers.lfq import LFQQuantizer
from vqfw_quantizers.predictive import PredictiveQuantizer
from vqfw_quantizers.residual import ResidualQuantizer
from vqfw_quantizers.simvq import SimVQ
from vqfw_quantizers.trellis import TrellisQuantizer

from vqfw.kinds import Codebook, Quantized, Quantizer, nearest
from vqfw.kinds.usage import histogram
from vqfw.testing import checks, parametrize_with_checks
from vqfw.testing.quantizer import a_code_has_one_gradient, compiles

SMALL = {"seed": 1, "num_embeddings": 16, "embedding_dim": 8}


def ema():
    return EMAQuantizer(**SMALL)


def gradient():
    return GradientQuantizer(**SMALL)


def projected_ema():
    return EMAQuantizer(**{**SMALL, "embedding_dim": 4})


def projected_gradient():
    return GradientQuantizer(**{**SMALL, "embedding_dim": 4})


def key_value():
    return KeyValueQuantizer(**SMALL)


def projected_key_value():
    return KeyValueQuantizer(**{**SMALL, "embedding_dim": 4})


def fsq():
    return FSQQuantizer(seed=1, levels=(4, 3, 3))


def unprojected_fsq():
    return FSQQuantizer(seed=1, levels=(3,) * 8)


def lfq():
    return LFQQuantizer(1, Linear(start=0.2, end=0.1, steps=3), bits=8, factors=2)


def projected_lfq():
    return LFQQuantizer(1, Constant(0.1), bits=5)


def bsq():
    return BSQQuantizer(1, Constant(0.1), bits=8)


def projected_bsq():
    return BSQQuantizer(1, Constant(0.1), bits=6, factors=3)


def residual_ema():
    return ResidualQuantizer(lambda i: EMAQuantizer(**{**SMALL, "seed": i}))


def residual_key_value():
    return ResidualQuantizer(lambda i: KeyValueQuantizer(**{**SMALL, "seed": i}))


def residual_projected_gradient():
    options = {**SMALL, "embedding_dim": 4}
    return ResidualQuantizer(lambda i: GradientQuantizer(**{**options, "seed": i}), 3)


def residual_lfq():
    return ResidualQuantizer(
        lambda i: LFQQuantizer(i, Constant(0.1), bits=4, factors=2)
    )


def grouped_fsq():
    return GroupedQuantizer(lambda i: FSQQuantizer(seed=i, levels=(4, 3)))


def grouped_gradient():
    options = {**SMALL, "embedding_dim": 4}
    return GroupedQuantizer(lambda i: GradientQuantizer(**{**options, "seed": i}))


def grouped_residual_ema():
    def residual(group):
        options = {**SMALL, "embedding_dim": 4}
        return ResidualQuantizer(
            lambda i: EMAQuantizer(**{**options, "seed": 2 * group + i})
        )

    return GroupedQuantizer(residual)


def predictive_ema():
    return PredictiveQuantizer(lambda i: EMAQuantizer(**{**SMALL, "seed": i}))


def predictive_projected_gradient():
    options = {**SMALL, "embedding_dim": 4}
    return PredictiveQuantizer(lambda i: GradientQuantizer(**{**options, "seed": i}))


def predictive_key_value():
    return PredictiveQuantizer(lambda i: KeyValueQuantizer(**{**SMALL, "seed": i}))


def predictive_fsq():
    return PredictiveQuantizer(lambda i: FSQQuantizer(seed=i, levels=(4, 3)))


def trellis():
    return TrellisQuantizer(**{**SMALL, "num_embeddings": 8})


def rotated_ema():
    return EMAQuantizer(**SMALL, gradient_estimator="rotation")


def regular_gradient():
    return GradientQuantizer(
        **SMALL,
        initialization="kmeans_plus_plus",
        gradient_estimator="rotation",
        orthogonality_weight=Linear(start=0.1, end=1.0, steps=3),
    )


def cosine():
    return CosineQuantizer(**SMALL)


def projected_cosine():
    options = {**SMALL, "embedding_dim": 4}
    return CosineQuantizer(**options, gradient_estimator="rotation")


def simvq():
    return SimVQ(**SMALL)


def projected_simvq():
    return SimVQ(**{**SMALL, "embedding_dim": 4}, gradient_estimator="rotation")


def diveq():
    return DiVeQ(**SMALL)


def projected_diveq():
    return DiVeQ(**{**SMALL, "embedding_dim": 4})


def ibq():
    return IBQ(**SMALL, entropy_weight=Linear(start=0.0, end=0.05, steps=3))


def projected_ibq():
    return IBQ(**{**SMALL, "embedding_dim": 4}, entropy_weight=None)


def gumbel():
    cooling = Linear(start=1.0, end=0.1, steps=3)
    weight = Constant(5e-4)
    return GumbelQuantizer(1, cooling, weight, num_embeddings=16)


def soft_gumbel():
    weight = Constant(5e-4)
    return GumbelQuantizer(1, Constant(0.5), weight, num_embeddings=16, hard=False)


class PlainCodes(Quantizer):
    """Codes that are weights of its own, with no book handed out: the smallest form."""

    def __init__(self):
        super().__init__()
        self.vocabulary = (16,)

    def build(self, shape):
        draw = keras.initializers.RandomNormal(seed=1)
        self.vectors = self.add_weight((16, shape[-1]), draw, name="vectors")

    def embed(self, tokens):
        return ops.take(1.0 * self.vectors, tokens[..., 0], axis=0)

    def call(self, latents, training=False):
        flat = ops.reshape(latents, (-1, latents.shape[-1]))
        found = nearest(flat, ops.stop_gradient(self.vectors))
        tokens = ops.reshape(found, (*ops.shape(latents)[:-1], 1))
        return Quantized.of(latents, self.embed(tokens), tokens, training)


class Signs(Quantizer):
    """Keeps the sign of each latent: a quantizer with nothing to learn."""

    def __init__(self):
        super().__init__()
        self.vocabulary = (2,) * 8

    def build(self, shape):
        pass

    def call(self, latents, training=False):
        tokens = ops.cast(latents > 0, "int32")
        codes = self.embed(tokens)
        if training:
            codes = latents + ops.stop_gradient(codes - latents)
        return Quantized(codes, tokens)

    def embed(self, tokens):
        return 2.0 * ops.cast(tokens, "float32") - 1.0


EACH = [
    ema,
    projected_ema,
    key_value,
    gradient,
    regular_gradient,
    cosine,
    simvq,
    diveq,
    ibq,
    gumbel,
    fsq,
    lfq,
    bsq,
    residual_ema,
    grouped_fsq,
    predictive_fsq,
    trellis,
]
FURTHER = [
    predictive_ema,
    projected_key_value,
    rotated_ema,
    projected_gradient,
    projected_cosine,
    projected_simvq,
    projected_diveq,
    projected_ibq,
    soft_gumbel,
    unprojected_fsq,
    projected_lfq,
    projected_bsq,
]
FURTHER_WRAPPERS = [
    residual_key_value,
    residual_projected_gradient,
    residual_lfq,
    grouped_gradient,
    grouped_residual_ema,
    predictive_projected_gradient,
    predictive_key_value,
]


@parametrize_with_checks("quantizer", [*EACH, Signs, PlainCodes])
def test_a_quantizer_keeps_the_contract(check, factory):
    check(factory)


# Every quantizer keeps the whole contract on every backend. Its further variants take the
# most time on JAX and the least on torch: torch checks all of them, JAX the one whose
# codebooks are predicted, TensorFlow all but most wrappers, and of these what torch cannot
# show.
VARIANTS = {
    "torch": [*FURTHER, *FURTHER_WRAPPERS],
    "tensorflow": FURTHER,
    "jax": [predictive_ema],
}[keras.backend.backend()]


@pytest.mark.backends
@parametrize_with_checks("quantizer", VARIANTS)
def test_a_variant_keeps_the_contract(check, factory):
    check(factory)


@pytest.mark.backends
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="TensorFlow alone traces graphs and has sparse gradients",
)
@pytest.mark.parametrize("check", [compiles, a_code_has_one_gradient])
@pytest.mark.parametrize("factory", FURTHER_WRAPPERS)
def test_further_wrappers_keep_the_checks_that_need_tensorflow(check, factory):
    check(factory)


class PlainSparse(PlainCodes):
    def embed(self, tokens):
        return ops.take(self.vectors, tokens[..., 0], axis=0)


class PlainCommitmentMovesCodes(PlainCodes):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        gap = ops.square(latents - self.embed(found.tokens))
        return found._replace(commitment_loss=ops.mean(gap))


class PlainHalfGradient(PlainCodes):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        if not training:
            return found
        half = 0.5 * latents
        return found._replace(latents=half + ops.stop_gradient(found.latents - half))


class OneAxisTooFew(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        return found._replace(tokens=found.tokens[..., 0])

    def embed(self, tokens):
        return super().embed(tokens[..., None])


class TellsBytesForBits(GradientQuantizer):
    bits_per_position = 8.0


class HasFewerBitsThanCodes(GradientQuantizer):
    bits_per_position = 3.0


class StraightThroughInEvaluation(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        if training:
            return found
        return found._replace(latents=latents + (found.latents - latents))


class CountsInEvaluation(GradientQuantizer):
    def __init__(self):
        super().__init__(**SMALL)
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="calls"
        )

    def call(self, latents, training=False):
        self.calls.assign(self.calls + 1)
        return super().call(latents, training)


class ScaledGradient(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        if not training:
            return found
        half = 0.5 * latents
        return found._replace(latents=half + ops.stop_gradient(found.latents - half))


class CommitmentMovesCodes(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        codes = ops.take(self.embeddings, found.tokens[..., 0], axis=0)
        return found._replace(commitment_loss=ops.mean(ops.square(latents - codes)))


class NothingMovesTheCodes(DiVeQ):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        if not training:
            return found
        shift = ops.stop_gradient(found.latents - latents)
        return found._replace(latents=latents + shift)


class LosesSomeLatents(GradientQuantizer):
    """Gives the last row of positions its codes without a way back."""

    def __init__(self):
        super().__init__(**SMALL)
        self.straight_through = False

    def call(self, latents, training=False):
        found = super().call(latents, training)
        if not training:
            return found
        rows = [found.latents[:, :-1], ops.stop_gradient(found.latents[:, -1:])]
        return found._replace(latents=ops.concatenate(rows, axis=1))


class WritesHalfOfWhatItIsGiven(GradientQuantizer):
    @property
    def codebooks(self):
        (book,) = super().codebooks
        half = replace(
            book, write=lambda vectors, mask: book.replace(vectors / 2, mask)
        )
        return (half,)


class CodebookLossAfterStraightThrough(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        gap = ops.square(ops.stop_gradient(found.latents - latents))
        return found._replace(codebook_loss=ops.mean(gap))


class SparseGradient(GradientQuantizer):
    """Looks up the variable itself, which TensorFlow differentiates latent by latent."""

    def call(self, latents, training=False):
        found = super().call(latents, training)
        codes = ops.take(self.embeddings, found.tokens[..., 0], axis=0)
        gap = ops.square(ops.stop_gradient(latents) - codes)
        return found._replace(codebook_loss=ops.mean(gap))


class SumOfErrors(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        count = ops.cast(ops.size(latents), "float32")
        return found._replace(commitment_loss=found.commitment_loss * count)


class SearchesInHalf(GradientQuantizer):
    """Expands the squared distance in 16 bits, without centring first."""

    def __init__(self):
        super().__init__(**SMALL)
        self.autocast = False

    def call(self, latents, training=False):
        found = super().call(ops.cast(latents, "float32"), training)
        if keras.backend.standardize_dtype(latents.dtype) == "float32":
            return found
        e = ops.cast(self.embeddings, latents.dtype)
        z = latents[..., None, :]
        squares = ops.sum(z * z, axis=-1) + ops.sum(e * e, axis=-1)
        tokens = ops.argmin(squares - 2 * ops.sum(z * e, axis=-1), axis=-1)
        return found._replace(tokens=ops.cast(tokens, "int32")[..., None])


class CastsToThePolicy(GradientQuantizer):
    def call(self, latents, training=False):
        dtype = keras.config.dtype_policy().compute_dtype
        return super().call(ops.cast(ops.cast(latents, dtype), "float32"), training)


class DividesByNorm(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        norm = ops.sqrt(ops.sum(ops.square(latents), axis=-1, keepdims=True))
        unit = ops.stop_gradient(latents / norm)
        return found._replace(auxiliary_loss=ops.mean(ops.square(unit)))


class OwnRandomness(GradientQuantizer):
    def __init__(self):
        super().__init__(
            **{**SMALL, "seed": int(np.random.default_rng().integers(2**31))}
        )


class PlainAttribute(GradientQuantizer):
    """Scales its codes' loss by what it has seen, and keeps that outside variables."""

    seen = 0.0

    def call(self, latents, training=False):
        found = super().call(latents, training)
        return found._replace(auxiliary_loss=ops.ones(()) * self.seen)

    def initialize(self, latents, seed):
        super().initialize(latents, seed)
        self.seen = float(len(latents))


class TwoOfOneName(GradientQuantizer):
    """Keeps two numbers under one name, so that a checkpoint would have one of them."""

    def __init__(self):
        super().__init__(**SMALL)
        for _ in range(2):
            self.add_weight(
                shape=(), initializer="zeros", trainable=False, name="spare"
            )


class NumpyInside(GradientQuantizer):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        size = np.abs(ops.convert_to_numpy(ops.stop_gradient(latents))).max()
        return found._replace(auxiliary_loss=ops.zeros(()) + 0.0 * float(size))


class LearnsOnlyEagerly(EMAQuantizer):
    def __init__(self):
        super().__init__(**SMALL)

    def keep(self, codebook):
        try:
            ops.convert_to_numpy(codebook.sums)
        except Exception:
            return
        super().keep(codebook)


class ForgetsCountsFaster(EMAQuantizer):
    """Lets the counts of a code unseen for two steps shrink without its sums."""

    def __init__(self):
        super().__init__(**SMALL)

    def call(self, latents, training=False):
        found = super().call(latents, training)
        if training:
            counts = ops.convert_to_tensor(self.counts)
            self.counts.assign(ops.where(counts < 0.985, 0.5 * counts, counts))
        return found


class ReplaceWithoutSums(EMAQuantizer):
    """Shows replaced vectors until the next step makes them from the sums again."""

    def __init__(self):
        super().__init__(**SMALL)
        self.shown = None

    def call(self, latents, training=False):
        self.shown = None if training else self.shown
        return super().call(latents, training)

    @property
    def codebooks(self):
        return (ForgetfulBook(self, super().codebooks[0]),)


class ForgetfulBook:
    def __init__(self, owner, book):
        self.owner, self.book = owner, book
        self.variables = ()

    @property
    def vectors(self):
        return self.book.vectors if self.owner.shown is None else self.owner.shown

    @property
    def recent_latents(self):
        return self.book.recent_latents

    def replace(self, vectors, mask):
        self.owner.shown = np.where(mask[:, None], vectors, self.vectors)


class CountsWithoutSums(EMAQuantizer):
    """The sums of the k-means are means, its counts are the sizes of the clusters."""

    def __init__(self):
        super().__init__(**SMALL)
        self.pending = self.add_weight(
            shape=(), initializer="zeros", trainable=False, name="pending"
        )

    def initialize(self, latents, seed):
        super().initialize(latents, seed)
        self.pending.assign(ops.ones(()))

    def call(self, latents, training=False):
        found = super().call(latents, training)
        if training:
            book = self.codebook
            wrong = ops.logical_and(self.pending > 0, histogram(found.tokens, 16) > 0)
            factor = ops.where(wrong, 10.0, 1.0)
            self.keep(Codebook(book.sums, book.counts * factor))
            self.pending.assign(ops.zeros(()))
        return found


PLANTED = {
    PlainSparse: "a_code_has_one_gradient",
    PlainCommitmentMovesCodes: "commitment_loss_moves_the_encoder_alone",
    PlainHalfGradient: "gradients_go_straight_through",
    OneAxisTooFew: "tokens_fit_the_vocabulary",
    TellsBytesForBits: "tokens_fit_the_vocabulary",
    HasFewerBitsThanCodes: "tokens_fit_the_vocabulary",
    StraightThroughInEvaluation: "evaluation_gives_the_embedded_tokens",
    CountsInEvaluation: "evaluation_changes_no_variable",
    ScaledGradient: "gradients_go_straight_through",
    CommitmentMovesCodes: "commitment_loss_moves_the_encoder_alone",
    NothingMovesTheCodes: "codebook_loss_moves_the_codebook_alone",
    LosesSomeLatents: "gradients_go_straight_through",
    WritesHalfOfWhatItIsGiven: "replaced_codes_survive_a_step",
    CodebookLossAfterStraightThrough: "codebook_loss_moves_the_codebook_alone",
    SparseGradient: "a_code_has_one_gradient",
    SumOfErrors: "losses_are_means",
    SearchesInHalf: "half_precision_chooses_the_same_codes",
    CastsToThePolicy: "a_mixed_policy_changes_nothing",
    DividesByNorm: "odd_inputs_stay_finite",
    OwnRandomness: "same_seed_gives_the_same_codes",
    PlainAttribute: "state_is_all_in_variables",
    TwoOfOneName: "variables_have_names_of_their_own",
    NumpyInside: "compiles",
    LearnsOnlyEagerly: "compiles",
    ForgetsCountsFaster: "unused_codes_keep_their_vectors",
    ReplaceWithoutSums: "replaced_codes_survive_a_step",
    CountsWithoutSums: "initialization_finds_the_latents",
}


# Without a loss of their own the codes do not learn either.
ALSO = {
    CodebookLossAfterStraightThrough: ["training_moves_the_codes"],
    NothingMovesTheCodes: ["training_moves_the_codes"],
}
# Planted in test_shipped_mistakes.py.
ELSEWHERE = {
    "every_level_pulls_the_latents",
    "few_latents_are_enough_to_begin",
    "recent_latents_are_kept_in_training",
    "training_moves_the_codes",
}


@pytest.mark.mutations
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_each_planted_mistake_fails_one_check_and_passes_all_the_rest(
    mistake, complaints
):
    plain = mistake.__init__ in (GradientQuantizer.__init__, DiVeQ.__init__)
    factory = (lambda: mistake(**SMALL)) if plain else mistake
    backend = keras.backend.backend()
    if mistake in (NumpyInside, LearnsOnlyEagerly) and backend == "torch":
        pytest.skip("torch compiles nothing, so NumPy inside a call does work there")
    if mistake in (SparseGradient, PlainSparse) and backend != "tensorflow":
        pytest.skip(f"{backend} has no sparse gradients")
    found = complaints("quantizer", factory, PLANTED[mistake])
    assert found[0] == PLANTED[mistake]
    assert set(found[1:]) <= set(ALSO.get(mistake, ()))


def test_every_check_has_its_planted_mistake():
    planted = ELSEWHERE | set(PLANTED.values())
    assert {check.__name__ for check in checks("quantizer")} == planted
