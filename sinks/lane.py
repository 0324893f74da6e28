"""A thread that does one thing after the other, for whatever must not be done by two at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


class Lane:
    """Does what it is given in the order in which it is given. It never holds up the end of the process."""

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        Thread(target=self._go, name=name, daemon=True).start()

    def submit(self, act: Callable[[], T]) -> Future[T]:
        """Have something done; its answer or its error is in the future."""
        future: Future[T] = Future()
        self._waiting.put((act, future))
        return future

    def _go(self) -> None:
        while True:
            act, future = self._waiting.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                answer = act()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(answer)
