"""``siaga inbox``: the process, from its settings until it is asked to stop."""

from __future__ import annotations

from contextlib import closing

import uvicorn

from siaga.inbox.app import HOST, create_app
from siaga.inbox.kept import Kept
from siaga.settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    with closing(Kept(settings.data_dir / "inbox.jsonl")) as kept:
        config = uvicorn.Config(
            create_app(kept),
            host=HOST,
            port=settings.inbox_port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(config).run()
