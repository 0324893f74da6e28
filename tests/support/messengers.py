"""The interfaces of messengers as a process of its own: Telegram's Bot API, Twilio's, WhatsApp's Cloud API.

``python -m tests.support.messengers PORT``. Each checks what the real one checks (credentials, fields) and answers as
the real one does; what it took is at ``GET /taken``. ``POST /behave`` makes the next requests to paths that hold
``path`` fail: ``{"mode": …, "times": n, "path": …}``. ``POST /say`` is what a person does in Telegram: tap a button
(``{"chat": …, "data": …}``) or write (``{"chat": …, "text": …}``); ``{"update": {…}}`` is given as it stands.

Sources: https://core.telegram.org/bots/api (sendMessage, getUpdates, answerCallbackQuery), Twilio's Messages
resource, Meta's Cloud API (messages).
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import sys
import threading
import time
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs

import httpx

from tests.support.processes import Process, free_port, listens

BOT: Final = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ACCOUNT: Final = "AC0123456789abcdef0123456789abcdef"
PASSWORD: Final = "0123456789abcdef0123456789abcdef"
WHATSAPP: Final = "EAAG-rahasia-whatsapp"
#: An address that every interface refuses.
NOBODY: Final = "628000000000"
#: A telephone that is switched off: what is sent to it is taken, and does not arrive.
SWITCHED_OFF: Final = "628000000001"


class Trouble(StrEnum):
    """How it fails."""

    BUSY = "busy"
    FAIL = "fail"
    HANG = "hang"
    DROP = "drop"


class _State:
    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.orders: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        #: Telegram's updates that nobody has confirmed.
        self.updates: list[dict[str, Any]] = []
        self.number = 1000

    def trouble(self, path: str) -> Trouble | None:
        with self.lock:
            for order in self.orders:
                if order["path"] in path and order["times"] > 0:
                    order["times"] -= 1
                    return Trouble(order["mode"])
        return None

    def take(self, api: str, to: str, **told: Any) -> int:
        with self.lock:
            self.number += 1
            self.taken.append({"api": api, "to": to, "number": self.number, **told})
            return self.number

    def say(self, told: dict[str, Any]) -> None:
        if "update" in told:
            with self.lock:
                self.updates.append(told["update"])
                self.lock.notify_all()
            return
        who = {"id": int(told["chat"]), "is_bot": False, "first_name": "Petugas"}
        chat = {"id": int(told["chat"]), "type": "private"}
        with self.lock:
            self.number += 1
            message = {"message_id": self.number, "date": int(time.time()), "chat": chat}
            update: dict[str, Any] = {"update_id": self.number}
            if "data" in told:
                query = {"id": f"Q{self.number}", "from": who, "message": message, "data": told["data"]}
                update["callback_query"] = {**query, "chat_instance": "1"}
            else:
                update["message"] = {**message, "from": who, "text": told["text"]}
            self.updates.append(update)
            self.lock.notify_all()

    def give(self, told: dict[str, Any]) -> list[dict[str, Any]]:
        """Updates are given until an offset above theirs is asked for; a question waits for the first."""
        deadline = time.monotonic() + int(told.get("timeout", 0))
        with self.lock:
            self.updates = [
                u for u in self.updates if u.get("update_id", told.get("offset", 0)) >= told.get("offset", 0)
            ]
            while not self.updates and (left := deadline - time.monotonic()) > 0:
                self.lock.wait(left)
            return self.updates[: int(told.get("limit", 100))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: _State

    def do_GET(self) -> None:
        if self.path == "/taken":
            self._answer(200, self.state.taken)
        elif self.path.startswith("/2010-04-01/") and self._basic() == f"{ACCOUNT}:{PASSWORD}":
            sid = self.path.rpartition("/")[2].removesuffix(".json")
            (to,) = [one["to"] for one in self.state.taken if f"SM{one['number']:032x}" == sid] or [""]
            self._answer(200, {"sid": sid, "status": "undelivered" if to.endswith(SWITCHED_OFF) else "delivered"})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path == "/behave":
            with self.state.lock:
                self.state.orders.append(json.loads(raw))
            self._answer(200, {})
        elif self.path == "/say":
            self.state.say(json.loads(raw))
            self._answer(200, {})
        elif self.path.startswith("/bot"):
            self._telegram(raw)
        elif self.path.startswith("/2010-04-01/"):
            self._twilio(raw)
        else:
            self._whatsapp(raw)

    # -- Telegram ---------------------------------------------------------------------------------------------------

    def _telegram(self, raw: bytes) -> None:
        bot, _, method = self.path.removeprefix("/bot").partition("/")
        if bot != BOT:
            self._answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
            return
        match self.state.trouble(self.path):
            case Trouble.BUSY:
                told = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 7"}
                self._answer(429, {**told, "parameters": {"retry_after": 7}})
            case Trouble.FAIL:
                self._answer(502, {"ok": False, "error_code": 502, "description": "Bad Gateway"})
            case None:
                self._method(method, json.loads(raw))
            case trouble:
                self._silent(trouble)

    def _method(self, method: str, told: dict[str, Any]) -> None:
        if method == "getUpdates":
            self._answer(200, {"ok": True, "result": self.state.give(told)})
        elif method == "answerCallbackQuery":
            self.state.take("telegram-note", told["callback_query_id"], text=told.get("text", ""))
            self._answer(200, {"ok": True, "result": True})
        elif str(told["chat_id"]) == NOBODY:
            problem = "Bad Request: chat not found"
            self._answer(400, {"ok": False, "error_code": 400, "description": problem})
        elif str(told["chat_id"]) == "403":
            problem = "Forbidden: bot was blocked by the user"
            self._answer(403, {"ok": False, "error_code": 403, "description": problem})
        else:
            buttons = [b for row in told.get("reply_markup", {}).get("inline_keyboard", ()) for b in row]
            assert all(len(button["callback_data"].encode()) <= 64 for button in buttons)
            number = self.state.take("telegram", str(told["chat_id"]), text=told["text"], buttons=buttons)
            message = {"message_id": number, "date": int(time.time()), "chat": {"id": int(told["chat_id"])}}
            self._answer(200, {"ok": True, "result": message})

    # -- Twilio and WhatsApp ----------------------------------------------------------------------------------------

    def _twilio(self, raw: bytes) -> None:
        told = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        trouble = self.state.trouble(self.path)
        if self._basic() != f"{ACCOUNT}:{PASSWORD}":
            self._answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
        elif trouble is Trouble.BUSY:
            self._answer(429, {"code": 20429, "message": "Too Many Requests", "status": 429}, {"Retry-After": "3"})
        elif trouble is Trouble.FAIL:
            self._answer(503, {"code": 20503, "message": "Service unavailable", "status": 503})
        elif trouble is not None:
            self._silent(trouble)
        elif told["To"].endswith(NOBODY):
            self._answer(400, {"code": 21211, "message": "The 'To' number is not valid", "status": 400})
        else:
            number = self.state.take("twilio", told["To"], text=told["Body"], sender=told["From"])
            self._answer(201, {"sid": f"SM{number:032x}", "status": "queued", "error_code": None})

    def _whatsapp(self, raw: bytes) -> None:
        told = json.loads(raw)
        trouble = self.state.trouble(self.path)
        if self.headers.get("Authorization") != f"Bearer {WHATSAPP}":
            self._answer(401, {"error": {"message": "Invalid OAuth access token", "code": 190}})
        elif trouble is Trouble.BUSY:
            self._answer(429, {"error": {"message": "Rate limit hit", "code": 130429}}, {"Retry-After": "3"})
        elif trouble is Trouble.FAIL:
            self._answer(500, {"error": {"message": "An unknown error has occurred", "code": 1}})
        elif trouble is not None:
            self._silent(trouble)
        elif told["to"] == NOBODY or told["messaging_product"] != "whatsapp" or told["type"] != "text":
            self._answer(400, {"error": {"message": "Recipient not valid", "code": 131026}})
        else:
            number = self.state.take("whatsapp", told["to"], text=told["text"]["body"])
            contacts = [{"input": told["to"], "wa_id": told["to"]}]
            self._answer(200, {"contacts": contacts, "messages": [{"id": f"wamid.{number}"}]})

    # -- HTTP -------------------------------------------------------------------------------------------------------

    def _basic(self) -> str:
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(rest).decode() if scheme == "Basic" else ""

    def _silent(self, trouble: Trouble) -> None:
        with contextlib.suppress(OSError):
            if trouble is Trouble.HANG:
                self.connection.recv(1)  # until the other side gives up
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """What it took is what counts."""


class Messengers:
    """The process, seen from a test."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        argv = [sys.executable, "-m", "tests.support.messengers", str(self.port)]
        root = Path(__file__).parents[2]
        self.process = Process("messengers", argv, log=directory / "messengers.log", cwd=root)

    def behave(self, trouble: Trouble, path: str, times: int = 1) -> None:
        """Fail for so many requests to paths that hold ``path``."""
        httpx.post(f"{self.url}/behave", json={"mode": trouble, "path": path, "times": times}).raise_for_status()

    def say(self, chat: str, **told: str) -> None:
        """Somebody taps a button (``data``) or writes (``text``) in Telegram."""
        httpx.post(f"{self.url}/say", json={"chat": chat, **told}).raise_for_status()

    def give(self, update: dict[str, Any]) -> None:
        """Have Telegram give an update as it stands, whatever it lacks."""
        httpx.post(f"{self.url}/say", json={"update": update}).raise_for_status()

    def taken(self, api: str) -> list[dict[str, Any]]:
        """What it took over one interface, in order."""
        return [one for one in httpx.get(f"{self.url}/taken").json() if one["api"] == api]

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_ready(lambda: listens(self.port), timeout=20, what="listening")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no fault."""


def main() -> None:
    """Serve until killed."""
    _Handler.state = _State()
    _Server(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()


if __name__ == "__main__":
    main()
