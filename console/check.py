"""What stands in the files of the command centre's settings, before it serves anybody.

In: the settings. Out: a finding for each file that is set. State: none; nothing is asked of anybody.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from console.database import Database
from console.openid import make_openid
from siaga.answers.gateways import load_gateways
from siaga.checks import Finding, tried
from siaga.settings import Settings, SettingsError


def check_files(settings: Settings) -> Iterator[Finding]:
    """Gateways that bring answers, roles of a provider's people, outlines of the map."""
    if settings.answers_file is not None:
        yield tried("answers", lambda: f"come from {', '.join(load_gateways(settings, os.environ)) or 'nobody'}")
    if settings.outlines is not None:
        yield tried("outlines", functools.partial(_outlines, settings.outlines))
    if settings.openid_issuer is not None or settings.openid_client_id is not None:
        yield tried("openid", lambda: _openid(settings))


def _openid(settings: Settings) -> str:
    with closing(Database("sqlite://")) as nowhere:
        make_openid(settings, nowhere.read)
    return f"people of {settings.openid_issuer} may sign in"


def _outlines(path: Path) -> str:
    try:
        found = json.loads(path.read_bytes())
        return f"has {len(found['features'])} areas"
    except (OSError, ValueError, TypeError, KeyError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no GeoJSON"
        raise SettingsError(
            f"outlines: {path} cannot be used ({said}); correct SIAGA_OUTLINES, or name a feature collection"
        ) from None
