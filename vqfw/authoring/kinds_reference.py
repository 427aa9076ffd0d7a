"""The reference of ``vqfw.kinds``, written from its source: signatures, shapes, units.

Nothing is imported, so that annotations stand as they were written.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from vqfw import kinds

_BARE = ("self", "cls")
_ARRAYS = "tensors"
_SECTIONS = re.compile(r"\n(?=(?:Args|Returns|Raises|Attributes):\n)")


def reference() -> str:
    """A section for each file of contracts, and an entry for each name, as Markdown."""
    parts = [_names(_ARRAYS, "Names of arrays, as the signatures below use them", None)]
    for module, exported in kinds.HOME.items():
        parts.append(_names(module, f"`vqfw.kinds.{module}`", exported))
    return "\n".join(parts)


def _names(module: str, title: str, exported: tuple[str, ...] | None) -> str:
    lines = [f"### {title}", ""]
    body = _tree(module).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            wanted = exported is not None and node.name in exported
        else:
            name = _assigned(node)
            wanted = bool(name) and (exported is None or name in exported)
        if not wanted:
            continue
        if isinstance(node, ast.ClassDef):
            lines += _class(node)
        elif isinstance(node, ast.FunctionDef):
            lines += _function(node, "")
        else:
            lines += _value(node, _text(after), "")
    return "\n".join([*lines, ""])


def _tree(module: str) -> ast.Module:
    path = Path(kinds.__file__).with_name(f"{module}.py")
    return ast.parse(path.read_text("utf-8"))


def _class(node: ast.ClassDef) -> list[str]:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"- **`{node.name}`**" + (f" (`{bases}`): " if bases else ": ")]
    lines = _entry(lines[0], ast.get_docstring(node) or "", "", _fields(node))
    for member, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(member, ast.FunctionDef):
            is_public = not member.name.startswith("_") or member.name == "__call__"
            if is_public and ast.get_docstring(member):
                lines += _function(member, "  ")
        elif _text(after) and not _assigned(member).startswith("vqfw_"):
            lines += _value(member, _text(after), "  ")
    return lines


def _fields(node: ast.ClassDef) -> dict[str, str]:
    """The types of the fields of a tuple or dataclass."""
    return {
        each.target.id: ast.unparse(each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def _function(node: ast.FunctionDef, indent: str) -> list[str]:
    marks = {ast.unparse(each) for each in node.decorator_list}
    returns = ast.unparse(node.returns) if node.returns else "Any"
    if "property" in marks:
        told = f"`{node.name}: {returns}`"
    else:
        arguments = node.args.args
        if arguments and arguments[0].arg in _BARE:
            node.args.args = arguments[1:]
        told = f"`{node.name}({ast.unparse(node.args)}) -> {returns}`"
    if "abstractmethod" in marks:
        told += ", yours to write"
    return _entry(f"{indent}- {told}: ", ast.get_docstring(node) or "", indent, {})


def _value(node: ast.AST, text: str, indent: str) -> list[str]:
    told = ast.unparse(node)
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        told = f"{ast.unparse(node.target)} = {ast.unparse(node.value or node.target)}"
        told = told.removesuffix(" = Any")
    return _entry(f"{indent}- `{told}`: ", text, indent, {})


def _entry(begin: str, doc: str, indent: str, types: dict[str, str]) -> list[str]:
    """A list item with the paragraphs of a docstring, and its arguments below."""
    text, *sections = _SECTIONS.split(doc.partition("\n>>>")[0] + "\n")
    first, *more = re.split(r"\n\n+", text.strip("\n"))
    lines = _filled(begin + _flat(first), indent)
    for paragraph in more:
        lines += ["", *_paragraph(paragraph, f"{indent}  ")]
    for section in sections:
        name, _, body = section.partition(":\n")
        if name in ("Args", "Attributes"):
            lines += _arguments(inspect.cleandoc(body), indent, types)
        else:
            lines += _filled(
                f"{indent}  - {name.lower()}: {_flat(body)}", f"{indent}  "
            )
    return lines


def _paragraph(paragraph: str, indent: str) -> Iterator[str]:
    if paragraph.startswith("    "):  # code
        yield f"{indent}```python"
        yield from textwrap.indent(textwrap.dedent(paragraph), indent).splitlines()
        yield f"{indent}```"
    else:
        yield from _filled(indent + _flat(paragraph).replace("::", ":"), indent[:-2])


def _arguments(body: str, indent: str, types: dict[str, str]) -> list[str]:
    lines: list[str] = []
    for each in re.split(r"\n(?=\w+: )", body):
        name, _, meaning = each.partition(": ")
        told = f"{name}: {types[name]}" if name in types else name
        lines += _filled(f"{indent}  - `{told}`: {_flat(meaning)}", f"{indent}  ")
    return lines


def _filled(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        96,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _assigned(node: ast.AST) -> str:
    """The name that a statement assigns; empty for any other statement."""
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return ast.unparse(node.targets[0])
    return ""


def _text(node: ast.AST | None) -> str:
    """The text of a bare string, which documents the assignment above it."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return inspect.cleandoc(str(node.value.value))
    return ""
