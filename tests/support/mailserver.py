"""A real SMTP server that can fail, hang, answer 550 and take a mail without saying so."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from typing import Any, Self

from aiosmtpd.controller import Controller

from tests.support.processes import free_port


class MailMode(StrEnum):
    """What it does with a mail."""

    OK = "ok"
    #: 451: not now.
    LATER = "later"
    #: 550: never.
    NEVER = "never"
    #: Takes it and closes the connection without a word.
    DROP = "drop"
    #: Takes it and says nothing.
    HANG = "hang"


class _Handler:
    def __init__(self) -> None:
        self.mode = MailMode.OK
        self.mails: list[Message] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str | bytes:
        match self.mode:
            case MailMode.LATER:
                return "451 not now"
            case MailMode.NEVER:
                return "550 never"
        mail = message_from_bytes(envelope.content)
        mail["X-To"] = ", ".join(envelope.rcpt_tos)
        self.mails.append(mail)
        if self.mode is MailMode.DROP:
            server.transport.abort()
        elif self.mode is MailMode.HANG:
            await asyncio.sleep(60)
        return "250 taken"


class MailServer:
    """The server, on a loopback port."""

    def __init__(self) -> None:
        self._handler = _Handler()
        self.port = free_port()
        self._controller = Controller(self._handler, hostname="127.0.0.1", port=self.port)

    @property
    def mails(self) -> list[Message]:
        """What it took."""
        return self._handler.mails

    def behave(self, mode: MailMode) -> None:
        """Do this with every mail from now on."""
        self._handler.mode = mode

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._controller.stop()
