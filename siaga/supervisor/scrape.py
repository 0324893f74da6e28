"""Reads the processes' metrics, away from the main thread so that a hung process cannot hold up the rest."""

from __future__ import annotations

import math
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

from siaga.serving import is_loopback

EVERY = 1.0
_TIMEOUT = 2.0

#: ``(metric, labels)``; labels as sorted pairs.
Sample = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One process's metrics at one moment (monotonic seconds), with those of the reading before."""

    at: float
    samples: Mapping[Sample, float]
    before: Reading | None = field(default=None, repr=False)

    def values(self, metric: str, **labels: str) -> Iterable[float]:
        """The values of a metric's samples that carry all of ``labels``; NaN (nothing known) is left out."""
        wanted = set(labels.items())
        for (name, pairs), value in self.samples.items():
            if name == metric and wanted <= set(pairs) and not math.isnan(value):
                yield value

    def total(self, metric: str, **labels: str) -> float:
        """The sum of a metric's samples that carry all of ``labels``; 0 when there are none."""
        return sum(self.values(metric, **labels))

    def rate(self, metric: str, **labels: str) -> float:
        """How fast a counter rises, per second, between the reading before and this one; 0 when unknown."""
        if self.before is None or self.at <= self.before.at:
            return 0.0
        rise = self.total(metric, **labels) - self.before.total(metric, **labels)
        return max(0.0, rise / (self.at - self.before.at))


class Scraper:
    """Reads every process's metrics each second; :meth:`readings` gives the latest of those that answer.

    Args:
        urls: where each process shows its metrics.
        ready: what besides must answer 200 before a process counts as answering.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        ready: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._urls = dict(urls)
        self._ready = dict(ready or {})
        self._clock = clock
        self._lock = Lock()
        self._readings: dict[str, Reading] = {}
        self._stop = Event()
        self._threads = [
            Thread(target=self._watch, args=(name, url), name=f"scrape-{name}", daemon=True)
            for name, url in self._urls.items()
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Read no more; a reading under way is left to its end."""
        self._stop.set()

    def readings(self) -> dict[str, Reading]:
        """The last reading of every process that answered the last time it was asked."""
        with self._lock:
            return dict(self._readings)

    def _watch(self, name: str, url: str) -> None:
        while not self._stop.is_set():
            also = self._ready.get(name)
            samples = fetch(url) if also is None or answers(also) else None
            with self._lock:
                if samples is None:
                    self._readings.pop(name, None)
                else:
                    last = self._readings.get(name)
                    before = Reading(last.at, last.samples) if last is not None else None
                    self._readings[name] = Reading(self._clock(), samples, before)
            self._stop.wait(EVERY)


def fetch(url: str) -> dict[Sample, float] | None:
    """A process's samples, ``None`` when it does not answer."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        # The address is made from our own settings: http on an address we chose.
        with urllib.request.urlopen(url, timeout=_TIMEOUT, context=_line(url)) as response:  # noqa: S310
            text = response.read().decode()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    except (OSError, HTTPException, ValueError):
        return None


def _line(url: str) -> ssl.SSLContext | None:
    """How an address is asked. On this machine's own, a certificate that names the posko would only be refused."""
    asked = urlsplit(url)
    if asked.scheme != "https" or not is_loopback(asked.hostname or ""):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT, context=_line(url)) as response:  # noqa: S310  (as above)
            return bool(response.status == 200)
    except (OSError, HTTPException, ValueError):
        return False
