"""Groups and official splits from names alone: the folders of each picture.

For datasets whose records name no group. No group is put into a split here, and no file
is opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vqfw.kinds.dataset import Split

OFFICIAL: Mapping[str, Split] = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""Names of folders, in lower case, that are the split of their pictures."""

_NAMED = 3  # examples that a note gives
_TRAIN_ALONE = (
    "a folder called train is no split here, because no folder is called val, valid, "
    "validation or test: its pictures are divided like all others"
)
_NO_EFFECT = '"data.group_level" has no effect: the dataset names the groups itself'
_ORDINALS = ("", "first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class Grouping:
    """The group of each picture, and the rule that named it.

    Args:
        groups: (n,) a group each.
        official: (n,) the split that a list or a folder gives, or None.
        rule: how the groups are named, in words.
        folders: groups that are named after folders; None where the dataset names them.
        official_folders: the folders taken as splits, as they are written.
        notes: on the names, a sentence each.
    """

    groups: tuple[str, ...]
    official: tuple[Split | None, ...]
    rule: str
    folders: int | None
    official_folders: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def grouped(
    ids: Sequence[str],
    groups: Sequence[str | None],
    official: Sequence[Split | None],
    level: int | None,
) -> Grouping:
    """The group of each picture: the one that the dataset names, else a folder.

    Levels are counted below the deepest folder above all pictures that are in folders, so
    that the wrapper of an archive is no group, whether or not a picture lies beside it.
    The first folder called train, val, valid, validation or test, in any case, is the
    split of a picture and no level; where all of them are called train, they are ordinary
    folders. The name of a group is the path down to its level. A picture outside of any
    folder is a group of its own.

    Args:
        ids: (n,) relative paths with forward slashes.
        groups: (n,) as the dataset names them; None to take the folder.
        official: (n,) splits that the dataset gives, or None.
        level: the folder that is the group; 1 is the first. None takes the bare name of
            the picture's own folder, and no official folders.

    >>> names = ["set/anna/front/1.png", "set/anna/side/1.png", "set/ben/front/1.png"]
    >>> grouped(names, [None] * 3, [None] * 3, level=1).groups
    ('anna', 'anna', 'ben')
    >>> names = ["set/train/anna/1.png", "set/val/ben/1.png"]
    >>> grouped(names, [None] * 2, [None] * 2, level=1).official
    ('train', 'validation')
    """
    unnamed = [row for row, group in enumerate(groups) if group is None]
    if not unnamed:
        named_groups = tuple(group for group in groups if group is not None)
        notes = () if level == 1 else (_NO_EFFECT,)
        rule = "as the dataset names them"
        return Grouping(named_groups, tuple(official), rule, None, notes=notes)
    names = list(groups)
    splits = list(official)
    notes = ()
    paths = {row: tuple(ids[row].split("/")[:-1]) for row in unnamed}
    if level is None:
        for row in unnamed:
            names[row] = last_folder(ids[row])
        folders = {last_folder(ids[row]) for row in unnamed if "/" in ids[row]}
        rule = "from the name of the folder that holds the picture"
        named: tuple[str, ...] = ()
    else:
        above, paths = _below_root(paths)
        root = "/".join(above)
        named = tuple(sorted({each for path in paths.values() for each in _of(path)}))
        if named and {OFFICIAL[each.casefold()] for each in named} == {"train"}:
            named, notes = (), (_TRAIN_ALONE,)
        if named:
            for row, path in paths.items():
                if splits[row] is None:
                    for folder in _of(path):
                        splits[row] = OFFICIAL[folder.casefold()]
            below, paths = _below_root({row: _without(p) for row, p in paths.items()})
            root = "/".join((*above, *below))
        for row, path in paths.items():
            names[row] = "/".join(path[:level]) or ids[row]
        folders = {"/".join(path[:level]) for path in paths.values()} - {""}
        rule = f"from {_ordinal(level)} folder" + (f" below {root!r}" if root else "")
    if not folders:
        rule = "each picture by itself"
    return Grouping(
        tuple(str(group) for group in names),
        tuple(splits),
        rule,
        len(folders),
        named,
        (*notes, *_repeated(paths.values(), level), *_short(paths.values(), level)),
    )


def last_folder(name: str) -> str:
    """The name of the folder that holds a picture, or the picture's own at the top.

    >>> last_folder("holiday/anna/one.jpg"), last_folder("one.jpg")
    ('anna', 'one.jpg')
    """
    return name.rpartition("/")[0].rpartition("/")[2] or name


def _below_root(
    paths: Mapping[int, tuple[str, ...]],
) -> tuple[tuple[str, ...], dict[int, tuple[str, ...]]]:
    """The deepest folder above all pictures in folders, and their paths below it.

    A picture outside of that folder is in no folder. Beside such a picture, a folder that
    holds no other folder is a group, and an official one a split: neither is passed.
    """
    root: tuple[str, ...] = ()
    inside = [path for path in paths.values() if path]
    loose = len(inside) < len(paths)
    while inside and len({path[0] for path in inside}) == 1:
        has_folders = any(path[1:] for path in inside)
        if loose and (not has_folders or inside[0][0].casefold() in OFFICIAL):
            break
        root = (*root, inside[0][0])
        below = [path[1:] for path in inside if path[1:]]
        loose = loose or len(below) < len(inside)
        inside = below
    return root, {row: path[len(root) :] for row, path in paths.items()}


def _of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The first folder of a path that is a split, if there is one."""
    return tuple(each for each in path if each.casefold() in OFFICIAL)[:1]


def _without(path: tuple[str, ...]) -> tuple[str, ...]:
    for folder in _of(path):
        at = path.index(folder)
        return path[:at] + path[at + 1 :]
    return path


def _ordinal(level: int) -> str:
    if level < len(_ORDINALS):
        return f"the {_ORDINALS[level]}"
    return f"the {level}th"


def _repeated(paths: Iterable[tuple[str, ...]], level: int | None) -> Iterator[str]:
    """A note on group names that several folders have."""
    parents: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        group = path if level is None else path[:level]
        if group:
            parents[group[-1]].add("/".join(group[:-1]))
    repeated = sorted(name for name, above in parents.items() if len(above) > 1)
    if not repeated:
        return
    first = repeated[0]
    above = sorted(parents[first])
    more = f", and {len(above) - _NAMED:,} more" if len(above) > _NAMED else ""
    others = f" and {len(repeated) - 1:,} other names too" if repeated[1:] else ""
    kept = "they are one group" if level is None else "each is a group of its own"
    yield (
        f"the group name {first!r} is in several folders "
        f"({', '.join(repr(each) for each in above[:_NAMED])}{more}){others}: {kept}; "
        'set "data.group_level" to choose another folder'
    )


def _short(paths: Iterable[tuple[str, ...]], level: int | None) -> Iterator[str]:
    """A note on pictures above the level."""
    count = sum(0 < len(path) < level for path in paths) if level else 0
    if count:
        pictures = "picture lies" if count == 1 else "pictures lie"
        yield (
            f"{count:,} {pictures} in fewer than {level} folders: the folder that holds "
            "a picture is its group"
        )
