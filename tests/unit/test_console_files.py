"""Static files of the command centre: small on the wire, kept where they may be, and no other file of the machine."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from console.files import PackedFiles, version_of

SCRIPT = "export const words = 'kata';\n" * 100


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "web"
    (made / "inner").mkdir(parents=True)
    (made / "inner" / "a.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("rahasia")
    return made


def browser(directory: Path, *, versioned: bool = False) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/static/v1", PackedFiles(directory, versioned=versioned))]))


def test_a_script_is_sent_compressed_and_asked_for_again_costs_nothing(directory: Path) -> None:
    client = browser(directory)
    with client.stream("GET", "/static/v1/inner/a.js", headers={"Accept-Encoding": "gzip"}) as answer:
        sent = b"".join(answer.iter_raw())
    plain = client.get("/static/v1/inner/a.js", headers={"Accept-Encoding": "identity"})
    again = client.get("/static/v1/inner/a.js", headers={"If-None-Match": answer.headers["etag"]})

    assert gzip.decompress(sent).decode() == plain.text == SCRIPT
    assert len(sent) < len(SCRIPT) / 10
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "content-encoding" not in plain.headers
    assert (again.status_code, again.content) == (304, b"")


def test_only_what_names_its_version_may_be_kept_for_ever(directory: Path) -> None:
    kept, looked_up = (browser(directory, versioned=versioned) for versioned in (True, False))

    assert "immutable" in kept.get("/static/v1/inner/a.js").headers["cache-control"]
    assert "cache-control" not in kept.get("/static/v1/inner/b.js").headers
    assert "cache-control" not in looked_up.get("/static/v1/inner/a.js").headers


@pytest.mark.parametrize("path", ["../secret.txt", "%2e%2e/secret.txt", "inner/../../secret.txt", "inner", ""])
def test_nothing_outside_is_served(directory: Path, path: str) -> None:
    assert browser(directory).get(f"/static/v1/{path}").status_code == 404


def test_the_version_changes_with_any_byte_and_with_nothing_else(directory: Path, tmp_path: Path) -> None:
    before = version_of([directory])
    (directory / "inner" / "a.js").touch()
    same = version_of([directory])
    (directory / "inner" / "a.js").write_text(SCRIPT.replace("kata", "katb"))

    assert before == same != version_of([directory])
