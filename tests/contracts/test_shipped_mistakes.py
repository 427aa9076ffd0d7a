"""Mistakes that well-known libraries shipped, each planted here and caught by its check.

The numbers are those of ``SHIPPED`` below, which says what shipped where, and which check
catches it or why it cannot be made here. The code is our own and small: two quantizers
that are right, and classes that change one thing about them.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import pytest
from keras import initializers, ops
from vqfw_revival.perturb_active import PerturbActive

from vqfw.kinds import (
    Book,
    CodebookQuantizer,
    Metric,
    Quantized,
    Quantizer,
    Score,
    nearest,
)
from vqfw.kinds.usage import histogram
from vqfw.testing import checks, parametrize_with_checks

CODES = 16


class Average(CodebookQuantizer):
    """Right: a moving average in three tensors, as most libraries keep it."""

    decay, epsilon = 0.5, 1e-5

    def __init__(self):
        super().__init__()
        self.vocabulary = (CODES,)

    def build(self, shape):
        normal = initializers.RandomNormal(stddev=1.0, seed=1)
        self.vectors = self.state("vectors", (CODES, shape[-1]), normal)
        self.sums = self.state("sums", (CODES, shape[-1]), "zeros")
        self.counts = self.state("counts", (CODES,), "ones")
        self.recent = self.state("recent", (64, shape[-1]), "zeros")
        self.filled = self.state("filled", (), "zeros")
        self.sums.assign(ops.convert_to_tensor(self.vectors))

    def state(self, name, shape, initializer):
        return self.add_weight(shape, initializer, trainable=False, name=name)

    def embed(self, tokens):
        return ops.take(ops.convert_to_tensor(self.vectors), tokens[..., 0], axis=0)

    def call(self, latents, training=False):
        flat = ops.stop_gradient(ops.reshape(latents, (-1, latents.shape[-1])))
        found = nearest(flat, self.vectors)
        tokens = ops.reshape(found, (*ops.shape(latents)[:-1], 1))
        quantized = Quantized.of(latents, self.embed(tokens), tokens, training)
        if training:
            self.remember(flat)
            self.move(flat, found)
        return quantized._replace(codebook_loss=ops.zeros(()))

    def remember(self, flat):
        self.filled.assign(ops.minimum(self.filled + flat.shape[0], 64.0))
        self.recent.assign(ops.concatenate([flat[:64], self.recent])[:64])

    def move(self, flat, found):
        chosen = self.chosen(found)
        added = ops.segment_sum(flat, found, num_segments=CODES)
        held = ops.logical_and(chosen == 0, self.counts < 0.1)
        keep = ops.where(held, 1.0, self.decay)
        counts = keep * self.counts + (1 - self.decay) * chosen
        self.keep(keep[:, None] * self.sums + (1 - self.decay) * added, counts)

    def chosen(self, found):
        return histogram(found, CODES)

    def keep(self, sums, counts):
        self.sums.assign(sums)
        self.counts.assign(counts)
        self.vectors.assign(sums / counts[:, None])

    def initialize(self, latents, seed):
        latents = latents.reshape(-1, latents.shape[-1])
        rows = np.random.default_rng(seed).permutation(len(latents))
        vectors = latents[np.resize(rows, CODES)]
        self.keep(ops.convert_to_tensor(vectors), ops.ones((CODES,)))

    @property
    def codebooks(self):
        return (AverageBook(self),)


class AverageBook(Book):
    variables = ()

    def __init__(self, owner):
        self.owner = owner

    @property
    def vectors(self):
        return ops.convert_to_numpy(self.owner.vectors)

    def replace(self, vectors, mask):
        owner, rows = self.owner, mask[:, None]
        for variable, new in ((owner.vectors, vectors), (owner.sums, vectors)):
            old = ops.convert_to_numpy(variable)
            variable.assign(np.where(rows, new, old))
        counts = ops.convert_to_numpy(owner.counts)
        owner.counts.assign(np.where(mask, 1.0, counts))

    @property
    def recent_latents(self):
        filled = int(ops.convert_to_numpy(self.owner.filled))
        return ops.convert_to_numpy(self.owner.recent)[:filled]


class Residual(Quantizer):
    """Right: two levels of trained codes, each for what the one before left over."""

    def __init__(self):
        super().__init__()
        self.vocabulary = (CODES, CODES)

    def build(self, shape):
        draw = initializers.RandomNormal(stddev=0.5, seed=1)
        self.books = [
            self.add_weight((CODES, shape[-1]), draw, name=f"level_{level}")
            for level in range(2)
        ]
        self.scale = self.add_weight((), "ones", name="scale")

    def embed(self, tokens):
        return self.codes(tokens)

    def codes(self, tokens):
        first, second = (
            ops.take(1.0 * book, tokens[..., level], axis=0)
            for level, book in enumerate(self.books)
        )
        return self.scale * (first + second)

    def call(self, latents, training=False):
        rest, tokens, losses = latents, [], []
        for book in self.books:
            flat = ops.reshape(ops.stop_gradient(rest), (-1, latents.shape[-1]))
            found = ops.reshape(nearest(flat, book), ops.shape(latents)[:-1])
            codes = ops.take(1.0 * book, found, axis=0)
            level = Quantized.of(rest, codes, found[..., None], training)
            tokens.append(level.tokens)
            losses.append((level.codebook_loss, level.commitment_loss))
            rest = self.left_over(rest, codes, level)
        tokens = ops.concatenate(tokens, axis=-1)
        whole = Quantized.of(latents, self.codes(tokens), tokens, training)
        pull, commitment = (sum(each) for each in zip(*losses, strict=True))
        pull = pull + whole.codebook_loss
        return whole._replace(codebook_loss=pull, commitment_loss=commitment)

    def left_over(self, rest, codes, level):
        return rest - ops.stop_gradient(codes)


class RevivedVectorsAlone(Average):
    """The next step makes the vectors of the sums again, and revival was for nothing."""

    @property
    def codebooks(self):
        class Forgetful(AverageBook):
            def replace(self, vectors, mask):
                self.owner.vectors.assign(
                    np.where(mask[:, None], vectors, self.vectors)
                )

        return (Forgetful(self),)


class MeansWithSizes(Average):
    """After k-means the sums are centroids and the counts are how many latents chose."""

    def initialize(self, latents, seed):
        super().initialize(latents, seed)
        self.counts.assign(4.0 * ops.ones((CODES,)))


class CountsFromZero(Average):
    """Unused codes are divided by almost nothing, and fly away."""

    def initialize(self, latents, seed):
        super().initialize(latents, seed)
        self.counts.assign(ops.zeros((CODES,)))

    def keep(self, sums, counts):
        self.sums.assign(sums)
        self.counts.assign(counts)
        self.vectors.assign(sums / (counts[:, None] + self.epsilon))


class UndefinedName(Residual):
    def __init__(self):
        super().__init__()
        self.vocabulary = (num_tokens, num_tokens)  # noqa: F821  # the mistake itself


class BetaOnTheCodebook(Residual):
    """The engine weights ``commitment_loss`` by beta, and here that moves the codes."""

    def call(self, latents, training=False):
        found = super().call(latents, training)
        swapped = found.commitment_loss, found.codebook_loss
        return found._replace(codebook_loss=swapped[0], commitment_loss=swapped[1])


class SummedLosses(Residual):
    def call(self, latents, training=False):
        found = super().call(latents, training)
        count = ops.cast(ops.size(latents), "float32")
        return found._replace(commitment_loss=count * found.commitment_loss)


class SmoothedCountsKept(Average):
    """Laplace smoothing belongs to the division; kept, it feeds on itself."""

    def move(self, flat, found):
        chosen = self.chosen(found)
        added = ops.segment_sum(flat, found, num_segments=CODES)
        counts = self.decay * self.counts + (1 - self.decay) * chosen
        total = ops.sum(counts)
        smooth = (counts + self.epsilon) / (total + CODES * self.epsilon) * total
        self.keep(self.decay * self.sums + (1 - self.decay) * added, smooth)


class DiverseOverTheBatchAlone(Residual):
    """The average code of each position stands for that of all latents."""

    def call(self, latents, training=False):
        found = super().call(latents, training)
        share = ops.mean(ops.one_hot(found.tokens[..., 0], CODES), axis=0)
        entropy = -ops.sum(share * ops.log(share + 1e-6), axis=-1)
        return found._replace(auxiliary_loss=ops.mean(entropy))


class EmbedsWithoutTheLearned(Residual):
    """The look-up forgets a value that is neutral before it was trained."""

    def embed(self, tokens):
        return self.codes(tokens) / self.scale


class EmbedsWithoutTheProjection(Average):
    """Decoding from tokens gives the decoder the codes of another space."""

    def build(self, shape):
        super().build(shape)
        self.turn = keras.layers.Dense(shape[-1], use_bias=False, name="turn")
        self.turn.build(shape)

    def call(self, latents, training=False):
        found = super().call(latents, training)
        return found._replace(latents=self.turn(found.latents))


class UndefinedAttribute(Residual):
    def embed(self, tokens):
        return super().embed(tokens) * self.num_codebooks


class EmbedsSquaresAlone(Residual):
    def embed(self, tokens):
        side = int(np.sqrt(np.prod(tokens.shape[1:-1])))
        grid = ops.reshape(tokens, (-1, side, side, tokens.shape[-1]))
        return super().embed(grid)


class CountsInEvaluation(Average):
    def call(self, latents, training=False):
        self.filled.assign(self.filled + (0.0 if training else 1.0))
        return super().call(latents, training)


class CountsOnceABatch(Average):
    """``counts[tokens] += 1`` adds one however often a token is there."""

    def chosen(self, found):
        return ops.minimum(histogram(found, CODES), 1.0)


class FlagOutsideTheState(Residual):
    """Codes are scaled once data came; a resumed run does not know that it did."""

    begun = False

    def call(self, latents, training=False):
        found = super().call(latents, training)
        self.begun = self.begun or training
        weight = 0.1 if self.begun else 0.0
        return found._replace(auxiliary_loss=weight * ops.mean(ops.square(latents)))


class FirstRowsAlone(Average):
    """The first latents are all of one image."""

    def initialize(self, latents, seed):
        latents = latents.reshape(-1, latents.shape[-1])
        vectors = latents[np.arange(CODES) % len(latents)]
        self.keep(ops.convert_to_tensor(vectors), ops.ones((CODES,)))


class TooFewRows(Average):
    """The number of repeats is rounded down, so that there are fewer rows than codes."""

    def initialize(self, latents, seed):
        latents = latents.reshape(-1, latents.shape[-1])
        rows = np.tile(latents, (max(1, CODES // len(latents)), 1))
        rng = np.random.default_rng(seed)
        vectors = rows[rng.permutation(len(rows))[:CODES]]
        self.keep(ops.convert_to_tensor(vectors), ops.ones((CODES,)))


class OverfullQueue(Average):
    """A step with more latents than the queue holds is pushed into it whole."""

    def remember(self, flat):
        if flat.shape[0] > 64:
            self.filled.assign(self.filled + flat.shape[0])
            return
        super().remember(flat)

    @property
    def codebooks(self):
        class Overfull(AverageBook):
            @property
            def recent_latents(self):
                filled = int(ops.convert_to_numpy(self.owner.filled))
                kept = np.zeros((filled, 8), "float32")
                rows = ops.convert_to_numpy(self.owner.recent)[:filled]
                kept[: len(rows)] = rows
                return kept

        return (Overfull(self),)


class UntrackedCodes(Residual):
    """What is no variable of the layer gets no gradient."""

    def build(self, shape):
        draw = initializers.RandomNormal(stddev=0.5, seed=1)
        self.books = [ops.convert_to_tensor(draw((CODES, shape[-1]))) for _ in range(2)]
        self.scale = 1.0
        self.unused = self.add_weight((), "ones", name="unused")


class ResidualOfTheStraightThrough(Residual):
    """What is left over is constant then, and only the first level pulls the encoder."""

    def left_over(self, rest, codes, level):
        return rest - (rest + ops.stop_gradient(codes - rest))


class SearchesInHalf(Average):
    """Expands the squared distance in the type that comes in, without centring."""

    def __init__(self):
        super().__init__()
        self.autocast = False

    def call(self, latents, training=False):
        found = super().call(ops.cast(latents, "float32"), training)
        if keras.backend.standardize_dtype(latents.dtype) == "float32":
            return found
        z, e = latents[..., None, :], ops.cast(self.vectors, latents.dtype)
        squares = ops.sum(z * z, axis=-1) + ops.sum(e * e, axis=-1)
        tokens = ops.argmin(squares - 2 * ops.sum(z * e, axis=-1), axis=-1)
        return found._replace(tokens=ops.cast(tokens, "int32")[..., None])


class LossAfterStraightThrough(Residual):
    """The straight-through latents are constant in the codes."""

    def call(self, latents, training=False):
        found = super().call(latents, training)
        through = latents + ops.stop_gradient(found.latents - latents)
        gap = ops.square(ops.stop_gradient(latents) - through)
        return found._replace(codebook_loss=ops.mean(gap))


class PerplexityOfBatches(Metric):
    """A batch has fewer tokens than a book has codes; their average is biased."""

    def __init__(self):
        self.found, self.images = [], 0

    def update(self, scored):
        self.images += len(scored.ids)
        if scored.tokens is not None:
            share = np.bincount(scored.tokens.ravel()) / scored.tokens.size
            share = share[share > 0]
            self.found.append(float(np.exp(-(share * np.log(share)).sum())))

    def result(self):
        value = float(np.mean(self.found)) if self.found else None
        return Score(value, self.images)


class NoiseOfNothing(PerturbActive):
    """A standard deviation of 1e-9 puts each revived code exactly on a busy one."""

    def __init__(self):
        super().__init__(noise=1e-9)


class Shipped(NamedTuple):
    """One mistake: what it is, its plant and its check; or why there is none."""

    what: str
    kind: str = ""
    plant: type | None = None
    check: str = ""
    elsewhere: str = ""


def quantizer(what, plant, check):
    return Shipped(what, "quantizer", plant, check)


# Numbers and sources: encodec, pythae, taming-transformers, diffusers, lucidrains'
# vector-quantize-pytorch, SimVQ, bsq-vit, DiVeQ, CVQ, vqtorch, VAR, LlamaGen, keras-hub.
SHIPPED = {
    1: [
        quantizer(
            "revival writes the vectors, the average overwrites them",
            RevivedVectorsAlone,
            "replaced_codes_survive_a_step",
        )
    ],
    2: [
        quantizer(
            "k-means leaves sums and counts that do not belong together",
            MeansWithSizes,
            "initialization_finds_the_latents",
        )
    ],
    3: [
        quantizer(
            "counts start at 0 beside sums that do not",
            CountsFromZero,
            "unused_codes_keep_their_vectors",
        )
    ],
    4: [
        quantizer(
            "the constructor reads an undefined name",
            UndefinedName,
            "tokens_fit_the_vocabulary",
        )
    ],
    5: [
        quantizer(
            "beta weights the codebook loss",
            BetaOnTheCodebook,
            "commitment_loss_moves_the_encoder_alone",
        )
    ],
    6: [quantizer("losses are sums", SummedLosses, "losses_are_means")],
    7: [
        quantizer(
            "smoothed counts are stored back",
            SmoothedCountsKept,
            "unused_codes_keep_their_vectors",
        )
    ],
    8: [Shipped("an all-reduce is dropped", elsewhere="a run is one process")],
    9: [
        quantizer(
            "diversity averages over the batch and not over positions",
            DiverseOverTheBatchAlone,
            "losses_are_means",
        )
    ],
    10: [
        Shipped(
            "masked positions are compared before the projection",
            elsewhere="the contract has no masks",
        )
    ],
    11: [
        quantizer(
            "the look-up ignores learned values",
            EmbedsWithoutTheLearned,
            "evaluation_gives_the_embedded_tokens",
        )
    ],
    12: [
        quantizer(
            "the look-up skips the projection",
            EmbedsWithoutTheProjection,
            "evaluation_gives_the_embedded_tokens",
        )
    ],
    13: [
        quantizer(
            "a method reads an undefined attribute",
            UndefinedAttribute,
            "evaluation_gives_the_embedded_tokens",
        )
    ],
    14: [
        quantizer(
            "the look-up takes square grids alone",
            EmbedsSquaresAlone,
            "evaluation_gives_the_embedded_tokens",
        )
    ],
    15: [
        quantizer(
            "usage is counted in evaluation",
            CountsInEvaluation,
            "evaluation_changes_no_variable",
        ),
        quantizer(
            "a token counts once a batch",
            CountsOnceABatch,
            "initialization_finds_the_latents",
        ),
        Shipped(
            "revived codes get noise of 1e-9",
            "revival",
            NoiseOfNothing,
            "unused_codes_come_back",
        ),
    ],
    16: [
        quantizer(
            "the flag of the initialization is a plain attribute",
            FlagOutsideTheState,
            "state_is_all_in_variables",
        )
    ],
    17: [
        quantizer(
            "initialization takes the first rows",
            FirstRowsAlone,
            "initialization_finds_the_latents",
        ),
        quantizer(
            "repeated latents are fewer than codes",
            TooFewRows,
            "few_latents_are_enough_to_begin",
        ),
    ],
    18: [
        quantizer(
            "the queue overflows on a large batch",
            OverfullQueue,
            "recent_latents_are_kept_in_training",
        )
    ],
    19: [
        Shipped(
            "the learning rate is 0 after the first epoch",
            elsewhere="the learning rate is Keras's, and vqfw explain prints it",
        )
    ],
    20: [
        quantizer(
            "the codebook is no variable of the layer",
            UntrackedCodes,
            "training_moves_the_codes",
        )
    ],
    21: [
        quantizer(
            "a level's residual is built on straight-through latents",
            ResidualOfTheStraightThrough,
            "every_level_pulls_the_latents",
        )
    ],
    22: [
        quantizer(
            "distances are expanded in 16 bits",
            SearchesInHalf,
            "half_precision_chooses_the_same_codes",
        )
    ],
    23: [
        Shipped(
            "perplexity is averaged over batches",
            "metric",
            PerplexityOfBatches,
            "the_score_does_not_depend_on_the_batches",
        )
    ],
    24: [
        quantizer(
            "the codebook loss comes after the straight-through sum",
            LossAfterStraightThrough,
            "training_moves_the_codes",
        )
    ],
}
PLANTED = [
    pytest.param(number, each, id=f"{number}-{each.plant.__name__}")
    for number, mistakes in SHIPPED.items()
    for each in mistakes
    if each.plant
]


@pytest.mark.mutations
@parametrize_with_checks("quantizer", [Average, Residual])
def test_the_base_of_each_planted_mistake_passes(check, factory):
    check(factory)


@pytest.mark.mutations
@pytest.mark.parametrize(("number", "mistake"), PLANTED)
def test_a_mistake_that_shipped_is_caught_by_its_check(number, mistake):
    (check,) = [c for c in checks(mistake.kind) if c.__name__ == mistake.check]
    error = NameError if mistake.plant is UndefinedName else AssertionError
    with pytest.raises(error):
        check(mistake.plant)


def test_each_of_the_mistakes_is_caught_or_cannot_be_made():
    assert list(SHIPPED) == list(range(1, 25))
    for mistakes in SHIPPED.values():
        for each in mistakes:
            assert each.what
            assert bool(each.plant and each.check) != bool(each.elsewhere)


def test_the_checks_that_are_planted_here_alone_are_all_there():
    planted = {each.check for mistakes in SHIPPED.values() for each in mistakes}
    assert {
        "every_level_pulls_the_latents",
        "few_latents_are_enough_to_begin",
        "recent_latents_are_kept_in_training",
        "training_moves_the_codes",
    } <= planted
