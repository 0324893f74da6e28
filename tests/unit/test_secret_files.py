"""Secrets in files: what is written there counts from the next use on, and what cannot be used changes nothing."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from siaga.contracts.command import Action
from siaga.links import Link, LinkError, make_links
from siaga.secret_files import FilePassword, read_secret
from siaga.settings import Settings, SettingsError

LINK = Link(uuid.UUID(int=7), "kapolsek-kajen", Action.ACKNOWLEDGE, 2_000.0)
OLD, NEW = "lama" * 8, "baru" * 8


def test_a_password_counts_as_it_stands_in_its_file_now_and_shows_itself_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("pertama\n")
    password = FilePassword(path, "kafka_password_file")

    path.write_text("  kedua \nlain\n")

    assert password.encode() == b"kedua"
    assert "pertama" not in repr(password)
    path.unlink()
    assert password.encode() == b"pertama"


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff\xfe"])
def test_a_secret_that_is_not_there_is_told_by_its_setting(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SettingsError, match=r"^database_password_file: "):
        read_secret(path, "database_password_file")


def test_a_changed_key_signs_and_links_of_the_key_before_are_good_while_it_stands_behind(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD + "\n")
    sinks, console = (make_links(Settings(link_key_file=path)) for _ in range(2))
    before = sinks.token(LINK)

    path.write_text(f"{NEW}\n{OLD}\n")

    after = sinks.token(LINK)
    assert after != before
    assert console.read(before, 1_000.0) == console.read(after, 1_000.0) == LINK
    path.write_text(f"{NEW}\n\n")
    with pytest.raises(LinkError):
        console.read(before, 1_000.0)
    assert console.read(after, 1_000.0) == LINK


def test_a_key_that_is_too_short_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD)
    links = make_links(Settings(link_key_file=path))
    token = links.token(LINK)

    path.write_text("pendek\n" + OLD)

    assert links.token(LINK) == token


def test_older_keys_may_follow_the_key_in_the_environment() -> None:
    token = make_links(Settings(link_key=OLD)).token(LINK)

    assert make_links(Settings(link_key=f"{NEW} {OLD}")).read(token, 1_000.0) == LINK
