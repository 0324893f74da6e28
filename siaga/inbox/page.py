"""The inbox as a page: plain HTML that reloads itself, in Indonesian and English. Everything received is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from siaga.inbox.kept import Received

_ZONE: Final = ZoneInfo("Asia/Jakarta")
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_SHOWN: Final = 200
_STYLE: Final = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:46rem;margin:0 auto;padding:1rem}
article{border:1px solid #8886;border-left:6px solid #888;border-radius:6px;margin:1rem 0;padding:.75rem 1rem}
article.sev1{border-left-color:#b3001b}article.sev2{border-left-color:#d9480f}article.sev3{border-left-color:#b38600}
article.drill{border-style:dashed}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.875rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.5rem 0}
a.answer{display:inline-block;padding:.5rem 1rem;border-radius:6px;background:#14507a;color:#fff}
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def page_of(received: Iterable[Received], *, officer_id: str | None, count: int) -> str:
    """The whole page; ``received`` are newest first."""
    shown = list(received)[:_SHOWN]
    whose = f" {escape(officer_id)}" if officer_id else ""
    back = ' · <a href="/">semua petugas / all officers</a>' if officer_id else ""
    body = "".join(map(_article, shown)) or "<p>Belum ada panggilan. / No pages yet.</p>"
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>({count}) Kotak masuk / Inbox</title><style>{_STYLE}</style></head><body>"
        f"<h1>Kotak masuk petugas / Officers' inbox{whose}</h1>"
        f"<p>{count} panggilan / pages{back}</p><main>{body}</main></body></html>"
    )


def _article(one: Received) -> str:
    pages = one.body.get("pages")
    pages = [page for page in pages if isinstance(page, dict)] if isinstance(pages, list) else []
    grave = min((page["severity"] for page in pages if isinstance(page.get("severity"), int)), default=0)
    drill = " drill" if one.body.get("drill") is True else ""
    at = datetime.fromtimestamp(one.at, UTC).astimezone(_ZONE)
    again = f"<span>diterima {one.repeats + 1} kali / came {one.repeats + 1} times</span>" if one.repeats else ""
    links = "".join(map(_answer, (page.get("answer_url") for page in pages)))
    text = one.body.get("text")
    officer = escape(one.officer_id, quote=True)
    return (
        f'<article class="sev{grave}{drill}"><header><a href="/?officer={officer}">{officer}</a>'
        f"<time>{at:%d-%m %H:%M:%S %Z}</time>{again}</header>"
        f"<pre>{_linked(text if isinstance(text, str) else '')}</pre>{links}</article>"
    )


def _answer(url: object) -> str:
    if not isinstance(url, str) or not _LINK.fullmatch(url):
        return ""
    return f'<p><a class="answer" rel="noreferrer" href="{escape(url, quote=True)}">Terima / Acknowledge</a></p>'


def _linked(text: str) -> str:
    """Escaped text in which addresses can be clicked."""
    parts, last = [], 0
    for match in _LINK.finditer(text):
        url = escape(match[0], quote=True)
        parts += [escape(text[last : match.start()]), f'<a rel="noreferrer" href="{url}">{url}</a>']
        last = match.end()
    return "".join((*parts, escape(text[last:])))
