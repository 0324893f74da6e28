"""The run itself: broker, processes and status, from the first start to the last stop.

One loop in the main thread looks after everything a few times a second; what may take long (making topics, filling a
broker) runs beside it, so that the status stays true and Ctrl-C is heard at once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from types import FrameType
from typing import Final

from siaga.supervisor.backoff import Backoff
from siaga.supervisor.child import WRONG_SETTING, Child, State
from siaga.supervisor.embedded import BrokerError, EmbeddedBroker
from siaga.supervisor.scrape import Scraper
from siaga.supervisor.screen import Screen
from siaga.supervisor.status import Status, summarise

_TICK: Final = 0.2
#: Seconds a process gets to end in good order.
_STOP_SECONDS: Final = 15.0
#: A process that is not ready after this many seconds is worth a word.
_SLOW_SECONDS: Final = 60.0


class RunError(RuntimeError):
    """The run cannot go on; the message says why and what to do."""

    #: What the command ends with.
    exit_code = 1


class WrongSettingError(RunError):
    """A process ended because a setting is wrong; the message has its words."""

    exit_code = WRONG_SETTING


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is made of.

    ``processes`` start in this order and stop in the reverse one; those in ``forgetful`` hold positions in the broker
    and start anew when an embedded broker lost everything. ``fill`` gives an empty (or external) broker its topics
    and what belongs in them; it returns what to say about it. ``ready`` is called once, when every process is ready,
    and gives what is to be started then.
    """

    processes: Sequence[Child]
    forgetful: frozenset[str]
    fill: Callable[[], str]
    ready: Callable[[], Sequence[Child]]
    broker: EmbeddedBroker | None


class Supervisor:
    """Runs a :class:`Run` until it is asked to stop or a setting proves wrong."""

    def __init__(
        self, run: Run, scraper: Scraper, screen: Screen, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._run = run
        self._scraper = scraper
        self._screen = screen
        self._clock = clock
        self._began = clock()
        self._extras: list[Child] = []
        self._filling: _Task | None = None
        self._fill_backoff = Backoff()
        self._fill_at = 0.0
        self._filled = False
        self._was_ready = False
        self._slow_said = False
        self._stop = Event()

    def stop(self) -> None:
        """Ask the run to end; any thread or signal may."""
        self._stop.set()

    def run(self) -> None:
        """Start everything, look after it until asked to stop, and stop it in order.

        Raises:
            RunError: the broker could not be prepared.
            WrongSettingError: a process says that a setting is wrong.
            BrokerError: the embedded broker cannot start at all.
        """
        with self._signals(), self._screen:
            try:
                if self._run.broker is not None:
                    self._run.broker.start()
                self._scraper.start()
                self._begin_filling()
                while not self._stop.wait(_TICK):
                    self._look()
            finally:
                self._end()

    # -- looking after it -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        broker = self._run.broker
        if broker is not None and not broker.running and self._clock() >= self._fill_at:
            self._lost_broker(broker)
        if self._filling is None and not self._filled and self._clock() >= self._fill_at:
            self._begin_filling()
        if self._filling is not None and self._filling.over:
            self._filling_ended(self._filling)
        self._look_at_processes()
        self._screen.show(self.status())

    def _look_at_processes(self) -> None:
        answering = self._scraper.readings()
        for child in (*self._run.processes, *self._extras):
            if child.poll():
                self._ended(child)
            elif child.name in answering or child in self._extras:
                child.ready()
        waiting = [c.name for c in self._run.processes if c.state is not State.READY]
        if not waiting and not self._was_ready:
            self._was_ready = True
            self._extras = list(self._run.ready())
            for child in self._extras:
                child.start()
        elif waiting and not self._was_ready and not self._slow_said and self._clock() - self._began > _SLOW_SECONDS:
            self._slow_said = True
            self._screen.note(f"still waiting for {', '.join(waiting)}; see {self._run.processes[0].log.parent}")

    def _ended(self, child: Child) -> None:
        if child.state is State.DONE:
            self._screen.note(f"{child.name} is over: {child.last_words()}")
            return
        if child.exit_code == WRONG_SETTING:
            raise WrongSettingError(f"{child.name} {child.why_ended()}")
        self._screen.note(f"{child.name} {child.why_ended()}; it is started again (log: {child.log})")

    # -- the broker -----------------------------------------------------------------------------------------------

    def _begin_filling(self) -> None:
        self._filling = _Task(self._run.fill)

    def _filling_ended(self, task: _Task) -> None:
        self._filling = None
        if task.error is None:
            self._filled = True
            self._screen.note(task.said)
            for child in self._run.processes:
                child.start()
            return
        if not self._was_ready:
            raise RunError(f"the broker could not be prepared: {task.error}") from task.error
        pause = self._fill_backoff.after(0.0)
        self._screen.note(f"filling the embedded broker failed, again in {pause:g} s: {task.error}")
        self._fill_at = self._clock() + pause

    def _lost_broker(self, broker: EmbeddedBroker) -> None:
        """An embedded broker that ends takes its log with it: begin again on an empty one."""
        self._screen.note(f"the embedded broker ended; it is started again and filled (log: {broker.log})")
        # A filling under way is left to fail: whatever it still writes, the next one writes again.
        self._filled, self._filling = False, None
        forgetful = [child for child in self._run.processes if child.name in self._run.forgetful]
        # Killed rather than asked: what they would still write belongs to a log that is gone.
        for child in forgetful:
            child.stop(0.0)
        try:
            broker.start()
        except BrokerError as error:
            pause = self._fill_backoff.after(0.0)
            self._screen.note(f"{error}; again in {pause:g} s")
            self._fill_at = self._clock() + pause

    # -- the end --------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        self._scraper.stop()
        for child in (*reversed(self._extras), *reversed(self._run.processes)):
            if child.pid is not None:
                self._screen.note(f"stopping {child.name}")
            if not child.stop(_STOP_SECONDS):
                self._screen.note(f"{child.name} did not end within {_STOP_SECONDS:g} s and was killed")
        if self._run.broker is not None:
            self._run.broker.stop()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def heard(number: int, frame: FrameType | None) -> None:
            if self._stop.is_set():  # asked twice: there is no patience left
                for child in (*self._run.processes, *self._extras):
                    child.kill()
            self.stop()

        def passed_on(number: int, frame: FrameType | None) -> None:
            for child in self._run.processes:
                child.tell(number)

        handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), heard)
        handlers |= dict.fromkeys((signal.SIGUSR1, signal.SIGUSR2), passed_on)
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def status(self) -> Status:
        """How everything is at this moment."""
        children = (*self._run.processes, *self._extras)
        states = [(child.name, str(child.state), child.restarts) for child in children]
        broker = self._run.broker
        if broker is not None:
            state = "ready" if broker.running and self._filled else "filling" if broker.running else "stopped"
            states.insert(0, ("broker", state, 0))
        asked = {child.name for child in self._run.processes}
        return summarise(states, self._scraper.readings(), uptime=self._clock() - self._began, asked=asked)


class _Task:
    """A call beside the main thread; its answer or its error, once it is over."""

    def __init__(self, call: Callable[[], str]) -> None:
        self.said = ""
        self.error: Exception | None = None
        self._call = call
        self._thread = Thread(target=self._go, name="fill", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def _go(self) -> None:
        try:
            self.said = self._call()
        except Exception as error:  # whatever it is, the main thread decides
            self.error = error
