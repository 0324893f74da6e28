"""Static files, compressed once and kept in memory: scripts, styles and pictures of our own and of NiceGUI.

In: a directory that does not change while the server runs. Out: its files, as gzip where the browser takes it and it
is smaller. State: what has been asked for. A file whose URL names its version may be kept by the browser for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
#: Types that are worth compressing.
_LOOSE: Final = ("text/", "image/svg", "application/json")
_SMALLEST: Final = 400


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    etag: str
    plain: bytes
    packed: bytes | None


class PackedFiles:
    """Serves the files under ``directory``. ``versioned`` says that their URL changes with what is in them."""

    def __init__(self, directory: Path, *, versioned: bool = False) -> None:
        self._paths = {path.relative_to(directory).as_posix(): path for path in _files(directory)}
        self._versioned = versioned

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        scope = request.scope
        asked = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        path = self._paths.get(asked)
        if path is None:
            raise HTTPException(404)
        file = await run_in_threadpool(_read, path)
        headers = {"ETag": file.etag, "Vary": "Accept-Encoding"}
        if self._versioned:
            headers["Cache-Control"] = _FOR_EVER
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = file.plain
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = file.packed, "gzip"
        headers["Content-Length"] = str(len(body))
        return Response(b"" if request.method == "HEAD" else body, media_type=file.media_type, headers=headers)


def version_of(directories: Iterable[Path]) -> str:
    """What names the contents of ``directories`` in a URL: another one as soon as a byte of them is."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in _files(directory):
            digest.update(f"{path.relative_to(directory)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


@cache
def _read(path: Path) -> _File:
    plain = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = None
    if media_type.startswith(_LOOSE) and len(plain) >= _SMALLEST:
        packed = gzip.compress(plain, 9, mtime=0)
        packed = packed if len(packed) < len(plain) else None
    return _File(media_type, f'"{hashlib.sha256(plain).hexdigest()[:32]}"', plain, packed)
