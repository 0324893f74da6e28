"""The accounts of those who sign in with an OpenID Connect provider.

In: who they are there, and the user that the grants make of them. Out: their user as it stands, or why there is none.
State: ``identities`` and their rows of ``users``, which have no password. What they may see is renewed each time they
sign in; a user who was made here with a password is never taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from console.accounts.grants import Unfit
from console.accounts.tables import identities, sessions, tokens, users
from console.accounts.users import User


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider: a name that is theirs for good and nobody else's."""

    issuer: str
    subject: str


class Identities:
    """The ``identities`` table."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def enter(self, who: Identity, user: User | Unfit, now: datetime) -> User | Unfit:
        """The account of ``who``, made or renewed as ``user`` says.

        Who is known but has no role any more is out at once, on other screens and with tokens too.
        """
        try:
            return self._enter(who, user, now)
        except sa.exc.IntegrityError:  # two screens at once, the first time
            return self._enter(who, user, now)

    def _enter(self, who: Identity, user: User | Unfit, now: datetime) -> User | Unfit:
        with self._engine.begin() as connection:
            mine = (identities.c.issuer == who.issuer) & (identities.c.subject == who.subject)
            name = connection.scalar(sa.select(identities.c.user_name).where(mine))
            if isinstance(user, Unfit):
                if name is not None and user is Unfit.NO_ROLE:
                    for table in (sessions, tokens):
                        connection.execute(table.delete().where(table.c.user_name == name))
                return user
            values = {"role": user.role.value, "agency": user.agency, "districts": list(user.districts)}
            if name is None:
                if connection.scalar(sa.select(users.c.name).where(users.c.name == user.name)) is not None:
                    return Unfit.NAME_TAKEN
                connection.execute(
                    users.insert().values(**values, name=user.name, active=True, failures=0, created_at=now)
                )
                key = {"issuer": who.issuer, "subject": who.subject, "user_name": user.name, "created_at": now}
                connection.execute(identities.insert().values(key))
                return user
            # The name stays the one they had first: decisions are signed with it.
            if not connection.scalar(sa.select(users.c.active).where(users.c.name == name)):
                return Unfit.DISABLED
            connection.execute(users.update().where(users.c.name == name).values(values))
            return User(name, user.role, user.agency, user.districts, True)

    def has(self, name: str) -> bool:
        """Whether a user signs in with a provider."""
        with self._engine.connect() as connection:
            found = connection.scalar(sa.select(identities.c.user_name).where(identities.c.user_name == name))
        return found is not None
