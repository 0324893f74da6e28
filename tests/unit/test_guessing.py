"""Passwords that are guessed at: who waits, for how long, and who never does."""

from __future__ import annotations

import tracemalloc

import pytest

from console.accounts import guessing
from console.accounts.guessing import CALM, LOCKED, SLOWEST, TRIES, TRIES_ADDRESS, TRIES_NAME, Attempt, Guessing, Wait

_NOW = 1_645_574_400.0
_KEY = b"k" * 32


def counts() -> Guessing:
    return Guessing(lambda: (_KEY,))


def at(name: str = "kapolres", host: str = "203.0.113.9", cookie: str | None = None) -> Attempt:
    return Attempt.of(name, host, cookie)


def known(found: Guessing, who: Attempt, now: float = _NOW) -> Attempt:
    """Signs in; the same browser the next time."""
    assert found.admit(who, now) is None
    return Attempt(who.name, who.address, found.succeeded(who))


def guess(found: Guessing, hosts: int, *, each: int = 1, now: float = _NOW) -> int:
    """Guesses at the commander's password from so many addresses; how many guesses were looked at."""
    tries = [at(host=f"198.51.{n >> 8}.{n & 255}") for n in range(hosts) for _ in range(each)]
    return sum(found.admit(who, now) is None for who in tries)


def test_five_wrong_passwords_make_the_one_who_sent_them_wait_and_nobody_else() -> None:
    found = counts()

    tried = [found.admit(at(), _NOW) for _ in range(TRIES)]

    assert tried == [None] * TRIES
    assert found.admit(at(), _NOW + 100) == Wait(201)
    assert found.admit(at(host="203.0.113.10"), _NOW + 100) is None
    assert found.admit(at("kabag-ops"), _NOW + 100) is None
    assert found.admit(at(), _NOW + LOCKED) is None


def test_a_name_that_is_guessed_at_from_everywhere_stays_open_to_the_browser_that_signed_in_before() -> None:
    found = counts()
    owner = known(found, at())

    assert guess(found, 500) < 20

    elsewhere = Attempt(owner.name, "192.0.2.77", owner.cookie)
    assert found.admit(elsewhere, _NOW) is None


def test_the_address_that_its_owner_came_from_does_not_wait_for_strangers_without_a_cookie_either() -> None:
    found = counts()
    known(found, at())
    guess(found, 500)

    assert found.admit(at(), _NOW) is None
    assert isinstance(found.admit(at(host="192.0.2.78"), _NOW), Wait)


def test_strangers_are_slowed_down_bit_by_bit_and_never_shut_out() -> None:
    found = counts()
    assert guess(found, TRIES_NAME) == TRIES_NAME
    now, waited = _NOW, []

    for n in range(12):
        told = found.admit(at(host=f"192.0.2.{n}"), now)
        assert isinstance(told, Wait)
        waited.append(told.seconds)
        now += told.seconds
        assert found.admit(at(host=f"192.0.2.{n}"), now) is None

    assert waited[:3] == sorted(waited[:3])
    assert waited[0] <= 2
    assert max(waited) <= SLOWEST + 1
    assert found.admit(at(host="192.0.2.99"), now + CALM) is None


def test_an_hour_of_guessing_from_everywhere_looks_at_fewer_than_a_hundred_passwords() -> None:
    found = counts()

    assert sum(guess(found, 3, now=_NOW + second) for second in range(3600)) < 100


def test_all_at_once_are_no_more_than_one_after_the_other() -> None:
    found = counts()

    assert guess(found, 1, each=100) == TRIES


def test_an_address_that_tries_many_names_waits_and_its_known_browsers_do_not() -> None:
    found = counts()
    owner = known(found, at())

    looked = sum(found.admit(at(f"orang-{n}"), _NOW) is None for n in range(200))

    assert looked == TRIES_ADDRESS
    assert isinstance(found.admit(at("kabag-ops"), _NOW), Wait)
    assert found.admit(owner, _NOW) is None


def test_a_known_browser_is_counted_by_itself() -> None:
    found = counts()
    first, second = known(found, at()), known(found, at())

    tried = [found.admit(first, _NOW) for _ in range(TRIES + 1)]

    assert tried[:TRIES] == [None] * TRIES
    assert isinstance(tried[TRIES], Wait)
    assert found.admit(second, _NOW) is None


def test_a_right_password_ends_the_count_of_who_sent_it() -> None:
    found = counts()

    for _ in range(3):
        tried = [found.admit(at(), _NOW) for _ in range(TRIES)]
        assert tried == [None] * TRIES
        found.succeeded(at())


def test_ones_own_password_gives_no_tries_at_others() -> None:
    found = counts()

    looked = 0
    for n in range(200):
        looked += found.admit(at(f"orang-{n}"), _NOW) is None
        if found.admit(at("penyusup"), _NOW) is None:
            found.succeeded(at("penyusup"))

    assert looked == TRIES_ADDRESS


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "kapolres.1.tanda"])
def test_a_cookie_that_is_none_of_ours_or_of_another_name_makes_nobody_known(forged: str) -> None:
    found = counts()
    other = Guessing(lambda: (b"z" * 32,))
    cookies = (forged, known(other, at()).cookie, known(counts(), at("viewer")).cookie)
    guess(found, 500)

    for n, cookie in enumerate(cookies):
        assert isinstance(found.admit(at(host=f"192.0.2.{n}", cookie=cookie), _NOW), Wait)


def test_a_browser_stays_known_over_a_restart_and_a_changed_key() -> None:
    cookie = known(counts(), at()).cookie
    later = Guessing(lambda: (b"n" * 32, _KEY))
    guess(later, 500)

    assert later.admit(at(host="192.0.2.77", cookie=cookie), _NOW) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_of_an_ipv6_address_that_half_counts_which_its_owner_cannot_choose(one: str, other: str, same: bool) -> None:
    assert (at(host=one).address == at(host=other).address) is same


def test_what_is_remembered_of_a_flood_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "MOST", 50)
    found = counts()
    tracemalloc.start()
    for n in range(5_000):
        found.admit(at(f"{n:0>200}", host=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"), _NOW)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 300_000
