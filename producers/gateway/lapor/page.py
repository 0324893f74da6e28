"""Answers what the reporting page asks for: its files, its form, and who the phone is. It takes no report.

In: GET requests below ``/lapor``. Out: files that hold no secret and are the same for everybody, the form of the
kinds that are loaded, and, to a device that proves itself, its areas and stations. State: the files, read once; the
form, made anew when another taxonomy is loaded.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, islice
from typing import Any, Final

from producers.auth import may_report
from producers.gateway.admission import proven
from producers.gateway.known import Known
from producers.gateway.lapor.form import form_of
from producers.gateway.posts import Receive, Scope, Send
from producers.gateway.problems import Answer, Header, Trouble, answer_json, answer_problem, problem_body
from siaga.contracts.registry import Device
from siaga.election.registry import Registry
from siaga.rules.taxonomy import Taxonomy

PAGE: Final = "/lapor"
DEVICE: Final = f"{PAGE}/device"
FORM: Final = f"{PAGE}/form.json"
#: What people type who know only the gateway's name.
_NEARLY: Final = frozenset({"/", f"{PAGE}/"})
#: What the worker is told: a name for its cache that changes with everything in it, and what to keep.
_VERSION: Final = b"{{version}}"
_KEEP: Final = b"{{files}}"
#: More are not listed: who may report for so many types the number.
_MOST_STATIONS: Final = 200

_OWN: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: No text may become a script or HTML, whatever a mistake of ours does; the one name is the worker's address.
_DOCUMENT: Final = _OWN + b"; require-trusted-types-for 'script'; trusted-types siaga-lapor"
_SEALED: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=()"),
    (b"cache-control", b"no-cache"),
    (b"vary", b"accept-encoding"),
)
_FILES: Final = {
    PAGE: ("lapor.html", b"text/html; charset=utf-8"),
    f"{PAGE}/lapor.css": ("lapor.css", b"text/css; charset=utf-8"),
    f"{PAGE}/outbox.js": ("outbox.js", b"text/javascript; charset=utf-8"),
    f"{PAGE}/parts.js": ("parts.js", b"text/javascript; charset=utf-8"),
    f"{PAGE}/ask.js": ("ask.js", b"text/javascript; charset=utf-8"),
    f"{PAGE}/lapor.js": ("lapor.js", b"text/javascript; charset=utf-8"),
    f"{PAGE}/worker.js": ("worker.js", b"text/javascript; charset=utf-8"),
    f"{PAGE}/mark.svg": ("mark.svg", b"image/svg+xml"),
}
_MANIFEST: Final = {
    "name": "Siaga: lapor",
    "short_name": "Lapor",
    "lang": "id",
    "start_url": PAGE,
    "scope": PAGE,
    "display": "standalone",
    "background_color": "#f4f6f9",
    "theme_color": "#c8102e",
    "icons": [{"src": f"{PAGE}/mark.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
}


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is sent, with its headers."""

    plain: bytes
    packed: bytes
    etag: bytes
    headers: tuple[Header, ...]


class ReportingPage:
    """An ASGI application for the paths that it :meth:`answers`."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._files = _read()
        self._form: tuple[Taxonomy, _File] | None = None

    @staticmethod
    def answers(path: str) -> bool:
        """Whether a request for ``path`` is for the page."""
        return path == PAGE or path in _NEARLY or path.startswith(f"{PAGE}/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answer(scope)
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope) -> Answer:
        path = scope["path"]
        asked: Mapping[bytes, bytes] = dict(scope["headers"])
        if scope["method"] not in ("GET", "HEAD"):
            problem = problem_body("method-not-allowed", 405, "Only GET is answered here; reports go to /v1/reports")
            return answer_problem(problem, (b"allow", b"GET, HEAD"))
        if path in _NEARLY:
            return Answer(307, b"", ((b"location", PAGE.encode()), (b"content-length", b"0"), *_SEALED))
        if path == DEVICE:
            return self._device(asked.get(b"authorization", b"").decode("latin-1"))
        file = self._form_file() if path == FORM else self._files.get(path)
        if file is None:
            return answer_problem(problem_body("not-found", 404, f"There is nothing at this address; open {PAGE}"))
        return _served(file, asked)

    def _form_file(self) -> _File:
        taxonomy = self._known.registry.taxonomy
        if self._form is None or self._form[0] is not taxonomy:
            self._form = taxonomy, _file(_json(form_of(taxonomy)), b"application/json")
        return self._form[1]

    def _device(self, authorization: str) -> Answer:
        device = proven(self._known, authorization)
        if isinstance(device, Trouble):
            return device.to_answer()
        stations = stations_of(device, self._known.registry)
        told = {
            "device_id": device.device_id,
            "areas": device.districts,
            "stations": device.stations,
            "near": [{"id": number, "name": name} for number, name in stations],
        }
        return answer_json(200, _json(told))


def stations_of(device: Device, registry: Registry, most: int = _MOST_STATIONS) -> list[tuple[str, str]]:
    """The stations that a device may report for, and what they are called; none where they are more than ``most``."""
    codes = [code for code in registry.district_codes if may_report(device, f"{code}.")]
    districts = [district for code in codes if (district := registry.district(code)) is not None]
    of_areas: Iterable[str] = chain.from_iterable(district.station_ids for district in districts)
    found = list(islice(dict.fromkeys(chain(device.stations, of_areas)), most + 1))
    if len(found) > most:
        return []
    stations = [station for number in found if (station := registry.station(number)) is not None]
    return [
        (s.station_id, s.name if s.village in s.name else " · ".join(filter(None, (s.name, s.village))))
        for s in stations
    ]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _read() -> dict[str, _File]:
    """The files; the worker's bytes change whenever any of them does, which is how a phone learns of it."""
    folder = files("producers.gateway.lapor") / "web"
    plain = {path: (folder / name).read_bytes() for path, (name, _) in _FILES.items()}
    types = {path: media_type for path, (_, media_type) in _FILES.items()}
    plain[f"{PAGE}/manifest.json"], types[f"{PAGE}/manifest.json"] = _json(_MANIFEST), b"application/manifest+json"
    version = hashlib.sha256(b"".join(plain[path] for path in sorted(plain))).hexdigest()[:16].encode()
    worker = f"{PAGE}/worker.js"
    keep = [*(path for path in plain if path != worker), FORM]
    plain[worker] = plain[worker].replace(_VERSION, version).replace(_KEEP, _json(keep))
    return {path: _file(content, types[path]) for path, content in plain.items()}


def _file(plain: bytes, media_type: bytes) -> _File:
    policy = _DOCUMENT if media_type.startswith(b"text/html") else _OWN
    etag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'.encode()
    headers = (
        *((b"content-type", media_type), (b"content-security-policy", policy), (b"etag", etag)),
        # The worker lies below the page's address and answers for the page itself as well.
        *([(b"service-worker-allowed", PAGE.encode())] if media_type.startswith(b"text/javascript") else ()),
        *_SEALED,
    )
    return _File(plain, gzip.compress(plain, 9, mtime=0), etag, headers)


def _served(file: _File, asked: Mapping[bytes, bytes]) -> Answer:
    if file.etag in asked.get(b"if-none-match", b""):
        return Answer(304, b"", file.headers)
    if b"gzip" in asked.get(b"accept-encoding", b""):
        length = (b"content-length", str(len(file.packed)).encode())
        return Answer(200, file.packed, (*file.headers, (b"content-encoding", b"gzip"), length))
    return Answer(200, file.plain, (*file.headers, (b"content-length", str(len(file.plain)).encode())))
