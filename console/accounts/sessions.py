"""Signed-in browsers and programs with tokens. Only hashes are kept: who reads the database cannot sign in with it.

A session ends at a fixed time, and earlier when nobody used it for a while; an open page counts as use.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from console.accounts.tables import sessions, tokens, users
from console.accounts.users import User, user_of
from siaga.settings import Settings

#: How often the use of a session is written down at most.
_TOUCH: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. ``csrf`` has to come back with whatever changes something."""

    key: str
    user: User
    csrf: str
    expires_at: datetime


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Sessions:
    """The ``sessions`` table."""

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        self._engine = engine
        self._longest = timedelta(hours=settings.session_hours)
        self._idle = timedelta(minutes=settings.session_idle_minutes)

    def open(self, user: User, now: datetime) -> str:
        """Begin a session; what its cookie holds. Sessions that are over are swept out."""
        secret = secrets.token_urlsafe(32)
        row = {
            "token_sha256": _sha256(secret),
            "user_name": user.name,
            "csrf": secrets.token_urlsafe(24),
            "created_at": now,
            "seen_at": now,
            "expires_at": now + self._longest,
        }
        with self._engine.begin() as connection:
            over = (sessions.c.expires_at <= now) | (sessions.c.seen_at <= now - self._idle)
            connection.execute(sessions.delete().where(over))
            connection.execute(sessions.insert().values(row))
        return secret

    def find(self, cookie: str, now: datetime) -> Session | None:
        """The session of a cookie, if it is still one and its user still active."""
        return self.look(_sha256(cookie), now)

    def look(self, key: str, now: datetime) -> Session | None:
        """The session under ``key`` (:attr:`Session.key`), if it is still one; notes that it is used."""
        wanted = (
            sa.select(users, sessions.c.csrf, sessions.c.seen_at, sessions.c.expires_at)
            .join(users, users.c.name == sessions.c.user_name)
            .where(sessions.c.token_sha256 == key)
        )
        with self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None or not row["active"] or row["expires_at"] <= now or row["seen_at"] <= now - self._idle:
            return None
        if now - row["seen_at"] >= _TOUCH:
            with self._engine.begin() as connection:
                connection.execute(sessions.update().where(sessions.c.token_sha256 == key).values(seen_at=now))
        return Session(key, user_of(row), row["csrf"], row["expires_at"])

    def close(self, cookie: str) -> None:
        """End a session."""
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.token_sha256 == _sha256(cookie)))


class Tokens:
    """The ``tokens`` table: ``<token_id>.<secret>``, sent as a bearer token."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def make(self, user: str, now: datetime, *, days: float | None = None) -> str:
        """A token for a program that acts as ``user``; shown once, only its hash is kept."""
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        row = {
            "token_id": token_id,
            "user_name": user,
            "secret_sha256": _sha256(secret),
            "created_at": now,
            "expires_at": None if days is None else now + timedelta(days=days),
        }
        with self._engine.begin() as connection:
            connection.execute(tokens.insert().values(row))
        return f"{token_id}.{secret}"

    def find(self, token: str, now: datetime) -> User | None:
        """The user a token stands for, if it is genuine and they are active."""
        token_id, _, secret = token.partition(".")
        wanted = (
            sa.select(users, tokens.c.secret_sha256, tokens.c.expires_at)
            .join(users, users.c.name == tokens.c.user_name)
            .where(tokens.c.token_id == token_id)
        )
        with self._engine.connect() as connection:
            row = connection.execute(wanted).mappings().first()
        same = hmac.compare_digest(_sha256(secret), row["secret_sha256"] if row is not None else "")
        if row is None or not same or not row["active"]:
            return None
        return None if row["expires_at"] is not None and row["expires_at"] <= now else user_of(row)

    def revoke(self, user: str) -> int:
        """Take away every token of ``user``; how many those were."""
        with self._engine.begin() as connection:
            return int(connection.execute(tokens.delete().where(tokens.c.user_name == user)).rowcount)
