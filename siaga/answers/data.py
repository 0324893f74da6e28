"""The data of answers, ``siaga/data/answers.toml``, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def answers_data() -> dict[str, Any]:
    """Words, replies, buttons and the formats of gateways."""
    return tomllib.loads((files("siaga.data") / "answers.toml").read_text(encoding="utf-8"))
