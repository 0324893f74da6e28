"""The lock files hold what ``pyproject.toml`` asks for. Run ``make lock`` where they do not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME: list[str] = PROJECT["dependencies"]
DEVELOPMENT: list[str] = PROJECT["optional-dependencies"]["dev"]


def named(requirement: str) -> tuple[str, tuple[int, ...]]:
    """A requirement's name, and the least version it asks for."""
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)", requirement)
    assert found is not None, f"{requirement}: write it as name>=version"
    return found[1].lower().replace("_", "-"), version(found[2])


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


@pytest.mark.parametrize(
    ("file", "requirements"),
    [("requirements.lock", RUNTIME), ("requirements-dev.lock", [*RUNTIME, *DEVELOPMENT])],
)
def test_a_fresh_clone_gets_every_dependency_in_a_version_that_will_do(file: str, requirements: list[str]) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    locked = {
        name.lower(): version(at) for name, at in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", text, re.MULTILINE)
    }

    wanted = dict(named(requirement) for requirement in requirements)

    assert sorted(name for name, least in wanted.items() if locked.get(name, ()) < least) == []
