"""Signing in with an OpenID Connect provider, put together from the settings.

In: the settings ``openid_…``. Out: what the pages of signing in work with, ``None`` where there is no provider.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from console.accounts.grants import Grants, read_grants
from console.accounts.identities import Identities
from console.accounts.openid import Provider, ProviderAway, ProviderWrong
from siaga.links import base_url
from siaga.secret_files import read_secret
from siaga.settings import Settings, SettingsError

log = logging.getLogger(__name__)

#: Where the provider sends browsers back to, after the command centre's own address.
BACK: Final = "/login/openid/back"
_OWN: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class OpenId:
    """Signing in with a provider."""

    provider: Provider
    grants: Grants
    identities: Identities
    #: Where the provider sends browsers that signed out there.
    signed_out: str

    def check(self) -> None:
        """Ask the provider who it is. One that is away now may be there later: that is only said.

        Raises:
            SettingsError: it is another one than the settings say.
        """
        try:
            self.provider.document()
        except ProviderWrong as error:
            raise SettingsError(str(error)) from None
        except ProviderAway as error:
            log.warning("openid: %s; passwords still do, and it is asked again at every sign-in", error)


def make_openid(settings: Settings, engine: sa.Engine) -> OpenId | None:
    """What the settings say; nothing is asked of the provider yet.

    Raises:
        SettingsError: a setting is missing or wrong.
    """
    issuer, client_id, roles = settings.openid_issuer, settings.openid_client_id, settings.openid_roles_file
    secret_file, secret = settings.openid_client_secret_file, settings.openid_client_secret
    if not any((issuer, client_id, roles, secret_file, secret)):
        return None
    given = {
        "openid_issuer": issuer,
        "openid_client_id": client_id,
        "openid_client_secret": secret or secret_file,
        "openid_roles_file": roles,
    }
    missing = [name for name, value in given.items() if not value]
    if missing or issuer is None or client_id is None or roles is None:
        raise SettingsError(
            "\n".join(
                f"{name}: is missing, and others of openid are set; set SIAGA_{name.upper()}, or unset the others"
                for name in missing
            )
        )
    if issuer.startswith("http:") and urlsplit(issuer).hostname not in _OWN:
        raise SettingsError("openid_issuer: is reached over plain HTTP; write the provider's https:// address")
    if secret is not None and secret_file is not None:
        raise SettingsError("openid_client_secret: is set twice; set it or SIAGA_OPENID_CLIENT_SECRET_FILE, not both")
    read: Callable[[], str]
    if secret_file is not None:
        read_secret(secret_file, "openid_client_secret_file")

        def read() -> str:
            return read_secret(secret_file, "openid_client_secret_file")
    else:
        read = secret.get_secret_value if secret is not None else str
    base = base_url(settings).rstrip("/")
    return OpenId(
        provider=Provider(issuer, client_id, read, base + BACK),
        grants=read_grants(roles),
        identities=Identities(engine),
        signed_out=f"{base}/login",
    )
