"""The checks of codebooks: their initialization, training and revival.

Most are skipped, with the reason, where the quantizer has no codebooks.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from vqfw.kinds import CodebookQuantizer, Quantizer
from vqfw.kinds.tensors import Floats
from vqfw.testing.check import Factory, checks_in, explained, require
from vqfw.testing.probe import copy_state, descend, state
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
    train,
)


def unused_codes_keep_their_vectors(factory: Factory) -> str | None:
    """Training steps do not move codes that no latent chose."""
    quantizer = ready(factory)
    books = books_of(quantizer)
    if not books:
        return "it hands out no codebooks"
    before = [book.vectors.copy() for book in books]
    chosen: list[set[int]] = [set() for _ in before]
    # Latents of few places, so that most codes are unused whatever the book is.
    latents = np.tile(random_latents((1, 1, 2, CHANNELS)), (2, 4, 2, 1))
    for steps in (1, 1, 1, 20):
        seen = [outcome(quantizer, latents, training=True) for _ in range(steps)]
        # The next training step chooses the tokens that evaluation chooses now.
        seen.append(outcome(quantizer, latents))
        for tokens in (each.tokens.reshape(-1, len(chosen)) for each in seen):
            for level, used in enumerate(chosen):
                used.update(np.unique(tokens[:, level]).tolist())
        train(quantizer, latents)
    for book, old, used in zip(books, before, chosen, strict=True):
        unused = [code for code in range(len(old)) if code not in used]
        require(
            np.allclose(book.vectors[unused], old[unused], rtol=1e-5, atol=1e-7),
            "unused codes have moved: sums and counts must start and shrink together, "
            "without smoothing of one of them",
        )
    return None


def replaced_codes_survive_a_step(factory: Factory) -> str | None:
    """A code that revival wrote is still there after the next training step."""
    quantizer = ready(factory)
    books = books_of(quantizer)
    if not books:
        return "it hands out no codebooks"
    train(quantizer, random_latents())
    for book in books:
        old = book.vectors.copy()
        mask = np.arange(len(old)) % 4 == 1
        # Far from every latent and from each other, so that none is chosen and moved.
        far = 100 * (1 + np.arange(len(old)))[:, None]
        placed = (old + far).astype("float32")
        book.replace(placed, mask)
        require(
            np.allclose(book.vectors[~mask], old[~mask], rtol=1e-5)
            and _same_or_of_length_one(book.vectors[mask], placed[mask]),
            "replace() wrote rows outside of its mask, or other vectors than the given ones",
        )
    written = [book.vectors.copy() for book in books]
    train(quantizer, _choosing_none_of_the_replaced(quantizer))
    for book, placed in zip(books, written, strict=True):
        mask = np.arange(len(placed)) % 4 == 1
        require(
            np.allclose(book.vectors[mask], placed[mask], rtol=1e-5),
            "a replaced code is lost after one training step: replace() must write the sums "
            "and counts of the moving average",
        )
    return None


def few_latents_are_enough_to_begin(factory: Factory) -> str | None:
    """``initialize`` works with fewer latents than codes, and leaves no code undefined."""
    quantizer = built(factory)
    if not isinstance(quantizer, CodebookQuantizer):
        return "its codes are not placed on latents"
    shapes = [book.vectors.shape for book in quantizer.codebooks]
    for count in (5, 1):
        with explained(
            f"initialize() fails with {count} cells of latents",
            "repeat latents until every code has one",
        ):
            few = random_latents(grid_of(quantizer, 1, 1, count), seed=3)
            quantizer.initialize(few, seed=0)
        require(
            all(
                book.vectors.shape == shape and np.isfinite(book.vectors).all()
                for book, shape in zip(quantizer.codebooks, shapes, strict=True)
            ),
            f"initialize() with {count} cells of latents leaves codes that are missing or not "
            "finite: repeat latents until every code has one",
        )
    return None


def training_moves_the_codes(factory: Factory) -> str | None:
    """Two training steps change the embedded tokens, where there is anything to learn."""
    quantizer = ready(factory)
    learns = quantizer.trainable_variables or isinstance(quantizer, CodebookQuantizer)
    if not learns:
        return "it has nothing to learn"
    latents = _clusters()
    tokens = ops.convert_to_tensor(outcome(quantizer, latents).tokens)
    before = ops.convert_to_numpy(quantizer.embed(tokens))
    descend(quantizer, latents, rebuilding(latents), steps=2)
    require(
        not np.array_equal(ops.convert_to_numpy(quantizer.embed(tokens)), before),
        "two training steps moved no code: make the codes with add_weight, and move them "
        "by a loss or a moving average",
    )
    return None


def recent_latents_are_kept_in_training(factory: Factory) -> str | None:
    """Each book has latents of the last training steps, in the space of its codes."""
    quantizer = ready(factory)
    if not isinstance(quantizer, CodebookQuantizer):
        return "it hands out no codebooks"
    outcome(quantizer, random_latents())
    require(
        not any(len(book.recent_latents) for book in quantizer.codebooks),
        "there are recent latents before any training call: keep those of training calls "
        "only",
    )
    # More latents in one step than revival will ever ask for.
    for latents in (random_latents(), random_latents((512, 4, 4, CHANNELS))):
        outcome(quantizer, latents, training=True)
        for book in quantizer.codebooks:
            recent, width = book.recent_latents, book.vectors.shape[1]
            require(
                recent.ndim == 2 and len(recent) > 0 and recent.shape[1] == width,
                f"recent latents have shape {recent.shape} instead of (n, {width})",
            )
            require(
                np.isfinite(recent).all() and recent.any(axis=1).all(),
                "recent latents have rows of zeros or not finite ones: return filled rows only",
            )
    return None


def initialization_finds_the_latents(factory: Factory) -> str | None:
    """``initialize`` places codes on latents, repeatably by its seed."""
    quantizer, again = built(factory), built(factory)
    if not books_of(quantizer):
        return "its codes are not placed on latents"
    copy_state(quantizer, again)
    latents = _clusters()
    before = _squared_error(quantizer, latents)
    for each in (quantizer, again):
        initialize(each, latents)
    after = _squared_error(quantizer, latents)
    require(
        after < 0.5 * before,
        f"initialize() took the squared error from {before:.4g} to {after:.4g}: place "
        "the codes on the latents that it is given",
    )
    books = zip(books_of(quantizer), books_of(again), strict=True)
    require(
        all(np.array_equal(a.vectors, b.vectors) for a, b in books),
        "initialize() gave two different books for one seed: use the seed in every draw",
    )
    train(quantizer, latents, lambda q: ops.zeros(()))
    later = _squared_error(quantizer, latents)
    require(
        later < 1.1 * after + 1e-6,
        f"one training step raised the squared error from {after:.4g} to {later:.4g}: "
        "initialize sums and counts together (sums = vectors * counts)",
    )
    return None


CHECKS = checks_in(globals())


def _clusters() -> Floats:
    """Latents around four places far from the origin: (4, 4, 4, channels)."""
    places = 3 * random_latents((4, 1, 1, CHANNELS), seed=4)
    return places + 0.1 * random_latents((4, 4, 4, CHANNELS), seed=5)


def _squared_error(quantizer: Quantizer, latents: Floats) -> float:
    """The squared error of latents, in the space of the search."""
    found = outcome(quantizer, latents)
    if float(found.commitment_loss) or not isinstance(quantizer, CodebookQuantizer):
        return float(found.commitment_loss)
    # Without a commitment loss: the recent latents of a training step are in that space.
    book = quantizer.codebooks[0]
    before = state(quantizer)
    outcome(quantizer, latents, training=True)
    searched = book.recent_latents[: latents[..., 0].size]
    for variable in quantizer.variables:
        variable.assign(before[variable.path])
    gaps = np.square(searched[:, None] - book.vectors).sum(axis=-1)
    return float(gaps.min(axis=1).mean())


def _same_or_of_length_one(found: Floats, given: Floats) -> bool:
    """Whether codes are the given ones, or these scaled to length one."""
    scaled = given / np.linalg.norm(given, axis=-1, keepdims=True)
    return np.allclose(found, given, rtol=1e-5) or np.allclose(found, scaled, atol=1e-5)


def _choosing_none_of_the_replaced(quantizer: Quantizer) -> Floats:
    """A batch of one cell of latents that choose no code with a position of 1 modulo 4."""
    batch, rows, columns, _ = SHAPE
    cell = quantizer.cell
    for latents in random_latents(grid_of(quantizer, 1, 1, 32)):
        tiled = np.tile(latents, (batch, rows // cell, columns // cell, 1))
        if (outcome(quantizer, tiled).tokens % 4 != 1).all():
            return tiled
    raise AssertionError(
        "all latents choose codes that replace() put far from all of them"
    )
