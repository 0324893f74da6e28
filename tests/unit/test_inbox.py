"""The demonstration's inbox: every page once, over restarts, shown and never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from siaga.inbox.app import create_app
from siaga.inbox.kept import Kept


def message(text: str = "SEV1: bentrokan massa", **more: Any) -> dict[str, Any]:
    answer = "http://127.0.0.1:8080/ack/abc.def"
    return {"text": text, "drill": False, "pages": [{"severity": 1, "answer_url": answer}], **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.jsonl"


def client(path: Path) -> TestClient:
    return TestClient(create_app(Kept(path)), base_url="http://127.0.0.1")


def send(inbox: TestClient, officer: str = "budi", key: str = "k1", **more: Any) -> Any:
    return inbox.post(f"/pages/{officer}", json=message(**more), headers={"Idempotency-Key": key})


def test_the_same_key_twice_is_one_page_that_is_counted(path: Path) -> None:
    inbox = client(path)

    first, again = send(inbox), send(inbox)

    assert first.json() == {"id": "inbox-1", "repeats": 0}
    assert again.json() == {"id": "inbox-1", "repeats": 1}
    assert send(inbox, officer="sari").json()["id"] == "inbox-2"
    listed = inbox.get("/api/pages").json()
    assert [(one["officer_id"], one["repeats"]) for one in listed["pages"]] == [("sari", 0), ("budi", 1)]
    assert "siaga_inbox_repeats 1.0" in inbox.get("/metrics").text


def test_what_was_received_survives_a_restart_and_half_a_line_of_a_crash(path: Path) -> None:
    send(inbox := client(path), key="k1")
    send(inbox, key="k1")
    with path.open("a") as file:
        file.write('{"number": 2, "key": "ha')

    restarted = client(path)

    assert send(restarted, key="k1").json() == {"id": "inbox-1", "repeats": 2}
    assert send(restarted, key="k2").json() == {"id": "inbox-2", "repeats": 0}
    assert [one["number"] for one in client(path).get("/api/pages").json()["pages"]] == [2, 1]


def test_the_page_shows_the_newest_first_with_a_link_to_answer_and_runs_nothing(path: Path) -> None:
    inbox = client(path)
    send(inbox, key="k1", text="lama")
    send(inbox, key="k2", text="<script>alert(1)</script> baru", pages=[{"answer_url": "javascript:alert(1)"}])

    page = inbox.get("/")

    assert page.text.index("baru") < page.text.index("lama")
    assert 'href="http://127.0.0.1:8080/ack/abc.def"' in page.text
    assert "<script" not in page.text
    assert "javascript:" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_no_other_site_can_read_it_through_a_name_of_its_own(path: Path) -> None:
    stranger = TestClient(create_app(Kept(path)), base_url="http://evil.example")

    assert stranger.get("/api/pages").status_code == 400
    assert client(path).post("/pages/budi", content=b"{}", headers={"Content-Type": "text/plain"}).status_code in (
        415,
        422,
    )
