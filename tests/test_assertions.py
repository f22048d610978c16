"""Every test asserts something: a test that only runs its lines would pass whatever they give."""

import ast
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
CHECKS = {"raises", "warns", "fail", "gradcheck", "gradgradcheck", "refusals"}  # calls that fail a test by themselves


@cache
def read_functions():
    """Every function among the tests, with its file."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}
    return [(path, n) for path, tree in trees.items() for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]


def checks_something(function, checks):
    """Whether a function asserts, or calls one that does."""
    for node in ast.walk(function):
        called = node.func if isinstance(node, ast.Call) else None
        name = getattr(called, "id", getattr(called, "attr", ""))
        if isinstance(node, ast.Assert) or name in checks or name.startswith("assert_"):
            return True
    return False


@cache
def find_checks():
    """The names of all functions that assert, by themselves or through others."""
    checks, found = set(), CHECKS
    while found:
        checks |= found
        found = {f.name for _, f in read_functions() if checks_something(f, checks)} - checks
    return checks


def test_every_test_asserts_something():
    tests = [(path.relative_to(TESTS), f) for path, f in read_functions() if f.name.startswith("test_")]
    idle = [f"{path}:{f.lineno} {f.name}" for path, f in tests if not checks_something(f, find_checks())]
    assert len(tests) > 2000 and not idle, f"these tests assert nothing: {'; '.join(idle)}"


def test_a_test_without_an_assertion_is_found():
    idle, busy, by_another = ast.parse("def a(): f()\ndef b(): assert f()\ndef c(): b()").body
    assert not checks_something(idle, {"b"}) and checks_something(busy, set()) and checks_something(by_another, {"b"})
