"""Writes the documentation that shows the template's code, so that it never differs.

    python -m vqfw.registry.guide

run in a checkout, writes ``plugins/README.md``, a page for each kind of component, and the
part of ``README.md`` between its markers.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path

from vqfw.kinds.catalog import OBSERVER
from vqfw.registry.template import (
    example,
    promised,
    setting,
    template_kinds,
)

NAME = "mine"
"""What the examples are called."""

_HEAD = """\
# Components of your own

One page for each kind: what it is, what it owes, and the smallest one that works. The code
is that of [`template/`](template), as `vqfw plugins new KIND mine` writes it;
`python -m vqfw.registry.guide` writes this file.

| to | do |
| --- | --- |
| begin | `vqfw plugins new KIND mine` writes a package with the code, its test and its metadata |
| try it as a file | `vqfw run FILE --plugin mine.py`, without a package |
| install it | `pip install -e vqfw-mine`; from then on its name works in every experiment |
| see its options | `vqfw plugins show KIND/mine`: they are the arguments of its constructor |
| check it | `vqfw plugins check KIND/mine` runs the contract of its kind; `pytest` in its folder does too |

Annotations of `vqfw.kinds` carry type and range of an option (`Count`, `Steps`, `Share`,
`Weight`, `Positive`, or `Annotated[float, {"minimum": 0}]`), the `Args:` of the docstring its
meaning. `Seed`, `ImageShape` and `Downsampling` are supplied by the engine. An option
annotated with a contract, as in `inner: Quantizer`, takes another component.
"""


def guide() -> str:
    """The text of ``plugins/README.md``."""
    kinds = [kind for kind in template_kinds() if kind != OBSERVER]
    links = [f"[{kind}](#{kind})" for kind in kinds]
    pages = [_page(kind) for kind in kinds]
    return "\n".join([_HEAD, " · ".join(links), "", *pages])


def blocks(kind: str) -> str:
    """The code of the example of a kind and its metadata, as Markdown."""
    code, metadata = example(kind, NAME)
    project = metadata.partition("[project]\n")[2]
    return f"```python\n{code}```\n\n```toml\n[project]\n{project}```\n"


def inserted(text: str) -> str:
    """A text with the example of each kind that it has markers for.

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
    Path("plugins/README.md").write_text(guide(), "utf-8")
    readme = Path("README.md")
    readme.write_text(inserted(readme.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
