"""The live page. NiceGUI serves and mounts it; what is live on it comes over the API's own stream, so that a page and
a program see the same, decided in the same place.

In: the session's cookie. Out: the page with who looks, its words and names of kinds; no incident stands in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import nicegui
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from nicegui import ui
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from console.access import find_caller
from console.core import Core
from console.pages.plain import LANGUAGE_COOKIE, language_of, live_words

_WEB: Final = Path(__file__).parents[1] / "web"
_LEAFLET: Final = Path(nicegui.__file__).parent / "elements" / "leaflet" / "dist"
_HEAD: Final = """
<link rel="stylesheet" href="/static/leaflet/leaflet/leaflet.css"><link rel="stylesheet" href="/static/live.css">
"""


class Centre(ui.element, component=_WEB / "centre.js"):
    """The command centre's component."""

    def __init__(self, *, words: dict[str, str], kinds: dict[str, str], me: dict[str, Any], language: str) -> None:
        super().__init__()
        self._props.update({"words": words, "kinds": kinds, "me": me, "language": language})


def install_live_page(app: FastAPI, core: Core) -> None:
    """Serve the live page at ``/`` of ``app``, behind everything the app serves itself."""
    app.mount("/static/leaflet", StaticFiles(directory=_LEAFLET), name="leaflet")
    app.mount("/static", StaticFiles(directory=_WEB), name="static")

    @ui.page("/", title="Siaga", favicon=_WEB / "mark.svg")
    def _centre(request: Request) -> Response | None:
        caller = find_caller(core, request.headers, request.cookies)
        if caller is None or caller.session is None:
            return RedirectResponse("/login", 303)
        language = language_of(request)
        if "language" in request.query_params:
            answer = RedirectResponse("/", 303)
            answer.set_cookie(LANGUAGE_COOKIE, language, samesite="lax", max_age=365 * 86400)
            return answer
        user, taxonomy = caller.user, core.feed.board.knowledge.taxonomy
        ui.add_head_html(_HEAD)
        Centre(
            words=dict(live_words(language)),
            kinds={code: getattr(kind, language) for code, kind in taxonomy.kinds.items()},
            me={
                "name": user.name,
                "role": user.role.value,
                "may_act": user.audience().may_act,
                "csrf": caller.session.csrf,
            },
            language=language,
        )
        return None

    ui.run_with(app, title="Siaga", tailwind=False, dark=None, reconnect_timeout=10, show_welcome_message=False)
