"""What the application works with, put together once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from console.accounts.guessing import Guessing
from console.accounts.sessions import Sessions, Tokens
from console.accounts.users import Users
from console.commands import CommandPublisher
from console.database import Database
from console.feed import Feed
from console.metrics import Metrics
from console.openid import OpenId, make_openid
from siaga.answers.gateways import Gateways
from siaga.certificates import CertificateMetrics
from siaga.links import Links, make_links
from siaga.settings import Settings


@dataclass(frozen=True, slots=True)
class Core:
    """Everything an endpoint may need."""

    settings: Settings
    database: Database
    users: Users
    guessing: Guessing
    sessions: Sessions
    tokens: Tokens
    feed: Feed
    commands: CommandPublisher
    links: Links
    gateways: Gateways
    metrics: Metrics
    #: ``None`` where people sign in with passwords only.
    openid: OpenId | None
    #: Pages of the board as they were last compressed, by audience, state of the board and second.
    board_pages: dict[tuple[Any, ...], bytes] = field(default_factory=dict)

    @staticmethod
    def now() -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)


def make_core(settings: Settings) -> Core:
    """Connect the parts; nothing is started and no connection opened yet.

    Raises:
        siaga.settings.SettingsError: a setting is wrong.
    """
    links = make_links(settings)
    database = Database(settings.database_url, settings.database_password_file)
    metrics = Metrics()
    CertificateMetrics(metrics.registry).show(settings, "console", "kafka", "kafka_ca")
    return Core(
        settings=settings,
        database=database,
        users=Users(database.write),
        guessing=Guessing(links.keys),
        sessions=Sessions(database.write, settings),
        tokens=Tokens(database.write),
        feed=Feed(settings, database.read, metrics),
        commands=CommandPublisher(settings, metrics),
        links=links,
        gateways=Gateways(settings, os.environ),
        metrics=metrics,
        openid=make_openid(settings, database.write),
    )
