"""Signing in with an OpenID Connect provider: what is asked of it, and whether what it says is true.

In: the provider's discovery document, its keys, and the code a browser brings back. Out: the address to send a
browser to, and the claims of an ID token that was checked. State: the document and the keys, until they are too old
or a token names a key that is not among them.

Authorization code flow with PKCE (RFC 7636), as OpenID Connect Core 1.0 has it. What binds an answer to a browser
(``state``), a token to a request (``nonce``) and a code to who asked for it (``verifier``) is an :class:`Attempt`,
kept by the browser's own cookie.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Any, Final
from urllib.parse import quote

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
    JoseError,
    KeyParameterError,
    MissingClaimError,
    MissingKeyError,
)
from joserfc.jwk import KeySet

from siaga.settings import SettingsError

#: Of a token's signature. Nothing unsigned, and nothing that the client's secret could sign.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SECONDS: Final = 5.0
#: How far the two clocks may be apart, and how long the document and the keys are believed (seconds).
_LEEWAY: Final = 60
_BELIEVED: Final = 3600.0
#: Least pause between two looks at the keys because none of them fits: whoever makes up keys costs us no request.
_LOOK_AGAIN: Final = 10.0
_LARGEST: Final = 1_000_000
#: Requests that may wait for the provider at once, so that one that hangs does not take the page's threads with it.
_WAITING: Final = 4
_DISCOVERY: Final = "/.well-known/openid-configuration"
#: What a token says that was signed with a key that we have not, be it called as one that we have, or not at all.
_OTHER_KEY: Final = (InvalidKeyIdError, BadSignatureError, KeyParameterError, MissingKeyError)
_NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class ProviderAway(RuntimeError):
    """The provider does not answer, or not as a provider does; the message says which part, and no value."""


class ProviderWrong(RuntimeError):
    """The provider is none that can be used: a setting is wrong, and the message names it."""


class TokenRefused(ValueError):
    """The code or the token is not to be believed; the message says why, and no value of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, from the link to the answer."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """One that nobody guesses."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))

    def __str__(self) -> str:
        """As the cookie holds it."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def read(cls, text: str) -> Attempt | None:
        """What a cookie holds; ``None`` where it is none of ours."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None


