"""Hold class names to one meaning: no class and no type alias is defined in two modules."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "inkling"

ALLOWED: frozenset[str] = frozenset()
"""Names that may stand in several modules, since they mean the same in all of them."""

_BUILDERS = frozenset(
    {"Annotated", "Callable", "Literal", "Mapping", "Sequence", "Union", "dict", "list", "tuple"}
)


def defined(module: ast.Module) -> Iterator[str]:
    """Names of the classes of a module, nested ones included, and of its type aliases.

    Names that begin with an underscore are private to their module.
    """
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
    for node in module.body:
        if isinstance(node, ast.Assign) and _is_alias(node.value):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id[0].isupper():
                    yield target.id


def _is_alias(value: ast.expr) -> bool:
    """`Literal[…]`, `Callable[…]`, … or a union of names: `One | Other`."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.BitOr)
    return (
        isinstance(value, ast.Subscript)
        and isinstance(value.value, ast.Name)
        and value.value.id in _BUILDERS
    )


def duplicates(package: Path) -> dict[str, list[str]]:
    """Names that stand in two modules or more, with those modules."""
    modules: dict[str, set[str]] = defaultdict(set)
    for path in sorted(package.rglob("*.py")):
        for name in defined(ast.parse(path.read_text(encoding="utf-8"))):
            modules[name].add(path.relative_to(package.parent).as_posix())
    return {
        name: sorted(places)
        for name, places in sorted(modules.items())
        if len(places) > 1 and name not in ALLOWED
    }


if __name__ == "__main__":
    found = duplicates(PACKAGE)
    for name, places in found.items():
        print(f"{name} is defined in {' and '.join(places)}: give each meaning a name of its own.")
    print("names: fine" if not found else f"names: {len(found)} with more than one definition")
    sys.exit(bool(found))
