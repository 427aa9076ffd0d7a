"""Prints the corpus anew: ``python tests/errors/rewrite.py``; then read the difference.

Only what is printed is rewritten. What each problem must underline stays as a person
wrote it.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from conftest import CORPUS, Case, printed, read_corpus


def rewritten(case: Case) -> str:
    """A case as its file has it, with what is printed now."""
    with tempfile.TemporaryDirectory() as folder:
        case.printed = printed(case.problems(Path(folder)))
    parts = [f"=== {case.name}", *(f"--set {each}" for each in case.overrides)]
    for name, content in case.files.items():
        parts.append(f"--- {name}\n{content.removesuffix(chr(10))}")
    parts += ["--- marks", *case.marks, f"--- printed\n{case.printed}\n"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    themes: dict[str, list[str]] = defaultdict(list)
    for each in read_corpus():
        themes[each.theme].append(rewritten(each))
    for theme, cases in themes.items():
        (CORPUS / f"{theme}.txt").write_text("".join(cases), "utf-8")
