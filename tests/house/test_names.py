"""One name for one thing, and no circle of imports, in ``vqfw/``; read from the source."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def modules() -> dict[str, ast.Module]:
    """The syntax tree of every module of vqfw, by its dotted name."""
    trees = {}
    for path in sorted((ROOT / "vqfw").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text("utf-8"))
    return trees


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import of a module that runs, also those inside its functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        else:
            yield from imports(node)


def graph(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    """The modules of vqfw that each imports."""
    targets = defaultdict(set)
    for name, tree in modules.items():
        for node in imports(tree):
            for alias in node.names:
                if isinstance(node, ast.Import):
                    targets[name].add(alias.name)
                else:
                    within = f"{node.module}.{alias.name}"
                    targets[name].add(within if within in modules else node.module)
    return {name: targets[name] & modules.keys() for name in modules}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or not."""
    reached = {}
    for start in graph:
        seen, waiting = set(), [start]
        while waiting:
            following = graph[waiting.pop()] - seen
            seen |= following
            waiting += following
        reached[start] = seen
    groups = {
        tuple(sorted(other for other in seen if name in reached[other]))
        for name, seen in reached.items()
        if name in seen
    }
    return sorted(map(list, groups))


def test_a_circle_of_lazy_imports_is_found():
    sources = {
        "vqfw.one": "def call():\n    from vqfw.two import x",
        "vqfw.two": "from vqfw import three",
        "vqfw.three": "import vqfw.one",
        "vqfw.four": "if TYPE_CHECKING:\n    from vqfw.five import y",
        "vqfw.five": "import vqfw.four",
    }
    trees = {name: ast.parse(source) for name, source in sources.items()}
    assert circles(graph(trees)) == [["vqfw.one", "vqfw.three", "vqfw.two"]]


def test_no_module_of_vqfw_is_in_a_circle_of_imports(modules):
    assert circles(graph(modules)) == []


def test_no_public_class_name_occurs_twice(modules):
    places = defaultdict(list)
    for module, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_has_the_name_of_a_function_of_its_package(modules):
    functions = defaultdict(Counter)
    for module, tree in modules.items():
        package = module if is_package(module, modules) else module.rpartition(".")[0]
        functions[package].update(
            node.name for node in tree.body if isinstance(node, ast.FunctionDef)
        )
    doubled = [
        module
        for module in modules
        if module.rpartition(".")[2] in functions[module.rpartition(".")[0]]
    ]
    assert doubled == []


def is_package(module: str, modules: dict[str, ast.Module]) -> bool:
    return any(other.startswith(f"{module}.") for other in modules)
