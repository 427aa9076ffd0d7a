"""What was probably meant: the nearest word, and where a key that is wrong here is right.

It proposes, nothing more: no value of an experiment is ever changed by a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from vqfw.errors import dotted
from vqfw.problems.synonyms import bare, is_called
from vqfw.schema.layers import default_of
from vqfw.schema.shape import Shape
from vqfw.text.tree import Node


def suggestions(word: str, known: Iterable[str]) -> list[str]:
    """The known words that a word was probably meant to be, the best first.

    At most three; several only where they are equally near.

    >>> suggestions("num_embedings", ["num_embeddings", "embedding_dim"])
    ['num_embeddings']
    """
    ranked = sorted(
        (cost, -SequenceMatcher(None, word, each).ratio(), each)
        for each in known
        if (cost := _cost(word, each)) is not None
    )
    return [each for cost, _, each in ranked if cost == ranked[0][0]][:3]


def near(word: str, known: Iterable[str]) -> list[str]:
    """Like ``suggestions``, but only what is a slip of the keyboard away."""
    return [each for each in suggestions(word, known) if (_cost(word, each) or 0) <= 1]


def _cost(word: str, meant: str) -> float | None:
    """How far a word is from what was meant; None where it is something else."""
    given, wanted = bare(word), bare(meant)
    if not given:
        return None
    if given == wanted:
        return 0.5
    if is_called(word, meant):
        return 0.8
    edits = distance(given, wanted)
    if edits <= max(1, len(wanted) // 3):
        return float(edits)
    initials = "".join(part[0] for part in meant.split("_") if part)
    if len(given) >= 2 and (given == initials or wanted.startswith(given)):
        return 4.0
    if len(given) >= 4 and given in wanted:
        return 4.2
    if len(wanted) >= 4 and given.startswith(wanted):
        return 4.5
    return None


def distance(one: str, other: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours between two words.

    Source: optimal string alignment, Boytsov 2011, section 2.2.1,
    https://doi.org/10.1145/1963190.1963191
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, left in enumerate(one):
        row = [i + 1]
        for j, right in enumerate(other):
            cost = min(above[j + 1] + 1, row[j] + 1, above[j] + (left != right))
            if i and j and left == other[j - 1] and one[i - 1] == right:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def alternatives(words: Iterable[str]) -> str:
    """``"a" or "b"``."""
    return " or ".join(f'"{word}"' for word in words)


def owners(key: str, shape: Shape) -> list[tuple[str, str]]:
    """The components, by kind and name, that have a key among their own options."""
    pairs = ((name.partition("."), each) for name, each in shape.root["$defs"].items())
    return [
        (kind, name)
        for (kind, dot, name), fragment in pairs
        if dot and key != "type" and key in fragment["properties"]
    ]


def homes(key: str, root: Node, shape: Shape) -> list[str]:
    """The places in this experiment where a key would be right, as dotted paths.

    Those in the engine's own sections come before those in components.
    """
    paths = [
        (path, key)
        for path, options in _containers(root, shape, ())
        if key in options and key != "type"
    ]
    paths.sort(key=lambda each: _in_component(shape, root, each[0]))
    return [dotted((*path, key)) for path, key in paths]


def _in_component(shape: Shape, root: Node, path: tuple[str | int, ...]) -> bool:
    here = shape.along(root, path)
    return here is not None and here.kind is not None


def keys_anywhere(root: Node, shape: Shape) -> set[str]:
    """Every key that would be right somewhere in this experiment."""
    return {key for _, options in _containers(root, shape, ()) for key in options}


def _containers(
    node: Node, shape: Shape, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], frozenset[str]]]:
    """All objects of the experiment whose keys are known, the outermost first."""
    options = shape.options(node)
    if options is not None:
        yield path, frozenset(options)
    for key, below in (options or {}).items():
        child, steps = node.down((key,))
        # A section or a component that the file leaves out could still be written.
        if not steps:
            child = default_of(below) or Node({}, node.place)
        if isinstance(child.value, dict) and (below.kind is None or child.value):
            yield from _containers(child, below, (*path, key))
