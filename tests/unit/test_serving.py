"""HTTPS as phones and browsers meet it, and whom the servers believe about where a request comes from."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization

from siaga import heads
from siaga.serving import http_options, refuse_plain_http, trusted_proxies
from siaga.settings import Settings, SettingsError
from siaga.tls import server_context
from tests.support.certificates import Authority
from tests.support.processes import free_port, listens
from tests.support.wait import until


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says who asked, and how."""
    body = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(settings: Settings) -> Iterator[int]:
    """The port of a server that is told what the gateway's is told."""
    port = free_port()
    options = http_options(settings, "gateway")
    server = uvicorn.Server(uvicorn.Config(echo, port=port, log_config=None, lifespan="off", **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: listens(port), what="the server")
    yield port
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [
        ("", {"client": "127.0.0.1", "scheme": "http"}),
        ("10.0.0.0/8", {"client": "127.0.0.1", "scheme": "http"}),
        ("10.0.0.0/8, 127.0.0.0/8", {"client": "203.0.113.9", "scheme": "https"}),
    ],
)
def test_where_a_request_comes_from_is_believed_of_named_proxies_only(proxies: str, expected: dict[str, str]) -> None:
    with served(Settings(trusted_proxies=proxies)) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers=FORWARDED)

    assert answer.json() == expected


def test_a_renewed_certificate_is_shown_without_a_restart_and_a_half_written_pair_is_not(
    authority: Authority,
) -> None:
    pair, renewed = authority.issue("web"), authority.issue("web")
    settings = Settings(gateway_cert_file=pair.certificate, gateway_key_file=pair.key)

    def shown(port: int) -> int:
        told = ssl.get_server_certificate(("127.0.0.1", port))
        return hash(told.strip())

    first, second = (hash(path.read_text().strip()) for path in (pair.certificate, renewed.certificate))
    with served(settings) as port:
        before = shown(port)
        pair.key.write_bytes(renewed.key.read_bytes())
        half = shown(port)
        pair.certificate.write_bytes(renewed.certificate.read_bytes())
        after = shown(port)
        answer = httpx.get(f"https://127.0.0.1:{port}/", verify=authority.trusting())

    assert (before, half, after) == (first, first, second)
    assert answer.json()["scheme"] == "https"


def test_nobody_is_served_below_tls_1_2(authority: Authority) -> None:
    pair = authority.issue("web")
    old = authority.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    settings = Settings(gateway_cert_file=pair.certificate, gateway_key_file=pair.key)

    with (
        served(settings) as port,
        socket.create_connection(("127.0.0.1", port), timeout=5) as line,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(line, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("127.0.0.1", {}),
        ("::1", {}),
        ("localhost", {}),
        ("0.0.0.0", {"plain_http": True}),  # noqa: S104
        ("0.0.0.0", {"trusted_proxies": "10.0.0.5"}),  # noqa: S104
        ("192.0.2.7", {"console_cert_file": "web.crt"}),
    ],
)
def test_plain_http_stays_on_this_machine_or_where_somebody_said_so(host: str, more: dict[str, Any]) -> None:
    refuse_plain_http(Settings(console_host=host, **more), "console")  # it would raise


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "posko.example"])  # noqa: S104
def test_plain_http_on_a_network_is_refused_with_the_remedies(host: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^console_host: plain HTTP .* SIAGA_CONSOLE_CERT_FILE .*SIAGA_PLAIN_HTTP"
    ):
        refuse_plain_http(Settings(console_host=host), "console")


@pytest.mark.parametrize("wrong", ["*", "proxy.example", "10.0.0.0/33", "10.0.0.1/8", "::/0"])
def test_proxies_are_addresses_or_networks_and_never_everybody(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"^trusted_proxies: "):
        trusted_proxies(Settings(trusted_proxies=wrong))


def test_a_key_of_another_certificate_is_told_by_its_setting(authority: Authority) -> None:
    with pytest.raises(SettingsError, match=r"^console_cert_file: .*the key is another certificate's"):
        server_context(certificate=authority.issue("a").certificate, key=authority.issue("b").key, settings="console")


def test_a_key_with_a_passphrase_is_told_and_not_asked_for(authority: Authority, tmp_path: Path) -> None:
    pair, locked = authority.issue("a"), tmp_path / "terkunci.key"
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    shut = serialization.BestAvailableEncryption(b"rahasia")
    form = serialization.PrivateFormat.PKCS8
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, shut))

    with pytest.raises(SettingsError, match=r"^gateway_key_file: .*has a passphrase.*SIAGA_GATEWAY_KEY_FILE"):
        server_context(certificate=pair.certificate, key=locked, settings="gateway")


def test_a_pair_that_is_none_is_told_by_the_setting_of_what_is_missing(authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("a")

    with pytest.raises(SettingsError, match=r"^gateway_key_file: .*tiada cannot be used \(No such file"):
        server_context(certificate=pair.certificate, key=tmp_path / "tiada", settings="gateway")
    with pytest.raises(SettingsError, match=r"^gateway_key_file: is not set"):
        server_context(certificate=pair.certificate, key=None, settings="gateway")
    with pytest.raises(SettingsError, match=r"^gateway_cert_file: is missing, and gateway_key_file is set"):
        refuse_plain_http(Settings(gateway_key_file=pair.key), "gateway")


def test_who_opens_a_connection_and_asks_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.2)
    with served(Settings()) as port, httpx.Client() as client:
        assert client.get(f"http://127.0.0.1:{port}/").status_code == 200
        for said in (b"", b"GET / HTTP/1.1\r\nHost: a\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                line.sendall(said)
                assert line.recv(10) == b""
        # By now the first connection has been idle for longer than that; it asks again and is answered.
        assert client.get(f"http://127.0.0.1:{port}/").status_code == 200
