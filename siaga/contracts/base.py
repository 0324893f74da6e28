"""What every message has in common: strictness, versions, clean text and aware times."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

#: The only version of the contracts so far. A message that names another is refused, never guessed at.
SCHEMA_VERSION: Final = 1
SchemaVersion = Literal[1]


class Contract(BaseModel):
    """A message as it travels. Unknown fields are refused by name; instances never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_timedelta="float")

    def to_json(self) -> bytes:
        """The message as UTF-8 JSON, the form it has in Kafka."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def of_valid(cls, **values: Any) -> Self:
        """A message of values that were valid where they came in and have the fields' own types: not looked at again.

        Validating a snapshot anew costs more than deciding it. Every field without a default must be given.
        """
        made = cls.__new__(cls)
        set_field(made, "__dict__", {**_defaults(cls), **values})
        set_field(made, "__pydantic_fields_set__", set(values))
        set_field(made, "__pydantic_extra__", None)
        set_field(made, "__pydantic_private__", None)
        return made


#: Instances never change, so that their fields have to be set past the class.
set_field: Final = object.__setattr__


@cache
def _defaults(model: type[Contract]) -> dict[str, Any]:
    """What the fields hold that are not given, in the order in which they are written."""
    return {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
    }


def _clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair; send whole UTF-8 characters") from None
    return text


def _in_utc(at: datetime) -> datetime:
    if at.tzinfo is UTC:
        return at
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the calendar; send a date of this election") from None


#: Text that a database and a screen can hold: no NUL, no lone surrogate.
CleanText = Annotated[str, AfterValidator(_clean)]
#: A short identifier: letters, digits and ``. _ : @ -``.
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:@-]{1,80}$")]
#: A time with an offset; kept in UTC.
Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
KindCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")]
__all__ = ["SCHEMA_VERSION", "UUID", "CleanText", "Contract", "KindCode", "SchemaVersion", "Time", "Token"]
