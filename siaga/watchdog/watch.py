"""When somebody is called: hysteresis and repetition over what each look finds. Pure; the time comes in.

Input: the samples of every process at one moment (seconds of a clock that is never set). Output: notices. State:
since when each check of each process is wrong or right, and when somebody was last told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from siaga.watchdog.checks import Check, Samples, find


class Kind(StrEnum):
    """What a notice says."""

    RAISED = "raised"
    REPEATED = "repeated"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. ``since`` is when it began; ``number`` tells notices of one alarm apart."""

    kind: Kind
    check: Check
    target: str
    value: float | None
    since: float
    number: int


@dataclass(slots=True)
class _Alarm:
    wrong_since: float | None = None
    right_since: float | None = None
    told_at: float | None = None
    began: float = 0.0
    number: int = 0


class Watch:
    """The watchdog's memory."""

    def __init__(self, checks: Sequence[Check], targets: Iterable[str], *, repeat: float) -> None:
        """``repeat`` is after how many seconds what is still wrong is told again."""
        self._checks = tuple(checks)
        self._repeat = repeat
        self._alarms = {
            (check.id, target): _Alarm() for target in targets for check in checks if check.concerns(target)
        }
        self._before: dict[str, Samples | None] = {target: None for _, target in self._alarms}
        self._is_well = False

    @property
    def all_is_well(self) -> bool:
        """Whether the last look found nothing wrong and no alarm is raised; false before the first."""
        return self._is_well

    @property
    def raised(self) -> dict[tuple[str, str], bool]:
        """Every (check, process), and whether its alarm is raised."""
        return {key: alarm.told_at is not None for key, alarm in self._alarms.items()}

    def look(self, readings: Mapping[str, Samples | None], now: float) -> list[Notice]:
        """What is to be told after this look. ``readings`` holds None for a process that does not answer."""
        notices = []
        is_well = True
        for check in self._checks:
            for target in self._before:
                alarm = self._alarms.get((check.id, target))
                if alarm is None:
                    continue
                found = find(check, readings.get(target), self._before[target])
                notice = self._step(check, alarm, found.is_wrong, now)
                if notice is not None:
                    notices.append(Notice(notice, check, target, found.value, alarm.began, alarm.number))
                is_well = is_well and not found.is_wrong and alarm.told_at is None
        for target in self._before:
            self._before[target] = readings.get(target)
        self._is_well = is_well
        return notices

    def _step(self, check: Check, alarm: _Alarm, is_wrong: bool, now: float) -> Kind | None:
        if is_wrong:
            alarm.right_since = None
            alarm.wrong_since = now if alarm.wrong_since is None else alarm.wrong_since
            if alarm.told_at is None and now - alarm.wrong_since >= check.lasting:
                alarm.told_at, alarm.began, alarm.number = now, alarm.wrong_since, alarm.number + 1
                return Kind.RAISED
        else:
            alarm.right_since = now if alarm.right_since is None else alarm.right_since
            if alarm.told_at is None:
                alarm.wrong_since = None
            elif now - alarm.right_since >= check.clearing:
                alarm.wrong_since = alarm.told_at = None
                alarm.number += 1
                return Kind.CLEARED
        if alarm.told_at is not None and now - alarm.told_at >= self._repeat:
            alarm.told_at, alarm.number = now, alarm.number + 1
            return Kind.REPEATED
        return None
