"""Every metric of the watchdog, with its meaning. Labels are few and known at the start."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

LOOKS: Final = Counter("siaga_watchdog_looks", "Looks at all processes")
ALARM: Final = Gauge("siaga_watchdog_alarm", "1 while somebody is called about it", ["check", "part"])
WELL: Final = Gauge("siaga_watchdog_well", "1 while the last look found nothing wrong")
MESSAGES: Final = Counter("siaga_watchdog_messages", "Messages of alarms, by what became of them", ["outcome"])
BEATS: Final = Counter("siaga_watchdog_heartbeats", "Signs of life to the external monitor", ["outcome"])
OUTCOMES: Final = ("taken", "failed")
