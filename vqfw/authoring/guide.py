"""Writes the pages that show the code of the template and the contracts.

    python -m vqfw.authoring.guide

run in a checkout, writes a page for each kind of component and the reference of
``vqfw.kinds`` into ``plugins/README.md``, below what is written there by hand, and the part of
``README.md`` between its markers.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

from vqfw.authoring.kinds_reference import reference
from vqfw.authoring.template import example, promised, setting, template_kinds
from vqfw.kinds.catalog import OBSERVER

NAME = "mine"
"""The name of the examples."""

MARK = "<!-- the rest is written by: python -m vqfw.authoring.guide -->\n"
"""Ends the part of ``plugins/README.md`` that is written by hand."""


def guide_page(page: str) -> str:
    """The text of ``plugins/README.md``: its part by hand, a page a kind, the reference.

    Args:
        page: as it is; the part below the mark is replaced.
    """
    head = page.partition(MARK)[0]
    kinds = [kind for kind in template_kinds() if kind != OBSERVER]
    links = " · ".join(f"[{kind}](#{kind})" for kind in (*kinds, "reference"))
    pages = [_page(kind) for kind in kinds]
    intro = (
        "All that `from vqfw.kinds import ...` gives, by the file that defines it.\n"
    )
    parts = [head + MARK, f"{links}\n", *pages, "## reference\n", intro, reference()]
    return "\n".join(parts)


def blocks(kind: str) -> str:
    """The code of the example of a kind and its metadata, as Markdown."""
    code, metadata = example(kind, NAME)
    project = metadata.partition("[project]\n")[2]
    return f"```python\n{code}```\n\n```toml\n[project]\n{project}```\n"


def inserted(text: str) -> str:
    """A text with the code of the examples between their markers.

    Args:
        text: Markdown with ``<!-- template: KIND -->`` and ``<!-- end -->`` around the
            blocks.
    """
    marked = re.compile(r"(<!-- template: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return marked.sub(lambda found: found[1] + blocks(found[2]) + found[3], text)


def _page(kind: str) -> str:
    found, contract = promised(kind)
    module, _, name = contract.partition(":")
    text = inspect.getdoc(getattr(import_module(module), name)) or ""
    owed = re.split(r"\n(?:Args|Raises):", text)[0].replace("``", "`").strip()
    argument = setting(kind, NAME)
    argument = f"'{argument}'" if "[" in argument else argument
    return f"""\
## {kind}

{found.summary[0].upper()}{found.summary[1:]}: `{found.key}` of an experiment.

`{module}.{name}`: {owed}

{blocks(kind)}
```sh
vqfw run experiments/experiment.json --set {argument}
```
"""


def main() -> None:
    """Writes both files of the checkout that is the working folder."""
    own = Path("plugins/README.md")
    own.write_text(guide_page(own.read_text("utf-8")), "utf-8")
    readme = Path("README.md")
    readme.write_text(inserted(readme.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
