"""Where the Siaga that runs on this machine has its parts, for commands that talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from siaga.cli.fail import fail

if TYPE_CHECKING:
    from siaga.settings import Settings

_TOKEN: Final = "SIAGA_TOKEN"  # noqa: S105  (the name of the variable, not a token)


def running(settings: Settings) -> Mapping[str, Any]:
    """What the Siaga that runs here says of itself (``run.json``); empty when none does, or one was killed."""
    import json

    from siaga.supervisor.runfile import NAME, is_owned

    for directory in (settings.data_dir, settings.data_dir / "demo"):
        try:
            read = json.loads(Path(directory, NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(read, dict) and is_owned(directory):
            return read
    return {}


def settings_of_running() -> Settings:
    """The settings, with the running Siaga's broker and database where none are set."""
    from siaga.settings import load_settings

    settings = load_settings()
    run = running(settings)
    found = {name: run.get(name) for name in ("kafka", "database") if getattr(settings, name) is None}
    return settings.model_copy(update=found)


def gateway_of(run: Mapping[str, Any], settings: Settings) -> str:
    """The address of the running Siaga's gateway; of the settings where none runs."""
    return str(run.get("gateway") or f"http://{settings.gateway_host}:{settings.gateway_port}")


def device_token(run: Mapping[str, Any]) -> str:
    """The first token of the environment, or the running demonstration's; the command ends where there is none."""
    import os

    token = os.environ.get(_TOKEN, "").partition(",")[0].strip() or (run.get("device") or {}).get("token", "")
    if not token:
        fail(f"{_TOKEN}: is not set; put a device's token in it (make one with 'siaga device add')")
    return str(token)
