"""The script of troubles: scenes as data (``script.toml``), read and checked.

Times in a script are the election's own: ``voting+95m`` is 95 minutes after voting began, at whatever speed it plays.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from siaga.contracts.base import KindCode
from siaga.contracts.decode import problems_of
from siaga.contracts.report import Facts, Role

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"([+-]?)((?:\d+[smhd])+)")


class ScriptError(ValueError):
    """The script cannot be played; the message names every wrong place and the remedy."""


def seconds(text: Any) -> float:
    """A duration such as ``1h30m`` or ``-2d`` in seconds.

    Raises:
        ValueError: it is none.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no duration; write one such as 90s, 12m, 1h30m or -2d")
    length = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", match[2]))
    return -length if match[1] == "-" else length


def _moment(text: Any) -> Any:
    stage, plus, length = text.partition("+") if isinstance(text, str) else ("", "", "")
    if stage not in ("voting", "counting") or not plus:
        raise ValueError(f"{text!r} is no moment; write one such as voting+95m or counting+20m")
    return stage, seconds(length)


def _speaker(text: Any) -> Any:
    role, _, number = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if role not in list(Role) or not number.isdigit():
        raise ValueError(f"{text!r} is no reporter; write a role and a number, such as 'public 2'")
    return Role(role), int(number)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Moment = Annotated[tuple[Literal["voting", "counting"], float], BeforeValidator(_moment)]
Duration = Annotated[float, BeforeValidator(seconds)]
Speaker = Annotated[tuple[Role, int], BeforeValidator(_speaker)]


class Step(_Part):
    """One report of a scene. Durations are seconds of election time."""

    at: Moment
    kind: KindCode
    station: str = Field(description="A name from the scene's cast")
    by: Speaker = Field(description="The role and the number, within the scene, of the person who speaks")
    text: str
    facts: Facts = Facts()
    accuses: bool = Field(default=False, description="Whether it accuses the district's own Polsek")
    id: str | None = Field(default=None, description="A name that a later step may correct")
    corrects: str | None = None
    withdraws: bool = False
    delay: Duration = Field(default=30.0, description="How much later it is sent than it happened")
    copies: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="How often the same message is sent")
    clock: Duration = Field(default=0.0, description="How far the phone's clock is ahead (negative: behind)")
    drill: bool = False


class Scene(_Part):
    """A story: who stands where, and what is reported."""

    name: Annotated[str, Field(pattern=r"^[a-z-]{3,40}$")]
    about: str
    cast: dict[str, str] = Field(
        description="Stations by name: a district's code, `near NAME` or `across NAME` (another district)"
    )
    step: tuple[Step, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.step:
            raise ValueError("step: there is none; write at least one")
        known: set[str] = set()
        for number, step in enumerate(self.step, 1):
            if step.station not in self.cast:
                raise ValueError(f"step {number}: station {step.station!r} is not in the cast; add it")
            if step.corrects is not None and step.corrects not in known:
                raise ValueError(
                    f"step {number}: corrects {step.corrects!r}, which no earlier step is; give it an id"
                )
            if step.withdraws and step.corrects is None:
                raise ValueError(f"step {number}: withdraws nothing; say what it corrects")
            if step.id is not None:
                known.add(step.id)
        return self


class Outage(_Part):
    """A stretch in which a district, or one station of it, cannot send."""

    name: str
    about: str
    district: str
    whole: bool = Field(default=True, description="The whole district, or one station of it")
    starts: Moment
    ends: Moment
    queued: bool = Field(default=True, description="Whether the phones send afterwards what they could not send")


class Noise(_Part):
    """A small trouble that may happen anywhere, drawn by weight."""

    kind: KindCode
    stage: Literal["voting", "counting", "both"]
    weight: Annotated[float, Field(gt=0)]
    by: tuple[Role, ...]
    texts: Annotated[tuple[str, ...], Field(min_length=1)]
    facts: Facts = Facts()


class Script(_Part):
    """All the troubles of the day."""

    version: Literal[1]
    scene: tuple[Scene, ...] = ()
    outage: tuple[Outage, ...] = ()
    noise: tuple[Noise, ...] = ()

    @property
    def families(self) -> frozenset[str]:
        """Families of kinds that the scenes play."""
        return frozenset(step.kind.partition(".")[0] for scene in self.scene for step in scene.step)


def parse_script(toml: str) -> Script:
    """The script in ``toml``.

    Raises:
        ScriptError: it is not TOML, or something in it is wrong; every wrong place is named.
    """
    try:
        return Script.model_validate(tomllib.loads(toml))
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(f"script: is not TOML: {error}; correct it") from None
    except ValidationError as error:
        raise ScriptError("\n".join(f"{p.field}: {p.message}; {p.remedy}" for p in problems_of(error))) from None


@cache
def builtin_script() -> Script:
    """The script that comes with Siaga."""
    return parse_script(resources.files("producers.simulate").joinpath("script.toml").read_text("utf-8"))
