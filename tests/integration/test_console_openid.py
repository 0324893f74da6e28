"""Signing in at the command centre with an OpenID Connect provider: a real one, in a process of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.core import make_core
from console.service import serve
from siaga.settings import Settings, SettingsError
from tests.support.centre import Centre
from tests.support.databases import Database, SqliteDatabase
from tests.support.filled import Filled
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.support.processes import free_port

ROLES = """
roles_claim = "groups"
name_claim = "preferred_username"

[[grant]]
value = "posko-komandan"
role = "commander"

[[grant]]
value = "posko-operator"
role = "operator"
agency = "polsek-kajen"
districts = ["33.26.08"]
"""


@pytest.fixture(scope="module")
def port() -> int:
    """Where the command centre is: the provider sends browsers nowhere else."""
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    """The provider, running."""
    back = f"http://127.0.0.1:{port}/login/openid/back"
    with OidcProvider(tmp_path_factory.mktemp("oidc"), back) as running:
        yield running


def settings_of(tmp_path: Path, port: int, issuer: str, **more: Any) -> Settings:
    roles = tmp_path / "roles.toml"
    roles.write_text(ROLES)
    chosen = {
        "data_dir": tmp_path,
        "kafka": "127.0.0.1:1",
        "public_url": f"http://127.0.0.1:{port}",
        "openid_issuer": issuer,
        "openid_client_id": CLIENT_ID,
        "openid_client_secret": CLIENT_SECRET,
        "openid_roles_file": roles,
    }
    return Settings(**{**chosen, **more})


@pytest.fixture
def make_centre(provider: OidcProvider, port: int, tmp_path: Path) -> Iterator[Callable[..., Centre]]:
    """Makes a running command centre that knows the provider; arguments are settings."""
    made: list[Centre] = []
    provider.say()

    def make(database: Database, **more: Any) -> Centre:
        Filled(database.url)
        settings = settings_of(tmp_path, port, provider.issuer, database=database.url, **more)
        made.append(Centre(settings, port=port).__enter__())
        return made[-1]

    yield make
    for centre in made:
        centre.__exit__(None, None, None)


@pytest.fixture
def centre(make_centre: Callable[..., Centre], sqlite: SqliteDatabase) -> Centre:
    """One on SQLite."""
    return make_centre(sqlite)


def browser(centre: Centre) -> httpx.Client:
    """A browser of its own: cookies, and it goes where it is sent."""
    return httpx.Client(base_url=centre.url, follow_redirects=True, timeout=20)


def sign_in(client: httpx.Client) -> httpx.Response:
    """Follow the link of the sign-in page, to the provider and back."""
    link = re.search(r'class="other"><a href="([^"]+)"', client.get("/login").text)
    assert link is not None
    return client.get(link[1])


def said(answer: httpx.Response) -> str:
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    return found[1] if found else ""


def test_somebody_signs_in_with_the_provider_is_who_the_grants_say_and_signs_out_there_too(
    make_centre: Callable[..., Centre], database: Database, provider: OidcProvider
) -> None:
    centre = make_centre(database)
    client = browser(centre)

    sign_in(client)
    me = client.get("/api/me").json()
    out = client.post("/logout", data={"csrf": me["csrf"]})

    assert (me["name"], me["role"], me["agency"]) == ("ipda.sari", "operator", "polsek-kajen")
    assert me["districts"] == ["33.26.08"]
    assert client.get("/api/me").status_code == 401
    leave = re.search(r'class="other"><a href="([^"]+)"', out.text)
    assert leave is not None
    assert leave[1].startswith(f"{provider.issuer}/end?")
    assert client.get(leave[1].replace("&amp;", "&")).url == f"{centre.url}/login"
    # Signing in again, with another role at the provider by now.
    provider.say(groups=["posko-komandan"])
    sign_in(client)
    assert client.get("/api/me").json()["role"] == "commander"
    assert 'siaga_console_sign_ins_total{outcome="ok"} 2.0' in centre.metrics


@pytest.mark.parametrize(
    "lie",
    [
        *("nonce", "no nonce", "expired", "audience", "other audience", "issuer", "access token"),
        *("signed by another", "signed with the secret", "unsigned", "denied"),
    ],
)
def test_a_token_that_is_not_what_it_should_be_signs_nobody_in(
    centre: Centre, provider: OidcProvider, caplog: pytest.LogCaptureFixture, lie: str
) -> None:
    provider.say(lie=lie)
    client = browser(centre)

    answer = sign_in(client)

    assert answer.status_code == 403
    assert "tidak membenarkan" in said(answer)
    assert client.get("/api/me").status_code == 401
    assert centre.core.users.get("ipda.sari") is None
    assert "ipda.sari" not in caplog.text


def test_who_has_no_role_no_usable_name_or_the_name_of_another_gets_in_as_nobody(
    centre: Centre, provider: OidcProvider
) -> None:
    refused = {}
    for why, claims in {
        "belum diberi peran": {"groups": ["semua"]},
        "tidak dapat dipakai": {"preferred_username": "Ipda Sari <x>"},
        "sudah dipakai": {"preferred_username": "admin"},
    }.items():
        provider.say(**claims)
        client = browser(centre)
        answer = sign_in(client)
        refused[why] = (answer.status_code, why in said(answer), client.get("/api/me").status_code)

    assert refused == dict.fromkeys(refused, (403, True, 401))
    assert centre.get("/api/me", "admin").json()["role"] == "admin"


def test_who_loses_the_role_or_is_disabled_is_out_on_every_screen(centre: Centre, provider: OidcProvider) -> None:
    first, second = browser(centre), browser(centre)
    sign_in(first)
    provider.say(groups=[])
    sign_in(second)
    assert first.get("/api/me").status_code == 401

    provider.say()
    sign_in(first)
    assert first.get("/api/me").status_code == 200
    centre.core.users.set_active("ipda.sari", False)
    assert first.get("/api/me").status_code == 401
    assert "dinonaktifkan" in said(sign_in(first))


def test_an_answer_that_this_browser_did_not_ask_for_signs_it_in_as_nobody(centre: Centre) -> None:
    thief, victim = browser(centre), browser(centre)
    thief.follow_redirects = False
    to_provider = thief.get("/login/openid").headers["location"]
    back = httpx.get(to_provider).headers["location"]

    lured = victim.get(back)
    without_cookie = [victim.get("/login/openid/back").status_code, victim.get(f"{back}x").status_code]
    used = [thief.get(back).status_code, thief.get(back).status_code]

    assert (lured.status_code, victim.get("/api/me").status_code) == (403, 401)
    assert without_cookie == [403, 403]
    assert used == [303, 403]


@pytest.mark.parametrize("key", ["new key", "new key of the same name", "new key without a name"])
def test_a_key_that_the_provider_changed_is_looked_up(
    centre: Centre, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr("console.accounts.openid._LOOK_AGAIN", 0.0)
    client = browser(centre)
    sign_in(client)
    provider.say(lie=key)

    again = browser(centre)
    sign_in(again)

    assert again.get("/api/me").json()["name"] == "ipda.sari"


def test_while_the_provider_is_away_passwords_still_do_and_the_page_says_so(
    port: int, tmp_path: Path, sqlite: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    Filled(sqlite.url)
    nobody = f"http://127.0.0.1:{free_port()}"
    with Centre(settings_of(tmp_path, port, nobody, database=sqlite.url), port=port) as centre:
        assert centre.core.openid is not None
        centre.core.openid.check()

        answer = sign_in(browser(centre))

        assert answer.status_code == 503
        assert "tidak menjawab" in said(answer)
        assert "name='password'" in answer.text.replace('"', "'")
    assert "passwords still do" in caplog.text


def test_a_wrong_secret_is_named_in_the_log_and_not_to_the_browser(
    make_centre: Callable[..., Centre], sqlite: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    centre = make_centre(sqlite, openid_client_secret="rahasia-yang-salah")

    answer = sign_in(browser(centre))

    assert answer.status_code == 503
    assert "SIAGA_OPENID_CLIENT_SECRET" in caplog.text
    assert "SIAGA" not in answer.text
    assert "rahasia-yang-salah" not in caplog.text


def test_a_provider_that_shows_no_keys_is_named_in_the_log_and_lets_nobody_in(
    centre: Centre, provider: OidcProvider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.say(lie="no keys")

    answer = sign_in(browser(centre))

    assert answer.status_code == 503
    assert "openid_issuer: the provider shows no keys" in caplog.text


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"openid_client_id": None}, "openid_client_id: is missing"),
        ({"openid_client_secret": None}, "openid_client_secret: is missing"),
        ({"openid_roles_file": None}, "openid_roles_file: is missing"),
        ({"openid_issuer": None}, "openid_issuer: is missing"),
        ({"openid_issuer": "http://sso.polri.example"}, "openid_issuer: is reached over plain HTTP"),
        ({"openid_client_secret_file": Path("/nowhere")}, "openid_client_secret: is set twice"),
        ({"openid_roles_file": Path("/nowhere")}, "openid_roles_file: /nowhere cannot be read"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_at_the_start(
    tmp_path: Path, changed: dict[str, Any], named: str
) -> None:
    settings = settings_of(tmp_path, 1, "https://sso.polri.example")

    with pytest.raises(SettingsError, match=re.escape(named)):
        make_core(settings.model_copy(update=changed))


def test_a_provider_with_another_name_ends_the_start(
    provider: OidcProvider, port: int, tmp_path: Path, sqlite: SqliteDatabase
) -> None:
    settings = settings_of(tmp_path, port, f"{provider.issuer}/", database=sqlite.url)

    with pytest.raises(SettingsError, match="openid_issuer: the provider there calls itself otherwise"):
        serve(settings)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("grant = []", "grant"),
        ('[[grant]]\nvalue = "x"\nrole = "chief"', "grant.0.role"),
        ('[[grant]]\nvalue = "x"\nrole = "public"', "role public"),
        ('[[grant]]\nvalue = "x"\nrole = "viewer"\nunit = "polsek"', "grant.0.unit"),
        ("[[grant]", "no TOML"),
    ],
)
def test_a_file_of_roles_that_cannot_be_used_says_where(tmp_path: Path, text: str, named: str) -> None:
    settings = settings_of(tmp_path, 1, "https://sso.polri.example")
    (tmp_path / "roles.toml").write_text(text)

    with pytest.raises(SettingsError, match=re.escape(named)):
        make_core(settings)
