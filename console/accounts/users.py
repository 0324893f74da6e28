"""People and programs: who they are, and whether a password is theirs.

In: the ``users`` table. Out: a :class:`User`, or why not. A password is checked at the same cost whether or not there
is such a user; how often that is done is :mod:`console.accounts.guessing`'s.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import BoundedSemaphore
from typing import Any, Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.accounts.tables import sessions, tokens, users
from siaga.redaction import Audience, UserRole

SHORTEST: Final = 10
_HASHER: Final = PasswordHasher()
#: Each takes 64 MiB while it is checked: many that come at once wait.
_AT_ONCE: Final = BoundedSemaphore(4)


class AccountError(ValueError):
    """An account cannot be made or changed; the message names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    name: str
    role: UserRole
    agency: str | None
    districts: tuple[str, ...]
    active: bool

    def audience(self, reason: str | None = None) -> Audience:
        """As what they look at things; ``reason`` is an auditor's for seeing who reported."""
        return Audience(self.role, self.agency, self.districts, reason)


@cache
def _nobody() -> str:
    """A hash that no password has, so that an unknown name takes as long as a known one."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def new_password() -> str:
    """A password that nobody guesses: 96 random bits."""
    return secrets.token_urlsafe(12)


class Users:
    """The ``users`` table."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, user: User, password: str, now: datetime) -> None:
        """Make an account.

        Raises:
            AccountError: the name is taken, or the password too short.
        """
        row = {
            "name": user.name,
            "role": user.role.value,
            "agency": user.agency,
            "districts": list(user.districts),
            "password_hash": _hash(password),
            "active": user.active,
            "failures": 0,
            "created_at": now,
        }
        with self._engine.begin() as connection:
            if connection.scalar(sa.select(users.c.name).where(users.c.name == user.name)) is not None:
                raise AccountError(f"name: there is a user {user.name}; choose another, or 'siaga user password'")
            connection.execute(users.insert().values(row))

    def get(self, name: str) -> User | None:
        """The user of this name."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name)).mappings().first()
        return None if row is None else user_of(row)

    def all(self) -> Sequence[User]:
        """Everybody, by name."""
        with self._engine.connect() as connection:
            return [user_of(row) for row in connection.execute(sa.select(users).order_by(users.c.name)).mappings()]

    def set_password(self, name: str, password: str) -> None:
        """Change a password and end every session under it.

        Raises:
            AccountError: there is no such user, or the password is too short.
        """
        self._change(name, password_hash=_hash(password))

    def set_active(self, name: str, active: bool) -> None:
        """Let a user in again, or out for good: sessions and tokens end at once.

        Raises:
            AccountError: there is no such user.
        """
        self._change(name, active=active)
        if not active:
            with self._engine.begin() as connection:
                connection.execute(tokens.delete().where(tokens.c.user_name == name))

    def _change(self, name: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            done = connection.execute(users.update().where(users.c.name == name).values(**values))
            if done.rowcount == 0:
                raise AccountError("name: there is no such user; see 'siaga user list'")
            connection.execute(sessions.delete().where(sessions.c.user_name == name))

    def sign_in(self, name: str, password: str) -> User | None:
        """The user, if this is their password; ``None`` if not, without telling which of the two is wrong."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(users).where(users.c.name == name)).mappings().first()
        right = _fits(row["password_hash"] if row is not None else None, password)
        return user_of(row) if row is not None and right and row["active"] else None


def user_of(row: Any) -> User:
    """A user out of a row of ``users``."""
    return User(row["name"], UserRole(row["role"]), row["agency"], tuple(row["districts"] or ()), row["active"])


def _hash(password: str) -> str:
    if len(password) < SHORTEST:
        raise AccountError(f"password: is shorter than {SHORTEST} characters; choose a longer one")
    return _HASHER.hash(password)


def _fits(stored: str | None, password: str) -> bool:
    try:
        with _AT_ONCE:
            return _HASHER.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
