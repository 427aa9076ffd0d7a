"""Labeled Faces in the Wild, deep-funneled, with its official split by person.

The user brings the photographs; this package has only the names and counts of the official
lists. Nothing is downloaded and nothing is unpacked.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

import numpy as np

from vqfw.errors import DataError
from vqfw.kinds.dataset import Dataset, Record, Split
from vqfw.kinds.options import DataPath, Share
from vqfw_datasets import archives

# Fixed, so that all scores on LFW are of the same people. Not 0, which draws the one person
# with 530 pictures: half of the validation split would be his.
VALIDATION_SEED = 1

_PICTURE = re.compile(r"(?P<person>.+)_\d{4}\.jpg\Z")


class LFW(Dataset):
    """Labeled Faces in the Wild, deep-funneled: 13,233 colour photographs of 5,749 people.

    The archive, ``lfw-deepfunneled.tgz`` or a zip of it, is read as it is; a folder does
    too. People of the official list DevTrain are for training and validation, people of
    DevTest for the test; a copy that lacks some is used as far as it goes. Source: Huang,
    Ramesh, Berg and Learned-Miller 2007; deep funneling: Huang, Mattar, Lee and
    Learned-Miller 2012, http://vis-www.cs.umass.edu/lfw/

    Args:
        path: the folder or the archive; empty to look in the usual places.
        validation: share of DevTrain's people whose pictures are for validation; 0 to
            train on all of them.
    """

    credit: ClassVar[str] = (
        "Labeled Faces in the Wild (Huang, Ramesh, Berg and Learned-Miller 2007; "
        "deep funneling: Huang, Mattar, Lee and Learned-Miller 2012)"
    )
    usual_names: ClassVar[tuple[str, ...]] = (
        "lfw-deepfunneled.tgz",
        "lfw-deepfunneled.zip",
        "lfw-deepfunneled",
    )
    """Names of the archive or the folder to look for where no path is given."""

    def __init__(self, path: DataPath = "", validation: Share = 0.05) -> None:
        self._path = path
        self._validation = validation
        self._notes: tuple[str, ...] = ()

    @property
    def channels(self) -> Literal[1, 3]:
        """The photographs are in colour."""
        return 3

    def records(self) -> Iterator[Record]:
        """All pictures of people on the official lists, with their split.

        Raises:
            DataError: if there is nothing at the path, or nothing in LFW's layout.
        """
        split_of = self._split_of()
        found: Counter[str] = Counter()
        strangers: Counter[str] = Counter()
        others = 0
        for name, opened in archives.members(self._located()):
            person = person_of(name)
            if person is None:
                others += 1
            elif person in split_of:
                found[person] += 1
                record_id = f"{person}/{PurePosixPath(name).name}"
                yield Record(record_id, person, opened, split_of[person])
            else:
                strangers[person] += 1
        if not found:
            raise DataError(
                f"{self._path} holds {others + strangers.total():,} pictures and none of "
                "a person of LFW, which would be named Name/Name_0001.jpg: give the "
                "archive lfw-deepfunneled.tgz or the folder it unpacks to"
            )
        self._notes = _notes(found, strangers)

    def fingerprint(self) -> str:
        """The fingerprint of the files and of the share for validation.

        Raises:
            DataError: if there is nothing at the path.
        """
        of_files = archives.fingerprint(self._located())
        return hashlib.sha256(f"{of_files} {self._validation}".encode()).hexdigest()

    def notes(self) -> tuple[str, ...]:
        """The people and pictures that this copy lacks or adds."""
        return self._notes

    def _located(self) -> Path:
        if not self._path:
            names = ", ".join(self.usual_names)
            raise DataError(
                f"no path to LFW was given and none was found: put {names} into the "
                "folder that VQFW_DATA names"
            )
        return Path(self._path)

    def _split_of(self) -> Mapping[str, Split]:
        people = sorted(official("train"))
        wanted = self._validation * len(people)
        count = max(1, round(wanted)) if wanted else 0
        order = np.random.default_rng(VALIDATION_SEED).permutation(len(people))
        splits: dict[str, Split] = dict.fromkeys(people, "train")
        splits.update(dict.fromkeys(official("test"), "test"))
        splits.update((people[index], "validation") for index in order[:count])
        return splits


@cache
def official(split: Literal["train", "test"]) -> Mapping[str, int]:
    """Pictures of each person on the official list DevTrain or DevTest.

    Args:
        split: which of the two lists: 4,038 people for training, 1,711 for the test.
    """
    packed = files("vqfw_datasets").joinpath(f"lfw_dev_{split}.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    rows = (line.split("\t") for line in lines[1:] if line)
    return {name: int(count) for name, count in rows}


def person_of(name: str) -> str | None:
    """The name of the person by the path of a picture; None in another layout.

    >>> person_of("lfw-deepfunneled/AJ_Cook/AJ_Cook_0001.jpg")
    'AJ_Cook'
    """
    path = PurePosixPath(name)
    match = _PICTURE.match(path.name)
    if match is None or path.parent.name != match["person"]:
        return None
    return match["person"]


def _notes(found: Counter[str], strangers: Counter[str]) -> tuple[str, ...]:
    lists = {"DevTrain": official("train"), "DevTest": official("test")}
    people = sum(len(counts) for counts in lists.values())
    pictures = sum(sum(counts.values()) for counts in lists.values())
    notes = []
    if len(found) < people or found.total() < pictures:
        gaps = "; ".join(_gap(name, counts, found) for name, counts in lists.items())
        notes.append(
            f"{len(found):,} of {people:,} people and {found.total():,} of "
            f"{pictures:,} pictures found: {gaps}"
        )
    if strangers:
        notes.append(
            f"{len(strangers):,} people with {strangers.total():,} pictures are on "
            "neither official list and were left out"
        )
    return tuple(notes)


def _gap(name: str, counts: Mapping[str, int], found: Counter[str]) -> str:
    people = sum(person not in found for person in counts)
    pictures = sum(max(0, counts[person] - found[person]) for person in counts)
    if not pictures:
        return f"{name} is complete"
    return f"{people:,} people and {pictures:,} pictures of {name} are missing"
