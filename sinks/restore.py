"""Fills a broker that is empty with what the database remembers: the registry and, if asked for, the commands.

Input: the tables ``registry`` and ``commands``. Output: their records, as they once were. State: none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa

from siaga.contracts.command import Command
from siaga.contracts.topics import COMMANDS, REGISTRY, partition_of
from siaga.settings import Settings
from sinks.database import engine_of
from sinks.migrate import revision_of, upgrade
from sinks.producing import Outgoing, produce
from sinks.tables import commands, registry

SOURCE = "restore"


def restore_registry(settings: Settings, *, decisions: bool = True) -> int:
    """Publish every entry of the registry again; answers how many records: 0 without a database.

    Args:
        settings: say which database and which broker.
        decisions: every command as well, for a broker that gets the reports they are about again too.

    Raises:
        SettingsError: no broker is set or it does not take them, or the schema is newer than this Siaga.
    """
    engine = engine_of(settings, writes=True)
    with engine.connect() as connection, connection.begin():
        if revision_of(connection) is None:
            return 0
    upgrade(engine)
    with engine.connect() as connection, connection.begin():
        remembered = [*_entries(connection), *(_commands(connection, settings.partitions) if decisions else ())]
    return produce(settings, remembered, source=SOURCE) if remembered else 0


def _entries(connection: sa.Connection) -> Iterator[Outgoing]:
    asked = sa.select(registry.c.key, registry.c.value).where(registry.c.value.is_not(None)).order_by(registry.c.key)
    for key, value in connection.execute(asked):
        yield Outgoing(REGISTRY, 0, key.encode(), bytes(value), event_id=key, kind="registry")


def _commands(connection: sa.Connection, partitions: int) -> Iterator[Outgoing]:
    """In the order in which they came."""
    for body in connection.scalars(sa.select(commands.c.body).order_by(commands.c.seq)):
        command = Command.model_validate_json(json.dumps(body))
        district = command.district
        yield Outgoing(
            COMMANDS,
            partition_of(district, partitions),
            district.encode(),
            command.to_json(),
            event_id=str(command.command_id),
            kind="command",
        )
