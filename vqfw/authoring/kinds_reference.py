"""The reference of ``vqfw.kinds``: its source, without private members and bodies.

Nothing is imported, so that annotations stand as they were written.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from vqfw import kinds


def reference() -> str:
    """A section for each file of contracts with its exported names, as Markdown."""
    arrays = _section(
        "tensors", "Names of arrays, as the signatures below use them", ()
    )
    contracts = (
        _section(module, f"`vqfw.kinds.{module}`", exported)
        for module, exported in kinds.HOME.items()
    )
    return "\n".join([arrays, *contracts])


def _section(module: str, title: str, exported: tuple[str, ...]) -> str:
    """A file of contracts; without exported names, all that is documented in it."""
    source = Path(kinds.__file__).with_name(f"{module}.py").read_text("utf-8")
    shown: list[str] = []
    statements = ast.parse(source).body
    for node, after in zip(statements, [*statements[1:], None], strict=True):
        documentation = _documentation(after, source)
        wanted = _name(node) in exported if exported else bool(documentation)
        if wanted and isinstance(node, ast.ClassDef | ast.FunctionDef):
            shown.append(f"\n\n{_skeleton(node, source)}\n\n")
        elif wanted:
            shown.append(f"{ast.get_source_segment(source, node)}\n{documentation}")
    code = re.sub(r"\n{4,}", "\n\n\n", "\n".join(shown)).strip("\n")
    return f"### {title}\n\n```python\n{code}\n```\n"


def _skeleton(node: ast.ClassDef | ast.FunctionDef, source: str) -> str:
    """The signatures and docstrings of a class or function."""
    hidden: set[int] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef):
            is_public = each.name == "__call__" or not each.name.startswith("_")
            keeps = is_public and ast.get_docstring(each)
            begin = (each.body[0].end_lineno or 0) + 1 if keeps else _begin(each)
            hidden.update(range(begin, (each.end_lineno or 0) + 1))
    lines = enumerate(source.splitlines()[: node.end_lineno], 1)
    kept = [line for i, line in lines if i >= _begin(node) and i not in hidden]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def _begin(node: ast.ClassDef | ast.FunctionDef) -> int:
    return min(each.lineno for each in (node, *node.decorator_list))


def _name(node: ast.stmt) -> str:
    """The name that a statement defines; empty for any other statement."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return node.name
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else ""


def _documentation(node: ast.stmt | None, source: str) -> str:
    """The bare string after an assignment, as it is written."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return ast.get_source_segment(source, node) or ""
    return ""
