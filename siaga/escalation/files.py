"""A directory with a policy and rosters: ``policy.toml`` and, one an area, ``roster*.toml``.

Input: a directory. Output: registry entries, or every problem with its file.
"""

from __future__ import annotations

from pathlib import Path

from siaga.contracts.decode import Problem
from siaga.contracts.roster import PolicyEntry, RosterEntry
from siaga.escalation.policy import parse_policy
from siaga.escalation.roster_file import parse_roster
from siaga.rules.errors import RulesError, read_toml


def read_duties(directory: Path, *, needs_roster: bool = True) -> tuple[PolicyEntry | None, list[RosterEntry]]:
    """The policy, where there is one, and the rosters of a directory.

    Raises:
        RulesError: a file cannot be used, or there is no roster where it ``needs_roster``; every problem names its
            file.
    """
    if not directory.is_dir():
        raise RulesError([Problem(str(directory), "is no directory", "name the one that holds roster.toml")])
    problems: list[Problem] = []
    policy: PolicyEntry | None = None
    rosters: list[RosterEntry] = []
    policy_file = directory / "policy.toml"
    if policy_file.is_file():
        try:
            text = _text(policy_file)
            parse_policy(text)
            policy = PolicyEntry(schema_version=1, version=read_toml(text)["version"], toml=text)
        except RulesError as error:
            problems += _in_file(policy_file, error)
    files = sorted(directory.glob("roster*.toml"))
    for file in files:
        try:
            rosters.append(parse_roster(_text(file)))
        except RulesError as error:
            problems += _in_file(file, error)
    areas = [roster.area for roster in rosters]
    for area in sorted({area for area in areas if areas.count(area) > 1}):
        problems.append(Problem("area", f"two rosters are of {area}", "join them into one file"))
    if not files and needs_roster:
        problems.append(
            Problem(str(directory), "holds no roster", "put a roster.toml there, or name another directory")
        )
    if problems:
        raise RulesError(problems)
    return policy, rosters


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RulesError([Problem("file", "is not UTF-8", "save it as UTF-8")]) from None
    except OSError as error:
        raise RulesError([Problem("file", f"cannot be read: {error.strerror}", "allow it to be read")]) from None


def _in_file(file: Path, error: RulesError) -> list[Problem]:
    return [Problem(f"{file.name}: {p.field}", p.message, p.remedy) for p in error.problems]
