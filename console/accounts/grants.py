"""Who somebody is here, by what their OpenID Connect provider says of them: rules as data, read once.

In: a TOML file and the claims of a token that was checked. Out: a :class:`~console.accounts.users.User`, or why there
is none. Pure but for reading the file. The first grant that fits counts; nobody gets in whom none fits.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from console.accounts.users import User
from siaga.contracts.base import Token
from siaga.contracts.decode import problems_of
from siaga.contracts.roster import AreaField, CodeField
from siaga.redaction import UserRole
from siaga.settings import SettingsError

_LONGEST_SUBJECT: Final = 255


class Unfit(StrEnum):
    """Why somebody whom the provider knows is nobody here."""

    #: No grant names any of what they are there.
    NO_ROLE = "no_role"
    #: What the provider calls them cannot be a user's name.
    BAD_NAME = "bad_name"
    #: There is a user of this name who signs in otherwise.
    NAME_TAKEN = "name_taken"
    #: They were shut out here.
    DISABLED = "disabled"


class Grant(BaseModel):
    """Whose claim has ``value``, has this role, and sees what concerns this unit and these areas."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: Annotated[str, Field(min_length=1, max_length=200)]
    role: UserRole
    agency: CodeField | None = None
    districts: tuple[AreaField, ...] = ()


class Grants(BaseModel):
    """The file: which claims say who somebody is and what they are, and what follows from that."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Dots lead into objects: ``realm_access.roles``.
    roles_claim: Annotated[str, Field(min_length=1, max_length=200)] = "groups"
    name_claim: Annotated[str, Field(min_length=1, max_length=200)] = "preferred_username"
    grant: Annotated[tuple[Grant, ...], Field(min_length=1)]

    def user_of(self, claims: Mapping[str, Any]) -> User | Unfit:
        """The user that ``claims`` speak of."""
        had = _claim(claims, self.roles_claim)
        values = {had} if isinstance(had, str) else {v for v in had if isinstance(v, str)} if _many(had) else set()
        chosen = next((grant for grant in self.grant if grant.value in values), None)
        if chosen is None:
            return Unfit.NO_ROLE
        try:
            name = TypeAdapter(Token).validate_python(_claim(claims, self.name_claim))
        except ValidationError:
            return Unfit.BAD_NAME
        return User(name, chosen.role, chosen.agency, chosen.districts, True)


def _many(value: Any) -> bool:
    return isinstance(value, list)


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name; where there is none of the whole name, dots lead into objects."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def read_grants(path: Path) -> Grants:
    """The grants of a file.

    Raises:
        SettingsError: it cannot be read or used; every wrong field is named.
    """
    remedy = "correct it, or SIAGA_OPENID_ROLES_FILE"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"openid_roles_file: {path} cannot be read ({error.strerror}); {remedy}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"openid_roles_file: {path} is no TOML ({error}); {remedy}") from None
    try:
        grants = Grants.model_validate(table)
    except ValidationError as error:
        told = "; ".join(f"{p.field}: {p.message}" for p in problems_of(error))
        raise SettingsError(f"openid_roles_file: {path}: {told}; {remedy}") from None
    if any(grant.role is UserRole.PUBLIC for grant in grants.grant):
        raise SettingsError(f"openid_roles_file: {path}: role public is everybody's without signing in; leave it out")
    return grants


def subject_of(claims: Mapping[str, Any]) -> str | None:
    """Who a token speaks of, as the provider knows them for good; ``None`` where that is no name at all."""
    found = claims.get("sub")
    return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_SUBJECT else None
