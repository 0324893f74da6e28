"""An OpenID Connect provider in a process of its own, with one person whom a test may change and lies it may be told.

It is strict where a real one is: the client and its secret, where it sends browsers back to, PKCE, and each code
once. Keys are made as it starts; ID tokens are signed with RS256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlencode

import httpx
import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.responses import Response

from tests.support.processes import Process, free_port

CLIENT_ID: Final = "siaga-posko"
CLIENT_SECRET: Final = "rahasia-klien-7"

#: Who signs in unless a test says otherwise.
PERSON: Final = {"sub": "8d1f-0042", "preferred_username": "ipda.sari", "groups": ["semua", "posko-operator"]}


class OidcProvider:
    """The process, as a test starts it and talks to it."""

    def __init__(self, directory: Path, back: str) -> None:
        """``back`` is the one address that it sends browsers back to."""
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}/realms/polri"
        argv = [sys.executable, "-m", "tests.support.oidc_provider", str(port), self.issuer, back]
        root = Path(__file__).parents[2]
        self._process = Process("oidc-provider", argv, log=directory / "oidc.log", cwd=root)
        self._control = f"http://127.0.0.1:{port}/control"

    def __enter__(self) -> Self:
        self._process.start()
        self._process.wait_ready(self._answers, timeout=30, what="answering")
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()

    def say(self, *, lie: str = "", **claims: Any) -> None:
        """Who signs in next: :data:`PERSON` with ``claims``; ``lie`` is what is wrong with the token."""
        httpx.post(self._control, json={"lie": lie, "claims": {**PERSON, **claims}}).raise_for_status()

    def stop(self) -> None:
        self._process.kill()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.issuer}/.well-known/openid-configuration").status_code == 200
        except httpx.HTTPError:
            return False


class _State:
    def __init__(self) -> None:
        self.key = self.new_key()
        self.lie = ""
        self.claims: dict[str, Any] = dict(PERSON)
        self.asked: dict[str, dict[str, str]] = {}

    @staticmethod
    def new_key(name: str | None = None) -> RSAKey:
        return RSAKey.generate_key(2048, {"kid": name or secrets.token_hex(4), "use": "sig", "alg": "RS256"})

    def token(self, issuer: str, nonce: str) -> str:
        """An ID token, with the lie in it."""
        now = int(time.time())
        claims = {**self.claims, "iss": issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        lies: dict[str, dict[str, Any]] = {
            "nonce": {"nonce": secrets.token_hex(8)},
            "expired": {"iat": now - 7200, "exp": now - 3600},
            "audience": {"aud": "somebody-else"},
            "other audience": {"aud": [CLIENT_ID, "somebody-else"], "azp": "somebody-else"},
            "issuer": {"iss": f"{issuer}/other"},
            "access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        }
        claims |= lies.get(self.lie, {})
        if self.lie == "no nonce":
            del claims["nonce"]
        header = {"alg": "RS256", "kid": self.key.kid}
        if self.lie == "signed by another":
            return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.new_key())
        if self.lie == "signed with the secret":
            key = OctKey.import_key(CLIENT_SECRET)
            return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, key, algorithms=["HS256"])
        if self.lie == "unsigned":
            parts = [{"alg": "none", "kid": self.key.kid}, claims]
            return ".".join([*(_base64(json.dumps(part).encode()) for part in parts), ""])
        if self.lie == "new key":
            self.key = self.new_key()
            header["kid"] = self.key.kid
        if self.lie == "new key of the same name":
            self.key = self.new_key(self.key.kid)
        if self.lie == "new key without a name":
            self.key = self.new_key()
            del header["kid"]
        return jwt.encode(header, claims, self.key)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _client(request: Request) -> bool:
    """Whether the client says who it is as RFC 6749, section 2.3.1, has it."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    name, _, secret = base64.b64decode(told).decode().partition(":")
    return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)


def make_app(issuer: str, back: str) -> FastAPI:
    """The provider."""
    app, state = FastAPI(openapi_url=None), _State()
    path = "/" + issuer.split("/", 3)[3]

    @app.post("/control")
    async def control(request: Request) -> None:
        said = await request.json()
        state.lie, state.claims = said["lie"], said["claims"]

    @app.get(f"{path}/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "end_session_endpoint": f"{issuer}/end",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @app.get(f"{path}/keys")
    def keys() -> dict[str, Any]:
        return {} if state.lie == "no keys" else {"keys": [state.key.as_dict(private=False)]}

    @app.get(f"{path}/authorize")
    def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        right = {"client_id": CLIENT_ID, "redirect_uri": back, "response_type": "code"}
        if any(asked.get(name) != value for name, value in right.items()) or "openid" not in asked["scope"].split():
            return JSONResponse({"error": "invalid_request"}, 400)
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge") or not asked.get("nonce"):
            return JSONResponse({"error": "invalid_request"}, 400)
        if state.lie == "denied":
            return RedirectResponse(f"{back}?{urlencode({'error': 'access_denied', 'state': asked['state']})}", 303)
        code = secrets.token_urlsafe(16)
        state.asked[code] = asked
        return RedirectResponse(f"{back}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    @app.post(f"{path}/token")
    def token(
        request: Request,
        grant_type: str = Form(),
        code: str = Form(),
        redirect_uri: str = Form(),
        code_verifier: str = Form(),
    ) -> Response:
        if not _client(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = state.asked.pop(code, None)
        challenge = _base64(hashlib.sha256(code_verifier.encode()).digest())
        right = asked is not None and hmac.compare_digest(challenge, asked["code_challenge"])
        if asked is None or not right or grant_type != "authorization_code" or redirect_uri != back:
            return JSONResponse({"error": "invalid_grant"}, 400)
        tokens = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300}
        return JSONResponse({**tokens, "id_token": state.token(issuer, asked["nonce"])})

    @app.get(f"{path}/end")
    def end(client_id: str, post_logout_redirect_uri: str) -> Response:
        return RedirectResponse(post_logout_redirect_uri, 303)

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[2], sys.argv[3]), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
