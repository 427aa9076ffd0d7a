"""The corpus of broken experiments: how a case is read, run and written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vqfw.errors import ExperimentError, Problem
from vqfw.experiment import load_experiment
from vqfw.problems.printing import render

CORPUS = Path(__file__).parent / "corpus"


@dataclass
class Case:
    """One broken experiment.

    Args:
        theme: the file that it stands in.
        name: what is wrong.
        overrides: ``--set`` arguments.
        files: content by name; ``experiment.json`` is the one that is loaded.
        marks: what each problem must underline, in the order of the problems.
        printed: what is printed, with the lists of what is installed left out.
    """

    theme: str
    name: str
    overrides: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    printed: str = ""

    def problems(self, folder: Path) -> tuple[Problem, ...]:
        """What is found wrong, with the files written below ``folder``."""
        for name, content in self.files.items():
            (folder / name).write_text(content, "utf-8", newline="")
        before = Path.cwd()
        os.chdir(folder)
        try:
            return load_experiment("experiment.json", self.overrides).warnings
        except ExperimentError as error:
            return error.problems
        finally:
            os.chdir(before)

    def text_at(self, problem: Problem) -> str:
        """The characters that a problem's place points at."""
        place = problem.place
        assert place is not None
        if not place.line:
            return place.excerpt[place.column - 1 :][: place.length]
        lines = re.split(r"\r\n|\r|\n", self.files[place.source])
        assert lines[place.line - 1] == place.excerpt
        return lines[place.line - 1][place.column - 1 :][: place.length]


def read_corpus() -> Iterator[Case]:
    """All cases, in the order of the files."""
    for path in sorted(CORPUS.glob("*.txt")):
        for block in re.split(r"^=== ", path.read_text("utf-8"), flags=re.M)[1:]:
            name, _, rest = block.partition("\n")
            yield _case(path.stem, name, rest)


def _case(theme: str, name: str, text: str) -> Case:
    head, *parts = re.split(r"^--- (.*)\n", text, flags=re.M)
    case = Case(theme, name)
    case.overrides = [line[6:] for line in head.splitlines()]
    for title, content in zip(parts[::2], parts[1::2], strict=True):
        if title == "marks":
            case.marks = content.split("\n")[:-1]
        elif title == "printed":
            case.printed = content.strip("\n")
        else:
            case.files[title] = content
    return case


def printed(problems: tuple[Problem, ...]) -> str:
    """What is printed, without the lists that grow with every new component."""
    text = render(problems, color=False)
    text = re.sub(r"\(vqfw [^ )]+\) accepts", "accepts", text)
    text = re.sub(r"(accepts|installed:) .*", r"\1 ...", text)
    return re.sub(r'(one of|"type":) ([\w/]+, )+[\w/]+', r"\1 ...", text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that takes a ``case`` once for each."""
    if "case" in metafunc.fixturenames:
        cases = list(read_corpus())
        names = [f"{each.theme}: {each.name}" for each in cases]
        metafunc.parametrize("case", cases, ids=names)


@pytest.fixture(scope="session")
def corpus() -> list[Case]:
    return list(read_corpus())


@pytest.fixture
def shown() -> Callable[[tuple[Problem, ...]], str]:
    return printed
