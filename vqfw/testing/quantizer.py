"""The checks of every quantizer.

A factory takes no arguments and makes a fresh quantizer, which is built for latents of 8
channels; a small one (16 codes) is quickest. Checks of codebooks pass where there are none.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from vqfw.kinds import CodebookQuantizer, Quantized, Quantizer
from vqfw.kinds.precision import policy
from vqfw.kinds.tensors import Floats
from vqfw.testing import codebook
from vqfw.testing.check import Factory, checks_in, explained, require
from vqfw.testing.probe import (
    arrays,
    changed,
    compiling,
    copy_state,
    descend,
    gradients,
    predicted,
    require_own_names,
    require_same,
    require_unchanged,
    state,
)
from vqfw.testing.quantizer_probe import (
    CHANNELS,
    SHAPE,
    books_of,
    built,
    grid_of,
    initialize,
    outcome,
    random_latents,
    ready,
    rebuilding,
    total_loss,
    train,
)


def tokens_fit_the_vocabulary(factory: Factory) -> None:
    """Tokens are int32, one a codebook at every position, below its number of codes.

    ``bits_per_position`` is at most ``log2`` of the vocabulary, and enough for the tokens
    of 256 latents.
    """
    quantizer = ready(factory)
    found = quantizer(ops.convert_to_tensor(random_latents()), training=False)
    batch, rows, columns, _ = SHAPE
    cells = rows // quantizer.cell, columns // quantizer.cell
    expected = (batch, *cells, len(quantizer.vocabulary))
    require(
        tuple(found.tokens.shape) == expected,
        f"tokens have shape {tuple(found.tokens.shape)} instead of {expected}: give "
        "them a last axis with one entry a codebook, and set cell where latents share a "
        "position",
    )
    dtype = keras.backend.standardize_dtype(found.tokens.dtype)
    require(dtype == "int32", f"tokens are {dtype}: cast them to int32")
    require(
        _in_range(found.tokens, quantizer),
        f"tokens are outside of the vocabulary {quantizer.vocabulary}: they must lie in "
        "[0, vocabulary[i])",
    )
    _require_enough_bits(quantizer)
    sizes = tuple(len(book.vectors) for book in books_of(quantizer))
    require(
        sizes in ((), quantizer.vocabulary),
        f"the codebooks have {sizes} codes and the vocabulary is "
        f"{quantizer.vocabulary}: give one book for each entry, in the same order, or "
        "none at all",
    )


def evaluation_gives_the_embedded_tokens(factory: Factory) -> None:
    """Outside training the latents equal ``embed(tokens)`` bit by bit, on any grid."""
    quantizer = ready(factory)
    found = quantizer(ops.convert_to_tensor(random_latents()), training=False)
    _require_embedded(quantizer, found)
    # Values that embed() ignores are often neutral until they have been trained.
    descend(quantizer, random_latents(), rebuilding(random_latents()), steps=2)
    for shape in (SHAPE, grid_of(quantizer, 3, 5)):
        latents = ops.convert_to_tensor(random_latents(shape, seed=2))
        _require_embedded(quantizer, quantizer(latents, training=False))


def evaluation_changes_no_variable(factory: Factory) -> None:
    """A call outside training changes no variable."""
    quantizer = ready(factory)
    require_unchanged(
        quantizer,
        lambda: outcome(quantizer, random_latents()),
        "assign variables only if training",
    )


def gradients_go_straight_through(factory: Factory) -> None:
    """In training the decoder's gradient reaches the latents of every position.

    It is unchanged where ``straight_through`` is true.
    """
    quantizer = ready(factory)
    weights = random_latents(seed=1)
    found, _ = gradients(
        quantizer,
        random_latents(),
        lambda q: ops.sum(q.latents * ops.convert_to_tensor(weights)),
    )
    require(np.isfinite(found).all(), "the gradient of the latents is not finite")
    require(
        found.any(),
        "no gradient reaches the latents: return z + stop_gradient(e - z) in training",
    )
    require(
        found.any(axis=-1).all(),
        "the gradient reaches some latents and not others: in training, the output at "
        "every position must depend on its latent",
    )
    if quantizer.straight_through and _searches_the_latents(quantizer):
        require(
            np.allclose(found, weights, atol=1e-4),
            "the gradient of the latents is not that of the output: return "
            "z + stop_gradient(e - z) in training, or set straight_through = False",
        )


def commitment_loss_moves_the_encoder_alone(factory: Factory) -> None:
    """The commitment loss moves latents to codes and moves no code."""
    quantizer = ready(factory)
    latents, others = gradients(
        quantizer, random_latents(), lambda q: q.commitment_loss
    )
    loss = float(outcome(quantizer, random_latents()).commitment_loss)
    require(
        latents.any() or loss == 0,
        "the commitment loss does not move the latents: take (z - stop_gradient(e))^2",
    )
    for path in _code_paths(quantizer):
        require(
            not others[path].any(),
            f"the commitment loss moves {path}: take (z - stop_gradient(e))^2",
        )


def every_level_pulls_the_latents(factory: Factory) -> str | None:
    """The commitment loss changes along a small step as its gradient predicts."""
    start, quantizer = ready(factory), ready(factory)
    # Latents that are normalized have a curved loss near zero: along a step of 0.01 the
    # slope was wrong in 1 of 125 trials, along one of 0.001 in none of 500.
    latents, step = random_latents(), 0.001 * random_latents(seed=8)

    def called(scale: float) -> Any:
        copy_state(start, quantizer)
        return outcome(quantizer, latents + scale * step, training=True)

    # The loss jumps where a token changes, so only latents that keep theirs move.
    still = [(called(s).tokens == called(0).tokens).all(axis=-1) for s in (1, -1)]
    cells = np.logical_and(*still)
    if cells.ndim != latents.ndim - 1:
        return "its tokens have no axis for the codebooks"
    # A cell of latents moves only if all of its tokens stay.
    latents_still = np.kron(cells, np.ones((1, quantizer.cell, quantizer.cell)))
    step = step * latents_still[..., None]
    ahead, behind = called(1), called(-1)
    if not (np.array_equal(ahead.tokens, behind.tokens) and step.any()):
        return "no latent keeps its tokens along a small step"
    slope = float(ahead.commitment_loss - behind.commitment_loss) / 2
    copy_state(start, quantizer)
    gradient, _ = gradients(quantizer, latents, lambda q: q.commitment_loss)
    predicted_change = float((gradient * step).sum())
    rounding = 2e-7 * max(1.0, abs(float(ahead.commitment_loss)))
    require(
        abs(slope - predicted_change) <= 0.02 * abs(slope) + rounding,
        f"along a small step the commitment loss changes by {slope:.3g}, and its gradient "
        f"predicts {predicted_change:.3g}: take each level's residual from z - stop_gradient(e), not from "
        "the straight-through latents",
    )
    return None


def codebook_loss_moves_the_codebook_alone(factory: Factory) -> None:
    """The codebook loss moves codes to latents and moves no latent.

    Codes without a codebook loss are moved by the gradient of the reconstruction.
    """
    quantizer = ready(factory)
    latents, others = gradients(quantizer, random_latents(), lambda q: q.codebook_loss)
    require(
        not latents.any(),
        "the codebook loss moves the latents: take (stop_gradient(z) - e)^2",
    )
    quantizer = ready(factory)
    _, rebuilt = gradients(quantizer, random_latents(), _reconstruction)
    for path in _code_paths(quantizer):
        require(
            others[path].any() or rebuilt[path].any(),
            f"neither the codebook loss nor the reconstruction moves {path}: take "
            "(stop_gradient(z) - e)^2 with e before the straight-through sum",
        )


def a_code_has_one_gradient(factory: Factory) -> None:
    """The first step of Adam moves no code further than the learning rate."""
    quantizer = ready(factory)
    adam = keras.optimizers.Adam
    objective = lambda q: total_loss(q) + _reconstruction(q)  # noqa: E731
    _, moved = gradients(quantizer, random_latents(), objective, step=0.01, kind=adam)
    for path in _code_paths(quantizer):
        longest = np.abs(moved[path]).max()
        require(
            longest <= 1.01,
            f"the first step of Adam on {path} is {longest:.3g} times the learning rate: "
            "the gradient is sparse and lists a code once a latent; look up 1.0 * vectors "
            "to make it dense",
        )


def losses_are_means(factory: Factory) -> None:
    """A batch that is repeated has the same losses, to 1e-5; with noise, to 30 %."""
    first, again, twice = (ready(factory) for _ in range(3))
    for copied in (again, twice):
        copy_state(first, copied)
    draws = any("seed_generator" in variable.path for variable in first.variables)
    tolerance = 0.3 if draws else 1e-5
    once = _losses(first, random_latents())
    side = max(2, first.cell)
    smaller = random_latents().reshape(-1, side, side, CHANNELS)
    dealt = _losses(again, smaller)["auxiliary_loss"]
    require(
        np.isclose(dealt, once["auxiliary_loss"], rtol=10 * tolerance, atol=1e-6),
        f"auxiliary_loss goes from {once['auxiliary_loss']:.6g} to {dealt:.6g} when the "
        "same latents come as more, smaller images: average over positions too, not over "
        "the batch alone",
    )
    repeated = _losses(twice, np.concatenate([random_latents()] * 2))
    for name, value in once.items():
        require(
            np.isclose(repeated[name], value, rtol=tolerance, atol=1e-7),
            f"{name} goes from {value:.6g} to {repeated[name]:.6g} when the batch is "
            "repeated: take the mean over all elements, not a sum",
        )


def half_precision_chooses_the_same_codes(factory: Factory) -> None:
    """Latents in 16 bits get the tokens that the same values get in 32 bits."""
    # 16-bit distances lose their digits to an offset that all latents share.
    latents = 3 + 0.5 * random_latents((4, 16, 16, CHANNELS))
    quantizer = built(factory)
    initialize(quantizer, latents[:1])
    for dtype in ("float16", "bfloat16"):
        low = ops.cast(ops.convert_to_tensor(latents), dtype)
        found = ops.convert_to_numpy(quantizer(low, training=False).tokens)
        right = quantizer(ops.cast(low, "float32"), training=False).tokens
        share = (found == ops.convert_to_numpy(right)).mean()
        require(
            share >= 0.999,
            f"only {share:.1%} of the tokens of {dtype} latents are those of float32: "
            "cast latents to float32 before the search",
        )


def a_mixed_policy_changes_nothing(factory: Factory) -> None:
    """Built and called under mixed_bfloat16, it gives what it gives in float32."""
    # Both are copies: state outside variables is checked elsewhere.
    start, right, mixed = ready(factory), built(factory), factory()
    with policy("mixed_bfloat16"):
        mixed.build((None, *SHAPE[1:]))
    for copied in (right, mixed):
        copy_state(start, copied)
    aims = [outcome(right, random_latents(), training) for training in (False, True)]
    with policy("mixed_bfloat16"):
        latents = ops.convert_to_tensor(random_latents())
        with explained("under mixed_bfloat16 it fails", _IN_FLOAT32):
            found = [mixed(latents, training=training) for training in (False, True)]
    for called, aim in zip(found, aims, strict=True):
        for name, value in zip(Quantized._fields, called, strict=True):
            dtype = keras.backend.standardize_dtype(ops.convert_to_tensor(value).dtype)
            wanted = "int32" if name == "tokens" else "float32"
            require(
                dtype == wanted
                and np.allclose(arrays(value), getattr(aim, name), 1e-5, 1e-6),
                f"under mixed_bfloat16 {name} is {dtype}, or differs from float32: "
                f"{_IN_FLOAT32}",
            )


_IN_FLOAT32 = "give layers inside dtype float32, and cast nothing to the policy"


def odd_inputs_stay_finite(factory: Factory) -> None:
    """One image, odd sizes, constant and huge latents give finite codes in range."""
    quantizer = built(factory)
    inputs = {
        "a single odd grid": random_latents(grid_of(quantizer, 3, 5)),
        "a single position": random_latents(grid_of(quantizer, 1, 1)),
        "constant latents": np.zeros(SHAPE, "float32"),
        "latents of size 1e4": 1e4 * random_latents(),
    }
    for name, latents in inputs.items():
        for training in (False, True):
            quantizer = ready(factory)
            found = outcome(quantizer, latents, training)
            values = [found.latents, *found[2:], *state(quantizer).values()]
            require(
                all(np.isfinite(value).all() for value in values),
                f"{name} give values that are not finite: divide by no count or norm that "
                "may be 0",
            )
            require(
                _in_range(found.tokens, quantizer)
                and found.latents.shape == latents.shape,
                f"{name} give tokens out of range or latents of another shape",
            )


def same_seed_gives_the_same_codes(factory: Factory) -> None:
    """Two quantizers with the same constructor arguments are equal bit by bit."""
    first, second = (_without_weights(factory) for _ in range(2))
    require(
        not changed(first, second),
        f"two fresh quantizers differ in {', '.join(changed(first, second))}: draw "
        "their vectors from the seed that the engine supplies",
    )


def state_is_all_in_variables(factory: Factory) -> None:
    """A fresh quantizer with the variables of a trained one gives the same results."""
    trained, fresh = ready(factory), built(factory)
    paths = [[each.path for each in q.variables] for q in (trained, fresh)]
    require(
        paths[0] == paths[1],
        "two quantizers of one class have variables of different names: give each "
        "add_weight and each layer inside a name, or no checkpoint fits",
    )
    for seed in range(3):
        train(trained, random_latents(seed=seed))
    copy_state(trained, fresh)
    for training in (False, True):
        require_same(
            outcome(trained, random_latents(seed=3), training),
            outcome(fresh, random_latents(seed=3), training),
            "a quantizer with copied variables gives other results: keep all state in "
            "variables (add_weight), or a resumed run differs",
        )


def variables_have_names_of_their_own(factory: Factory) -> None:
    """No two variables have the same path, by which checkpoints find them."""
    require_own_names(
        built(factory),
        "name them apart, and make and build each copy of a wrapped quantizer within a "
        "keras.name_scope of its own",
    )


def compiles(factory: Factory) -> None:
    """Symbolic and compiled calls work, with the same codes as eager calls."""
    eager, compiled = ready(factory), ready(factory)
    copy_state(eager, compiled)
    before = [ops.convert_to_numpy(each).copy() for each in eager.variables]
    with compiling():
        compiled.compute_output_spec(keras.KerasTensor(SHAPE, "float32"))
        found = predicted(compiled, random_latents())
        gradients(compiled, random_latents(), total_loss, compiled=True)
    right = outcome(eager, random_latents())
    train(eager, random_latents())
    require(
        np.mean(found.tokens == right.tokens) >= 0.99,
        "the compiled call chooses other codes than the eager one",
    )
    for a, b, start in zip(eager.variables, compiled.variables, before, strict=True):
        aim, found_there = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        # Rounding decides for a latent halfway between two codes, which moves both a little.
        missed = np.linalg.norm(1.0 * aim - found_there)
        require(
            np.allclose(aim, found_there, rtol=1e-4, atol=1e-5)
            or missed <= 0.1 * np.linalg.norm(1.0 * aim - start),
            f"a compiled step gives {a.path} another value than an eager one: assign the "
            "variable instead of replacing it",
        )


CHECKS = (*checks_in(globals()), *codebook.CHECKS)


def _require_embedded(quantizer: Quantizer, found: Quantized) -> None:
    with explained(
        f"embed() fails on tokens of shape {tuple(found.tokens.shape)}",
        "take (batch, *positions, num_codebooks), of any size",
    ):
        embedded = ops.convert_to_numpy(quantizer.embed(found.tokens))
    require(
        np.array_equal(ops.convert_to_numpy(found.latents), embedded),
        "outside training the latents are not embed(tokens): return the codes "
        "themselves, not z + (e - z), with the same projection as in embed()",
    )


def _require_enough_bits(quantizer: Quantizer) -> None:
    bits = quantizer.bits_per_position
    most = sum(math.log2(size) for size in quantizer.vocabulary)
    repair = "override bits_per_position only where tokens exclude each other"
    require(
        0 <= bits <= most * (1 + 1e-6),
        f"bits_per_position is {bits:.6g}, and the vocabulary {quantizer.vocabulary} has "
        f"{most:.6g} bits: {repair}",
    )
    if math.isclose(bits, most, rel_tol=1e-6):
        return
    alone = random_latents(grid_of(quantizer, 1, 1, images=256))
    tokens = outcome(quantizer, alone).tokens.reshape(256, -1)
    count = len(np.unique(tokens, axis=0))
    require(
        count <= 2**bits * (1 + 1e-6),
        f"{count} different tokens occur at one position, and {bits:.6g} bits have "
        f"{2**bits:.6g} values: {repair}",
    )


def _reconstruction(quantized: Quantized) -> Any:
    """A reconstruction loss, with the identity as decoder and ones as image."""
    return ops.mean(ops.square(quantized.latents - 1.0))


def _losses(quantizer: Quantizer, latents: Floats) -> dict[str, float]:
    found = outcome(quantizer, latents, training=True)
    names = ("codebook_loss", "commitment_loss", "auxiliary_loss")
    return {name: float(getattr(found, name)) for name in names}


def _in_range(tokens: Any, quantizer: Quantizer) -> bool:
    found = ops.convert_to_numpy(tokens)
    return bool((found >= 0).all() and (found < np.array(quantizer.vocabulary)).all())


def _code_paths(quantizer: Quantizer) -> list[str]:
    """Paths of the trained variables that are codes.

    Without codebooks these are all trained weights but those of linear maps.
    """
    books = books_of(quantizer)
    if books or isinstance(quantizer, CodebookQuantizer):
        return [each.path for book in books for each in book.variables]
    maps = {weight.path for layer in _maps(quantizer) for weight in layer.variables}
    return [w.path for w in quantizer.trainable_variables if w.path not in maps]


def _maps(quantizer: Quantizer) -> list[keras.layers.Layer]:
    """The linear maps of a quantizer."""
    layers = quantizer._flatten_layers(include_self=False)
    return [layer for layer in layers if isinstance(layer, keras.layers.Dense)]


def _searches_the_latents(quantizer: Quantizer) -> bool:
    """Whether codes and latents have one space: one book, no projection."""
    books = books_of(quantizer)
    if not books:
        return not _maps(quantizer)
    if len(books) != 1:
        return False
    codes = np.arange(quantizer.vocabulary[0], dtype="int32").reshape(1, 1, -1, 1)
    embedded = ops.convert_to_numpy(quantizer.embed(ops.convert_to_tensor(codes)))
    vectors = books[0].vectors
    return embedded[0, 0].shape == vectors.shape and np.allclose(embedded, vectors)


def _without_weights(factory: Factory) -> dict[str, Any]:
    """The state of a fresh quantizer before it is built, which its seed decides."""
    quantizer: Quantizer = factory()
    own = state(quantizer)
    return (
        own if own else {"latents": outcome(ready(factory), random_latents()).latents}
    )