class Provider:
    """An OpenID Connect provider, seen as the client it knows. Any thread may use it."""

    def __init__(self, issuer: str, client_id: str, client_secret: Callable[[], str], back: str) -> None:
        """``client_secret`` gives the secret as it is now; ``back`` is the address that the provider sends browsers
        back to, as it was registered there."""
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._back = back
        self._lock = Lock()
        self._places = BoundedSemaphore(_WAITING)
        self._document: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._document_at = self._keys_at = float("-inf")

    # -- asked ----------------------------------------------------------------------------------------------------

    def address(self, attempt: Attempt) -> str:
        """Where a browser goes to sign in.

        Raises:
            ProviderAway: the provider does not answer.
            ProviderWrong: it is another one than the settings say.
        """
        with self._place():
            document = self.document()
        address: str = prepare_grant_uri(
            document["authorization_endpoint"],
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._back,
            scope="openid profile email",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    def claims(self, code: str, attempt: Attempt) -> dict[str, Any]:
        """What the provider says of who signed in, for the code their browser brought back.

        Raises:
            ProviderAway: the provider does not answer.
            ProviderWrong: it is another one than the settings say, does not know our client, or shows no keys.
            TokenRefused: the code is none of this attempt, or the token does not hold.
        """
        with self._place():
            return self._checked(self._exchange(code, attempt), attempt)

    def _checked(self, told: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
        token, access = told.get("id_token"), told.get("access_token")
        if not isinstance(token, str):
            raise TokenRefused("id_token: is missing; the client has to be allowed the scope openid")
        try:
            signed = self._decode(token)
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                    "iat": {"essential": True},
                    "nonce": {"essential": True, "value": attempt.nonce},
                },
                {"nonce": attempt.nonce, "client_id": self._client_id, "access_token": access},
            )
            claims.validate(leeway=_LEEWAY)
        except ExpiredTokenError:
            raise TokenRefused("id_token: has expired; correct the clocks, and sign in again") from None
        except (InvalidClaimError, MissingClaimError) as error:
            raise TokenRefused(f"id_token: its claim {error.claim} is missing or not ours") from None
        except (JoseError, ValueError, TypeError):
            raise TokenRefused("id_token: is not signed with a key of the provider") from None
        return dict(claims)

    def end_of_session(self, back: str) -> str | None:
        """Where a browser goes to sign out at the provider as well; ``None`` where there is no such address, or the
        provider has not been heard of lately: signing out here waits for nobody."""
        address = self._document.get("end_session_endpoint")
        if not isinstance(address, str):
            return None
        joint = "&" if "?" in address else "?"
        wanted = f"client_id={quote(self._client_id, safe='')}&post_logout_redirect_uri={quote(back, safe='')}"
        return f"{address}{joint}{wanted}"

    # -- the provider's documents ---------------------------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, section 4).

        Raises:
            ProviderAway: it cannot be read.
            ProviderWrong: it is another provider's.
        """
        with self._lock:
            if time.monotonic() - self._document_at > _BELIEVED:
                found = self._get(self.issuer.rstrip("/") + _DISCOVERY, "its discovery document")
                if found.get("issuer") != self.issuer:
                    raise ProviderWrong(
                        "openid_issuer: the provider there calls itself otherwise; write SIAGA_OPENID_ISSUER just as "
                        f"`issuer` stands in its {_DISCOVERY}"
                    )
                for name in _NEEDED:
                    if not isinstance(found.get(name), str):
                        raise ProviderWrong(f"openid_issuer: the provider names no {name}; use one that does")
                self._document, self._document_at = found, time.monotonic()
            return self._document

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=1.0):
            raise ProviderAway("the provider keeps others waiting already")
        try:
            yield
        finally:
            self._places.release()

    def _decode(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._key_set(_BELIEVED), algorithms=_ALGORITHMS)
        except _OTHER_KEY:  # the provider may have changed its keys, under the same name as well
            return jwt.decode(token, self._key_set(_LOOK_AGAIN), algorithms=_ALGORITHMS)

    def _key_set(self, believed: float) -> KeySet:
        address = self.document()["jwks_uri"]
        with self._lock:
            if self._keys is None or time.monotonic() - self._keys_at > believed:
                keys = self._get(address, "its keys").get("keys")
                if not isinstance(keys, list):
                    raise ProviderWrong(f"openid_issuer: the provider shows no keys at {address}; use one that does")
                self._keys = KeySet.import_key_set({"keys": keys})
                self._keys_at = time.monotonic()
            return self._keys

    def _exchange(self, code: str, attempt: Attempt) -> dict[str, Any]:
        document = self.document()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": attempt.verifier,
        }
        try:
            secret = self._client_secret()
        except SettingsError as error:
            raise ProviderWrong(str(error)) from None
        auth: httpx.BasicAuth | None = None
        # Without a word about it, a provider takes the first of the two (Discovery, section 3).
        ways = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in ways:
            auth = httpx.BasicAuth(quote(self._client_id, safe=""), quote(secret, safe=""))
        else:
            form |= {"client_id": self._client_id, "client_secret": secret}
        try:
            answer = httpx.post(document["token_endpoint"], data=form, auth=auth, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise ProviderAway(f"the provider does not answer ({type(error).__name__})") from error
        told = _object(answer, "its tokens") if answer.status_code in (200, 400, 401) else {}
        if answer.status_code == 200:
            return told
        fault = told.get("error")
        if answer.status_code == 401 or fault in ("invalid_client", "unauthorized_client"):
            raise ProviderWrong(
                "openid_client_secret: the provider does not know our client by it; correct SIAGA_OPENID_CLIENT_ID "
                "and SIAGA_OPENID_CLIENT_SECRET"
            )
        if answer.status_code == 400:
            raise TokenRefused("code: the provider takes it no more; sign in again")
        raise ProviderAway(f"the provider answers {answer.status_code} where it gives tokens")

    @staticmethod
    def _get(address: str, what: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address, timeout=_SECONDS, headers={"Accept": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderAway(f"the provider does not answer ({type(error).__name__})") from error
        if answer.status_code != 200:
            raise ProviderAway(f"the provider answers {answer.status_code} where {what} should be")
        return _object(answer, what)


def _object(answer: httpx.Response, what: str) -> dict[str, Any]:
    try:
        found = answer.json() if len(answer.content) <= _LARGEST else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderAway(f"the provider answers with something else where {what} should be")
    return found
