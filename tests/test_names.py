"""The check of class names: it sees what it should, and the package passes it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "check_names.py"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    """scripts/check_names.py as a module."""
    spec = importlib.util.spec_from_file_location("check_names", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_class_name_has_one_meaning(check: ModuleType) -> None:
    """No name stands in two modules of the package, and none is excused."""
    assert check.duplicates(check.PACKAGE) == {}
    assert frozenset() == check.ALLOWED


def test_classes_and_aliases_in_two_modules_are_found(check: ModuleType, tmp_path: Path) -> None:
    """A class is one with a nested class or an alias of its name; private names and values are
    nobody else's."""
    package = tmp_path / "house"
    package.mkdir()
    (package / "one.py").write_text(
        "class Plan: ...\nclass _Own: ...\nLIMIT = 3\nTurn = tuple[str, str]\n"
        "class Outer:\n    class Inner: ...\nKind = Literal['a']\nEither = Plan | Outer\n"
    )
    (package / "two.py").write_text(
        "def f():\n    class Plan: ...\nclass _Own: ...\nLIMIT = 4\nclass Turn: ...\n"
        "class Inner: ...\nKind = Literal['b']\nEither = int | str\n"
    )
    places = ["house/one.py", "house/two.py"]
    assert check.duplicates(package) == dict.fromkeys(
        ["Either", "Inner", "Kind", "Plan", "Turn"], places
    )
