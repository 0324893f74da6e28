"""The command centre around a filled database, served on a real port, with a user and a token of every role."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from types import TracebackType
from typing import Any, Final, Self

import httpx
import uvicorn
from argon2 import PasswordHasher
from prometheus_client import generate_latest

from console.accounts.tables import users
from console.app import create_app
from console.core import Core, make_core
from console.service import prepare
from siaga.redaction import UserRole
from siaga.settings import Settings
from tests.support.processes import free_port, listens
from tests.support.wait import until

PASSWORD: Final = "kata-sandi-panjang"
ROLES: Final = tuple(role for role in UserRole if role is not UserRole.PUBLIC)
#: An operator of the unit that an incident accuses, and one of another unit.
ACCUSED: Final = "kajen"


@cache
def _hash() -> str:
    """The hash of :data:`PASSWORD`: made once, because making one is meant to be slow."""
    return PasswordHasher().hash(PASSWORD)


def add_user(
    core: Core, name: str, role: UserRole, *, agency: str | None = None, districts: tuple[str, ...] = ()
) -> None:
    """Make a user with :data:`PASSWORD`."""
    row = {"name": name, "role": role.value, "agency": agency, "districts": list(districts), "active": True}
    row |= {"password_hash": _hash(), "failures": 0, "created_at": core.now()}
    with core.database.write.begin() as connection:
        connection.execute(users.insert().values(row))


class Centre:
    """The API and the plain pages in this process; the live page needs a process of its own."""

    def __init__(self, settings: Settings, *, port: int | None = None) -> None:
        self.settings = settings.model_copy(update={"console_port": port or free_port()})
        self.url = f"http://127.0.0.1:{self.settings.console_port}"
        self.core: Core = make_core(self.settings)
        prepare(self.core)
        self.tokens: dict[str, str] = {}
        for role in ROLES:
            self.add(role.value, role)
        self.add(ACCUSED, UserRole.OPERATOR, agency="polsek-kajen")
        self.app = create_app(self.core)
        config = uvicorn.Config(self.app, port=self.settings.console_port, log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.http = httpx.Client(base_url=self.url, timeout=20)

    def add(self, name: str, role: UserRole, *, agency: str | None = None, districts: tuple[str, ...] = ()) -> str:
        """Make a user with :data:`PASSWORD` and give their token."""
        add_user(self.core, name, role, agency=agency, districts=districts)
        self.tokens[name] = self.core.tokens.make(name, self.core.now())
        return self.tokens[name]

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: listens(self.settings.console_port), what="the console's port")
        until(lambda: self.core.feed.ready, what="the board")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        self.http.close()

    def headers(self, name: str | None) -> dict[str, str]:
        """The headers of a program with this user's token; none for the public."""
        return {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}

    def get(self, path: str, name: str | None = "admin", **options: Any) -> httpx.Response:
        return self.http.get(path, headers=self.headers(name), **options)

    def post(self, path: str, body: Any, name: str | None = "operator") -> httpx.Response:
        return self.http.post(path, json=body, headers=self.headers(name))

    @property
    def metrics(self) -> str:
        """What Prometheus is told."""
        return generate_latest(self.core.metrics.registry).decode()

    def until_known(self, incident_id: str) -> None:
        """Wait until the board has heard of an incident."""
        until(
            lambda: any(row["incident_id"] == incident_id for row in self.core.feed.board.rows()),
            what="the incident on the board",
        )

    def events(self, name: str, **parameters: Any) -> Events:
        """An open event stream."""
        return Events(self.url, self.headers(name), parameters)


class Events:
    """An event stream; iterating gives ``(event, data, id)``."""

    def __init__(self, url: str, headers: Mapping[str, str], parameters: Mapping[str, Any]) -> None:
        self._client = httpx.Client(base_url=url, timeout=20)
        self._stream = self._client.stream("GET", "/api/events", headers=dict(headers), params=dict(parameters))

    def __enter__(self) -> Iterator[tuple[str, Any, int]]:
        self.response = self._stream.__enter__()
        return self._read()

    def __exit__(self, *error: Any) -> None:
        with closing(self._client):
            self._stream.__exit__(*error)

    def _read(self) -> Iterator[tuple[str, Any, int]]:
        found: dict[str, str] = {}
        for line in self.response.iter_lines():
            if not line:
                if "event" in found:
                    yield found["event"], json.loads(found["data"]), int(found["id"])
                found = {}
                continue
            name, _, value = line.partition(": ")
            found[name] = value
