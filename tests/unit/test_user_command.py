"""``siaga user``: accounts as an administrator makes and ends them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from console.accounts.sessions import Tokens
from console.accounts.users import User, Users
from console.database import Database
from siaga.cli import console as command
from siaga.cli.faults import told
from tests.support.builders import now


class Command:
    """Runs ``siaga user …`` against a database of its own, and looks into it."""

    def __init__(self, path: Path) -> None:
        self._app = typer.Typer()
        command.register(self._app)
        database = Database(f"sqlite:///{path / 'siaga.db'}")
        self.users, self.tokens = Users(database.write), Tokens(database.write)

    def run(self, *words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(self._app, ["user", *words], input=stdin)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("SIAGA_DATA_DIR", str(tmp_path))
    return Command(tmp_path)


def test_a_made_password_is_shown_once_and_opens_the_door(user: Command) -> None:
    told = user.run("add", "ipda-sari", "--role", "operator", "--agency", "polsek-kajen", "--district", "33.26.08")

    assert told.exit_code == 0
    password = re.search(r"shown this once: (\S+)", told.output)
    assert password is not None
    found = user.users.sign_in("ipda-sari", password[1])
    assert isinstance(found, User)
    assert (found.role, found.agency, found.districts) == ("operator", "polsek-kajen", ("33.26.08",))
    assert password[1] not in user.run("list").output


def test_a_password_from_stdin_is_not_shown(user: Command) -> None:
    told = user.run("add", "budi", "--role", "viewer", "--password-stdin", stdin="kata-sandi-panjang\n")

    assert "kata-sandi" not in told.output
    assert isinstance(user.users.sign_in("budi", "kata-sandi-panjang"), User)
    assert user.run("password", "budi", "--password-stdin", stdin="yang-lain-lagi\n").exit_code == 0
    assert user.users.sign_in("budi", "kata-sandi-panjang") is None
    assert isinstance(user.users.sign_in("budi", "yang-lain-lagi"), User)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "a", "--role", "public"), "role: there is no public; choose one of viewer"),
        (("add", "a b", "--role", "viewer"), "name: is not written as it must be"),
        (("add", "a", "--role", "viewer", "--agency", "Polsek Kajen"), "agency: is not written"),
        (("add", "a", "--role", "viewer", "--district", "Kajen"), "district: is not written"),
        (("password", "tidak-ada"), "name: there is no such user; see 'siaga user list'"),
        (("token", "tidak-ada"), "name: there is no such user"),
        (("disable", "tidak-ada"), "name: there is no such user"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_remedy(user: Command, words: tuple[str, ...], said: str) -> None:
    told = user.run(*words)

    assert told.exit_code == 2
    assert said in told.output


def test_a_short_password_or_a_taken_name_is_refused(user: Command) -> None:
    assert "shorter than 10" in user.run("add", "a", "--role", "viewer", "--password-stdin", stdin="pendek\n").output
    assert user.run("add", "a", "--role", "viewer").exit_code == 0
    assert "there is a user a" in user.run("add", "a", "--role", "admin").output


def test_a_token_acts_as_its_user_until_it_is_taken_away_or_the_user_disabled(user: Command) -> None:
    user.run("add", "robot", "--role", "viewer")
    first, second = (
        user.run("token", "robot").output.strip(),
        user.run("token", "robot", "--days", "1").output.strip(),
    )

    assert user.tokens.find(first, now()) is not None
    assert "2 tokens" in user.run("revoke", "robot").output
    assert user.tokens.find(second, now()) is None
    third = user.run("token", "robot").output.strip()
    user.run("disable", "robot")
    user.run("enable", "robot")
    assert user.tokens.find(third, now()) is None
    (listed,) = json.loads(user.run("list", "--json").output)
    assert (listed["name"], listed["active"]) == ("robot", True)


def test_a_database_that_is_away_is_said_and_not_waited_for(user: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_DATABASE", "postgresql://u@127.0.0.1:1/siaga")

    error = user.run("list").exception

    assert isinstance(error, Exception)
    assert told(error) == "database: 127.0.0.1:1 refuses the connection; start it, or correct SIAGA_DATABASE"
