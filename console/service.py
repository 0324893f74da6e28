"""Runs the command centre: the accounts' tables first, then the server until it is asked to stop."""

from __future__ import annotations

import logging
import time
from typing import Final

import sqlalchemy as sa
import uvicorn

from console.accounts.schema import upgrade
from console.app import create_app
from console.core import Core, make_core
from siaga.ending import Server, leaving_when_asked
from siaga.serving import http_options, metrics_shown
from siaga.settings import Settings, SettingsError

log = logging.getLogger(__name__)

_LONGEST_PAUSE: Final = 5.0


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        siaga.settings.SettingsError: a setting is wrong.
    """
    options = http_options(settings, "console")
    core = make_core(settings)
    if core.openid is not None:
        core.openid.check()
    with leaving_when_asked():
        prepare(core)
    app = create_app(core, with_live_page=True)
    # It writes a line for every page that is opened, with the id that the page's socket goes by.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        host=settings.console_host,
        port=settings.console_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        ws_max_size=1 << 20,
        **options,
    )
    with metrics_shown(settings, "console", core.metrics.registry):
        Server(config).run()


def prepare(core: Core) -> None:
    """Bring the accounts' tables up to date, waiting for the database as long as it takes.

    Raises:
        SettingsError: they have to be changed, and our role may not.
    """
    pause = 0.2
    while True:
        try:
            upgrade(core.database.write)
            return
        except sa.exc.ProgrammingError as error:
            raise SettingsError(
                f"database: the accounts' tables are not of this Siaga, and this role may not change them "
                f"({type(error.orig).__name__}); run 'siaga db upgrade' and 'siaga db roles --apply' as their owner"
            ) from None
        except sa.exc.OperationalError:
            log.warning("the database does not answer; trying again")
            # A database that is back tells nobody.
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
