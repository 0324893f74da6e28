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
from nicegui.dependencies import register_importmap_override
from starlette.responses import Response

from console.access import find_caller
from console.core import Core
from console.files import PackedFiles, version_of
from console.pages.plain import LANGUAGE_COOKIE, language_of, live_words, nothing_here

_WEB: Final = Path(__file__).parents[1] / "web"
_NICEGUI: Final = Path(nicegui.__file__).parent
_LEAFLET: Final = _NICEGUI / "elements" / "leaflet" / "dist"
_FRAMEWORK: Final = f"/_nicegui/{nicegui.__version__}/static"
#: What the first view needs, in the order in which it would ask for it: asked for at once instead, beside NiceGUI's
#: own scripts. The map, an incident and the other tabs come when they are opened, or when nothing else is to do.
_FIRST: Final = ("centre", "feed", "words", "queue", "pulse")
#: As ``feed.js`` asks for it, letter by letter: the browser gives it what it has fetched already.
_BOARD: Final = "/api/board?limit=100"


def _head(base: str) -> str:
    scripts = "".join(f'<link rel="modulepreload" href="{base}/{name}.js">' for name in _FIRST)
    return (
        f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{_BOARD}">'
        f'<link rel="stylesheet" href="{base}/live.css">'
        f'<link rel="modulepreload" href="{_FRAMEWORK}/dompurify.mjs">{scripts}'
    )


class Centre(ui.element, component=_WEB / "shell.js"):
    """The command centre's component."""

    def __init__(self, *, words: dict[str, str], kinds: dict[str, str], me: dict[str, Any], language: str) -> None:
        super().__init__()
        self._props.update({"words": words, "kinds": kinds, "me": me, "language": language})


def install_live_page(app: FastAPI, core: Core) -> None:
    """Serve the live page at ``/`` of ``app``, behind everything the app serves itself."""
    base = f"/static/{version_of((_WEB, _LEAFLET))}"
    app.mount(f"{base}/leaflet", PackedFiles(_LEAFLET, versioned=True), name="leaflet")
    app.mount(base, PackedFiles(_WEB, versioned=True), name="versioned")
    app.mount("/static", PackedFiles(_WEB), name="static")
    # NiceGUI would compress them anew for each browser.
    app.mount(_FRAMEWORK, PackedFiles(_NICEGUI / "static", versioned=True), name="framework")
    register_importmap_override("siaga/", f"{base}/")
    head = _head(base)

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
        ui.add_head_html(head)
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
    # NiceGUI gets whatever nobody else answers. It would log the address of what is not there, and the token of an
    # officer's link is one: a messenger that only asks for the link's head would have it written down.
    nicegui.app.add_exception_handler(404, nothing_here)
