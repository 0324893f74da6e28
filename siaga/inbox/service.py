"""``siaga inbox``: the process, from its settings until it is asked to stop."""

from __future__ import annotations

from contextlib import closing

import uvicorn

from siaga.ending import Server
from siaga.heads import HeadsInTime
from siaga.inbox.app import HOST, create_app
from siaga.inbox.kept import Kept
from siaga.inbox.people import People
from siaga.settings import Settings


def serve(settings: Settings, *, people_speed: float | None = None) -> None:
    """Serve until SIGINT or SIGTERM. With ``people_speed``, a calendar's, the officers of a simulated day answer.

    Raises:
        siaga.settings.SettingsError: they are to answer, and no broker is set.
    """
    people = None
    if people_speed is not None:
        settings.require_kafka()
        people = People(settings, people_speed)
        people.start()
    with closing(Kept(settings.data_dir / "inbox.jsonl")) as kept:
        config = uvicorn.Config(
            create_app(kept) if people is None else create_app(kept, people.receive),
            host=HOST,
            port=settings.inbox_port,
            http=HeadsInTime,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        Server(config).run()
    if people is not None:
        people.stop()
