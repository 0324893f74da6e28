"""Messages, the channels' file, the clock and the links: what they say and what they refuse."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.contracts.command import Action
from siaga.contracts.incident import Reason
from siaga.contracts.page import ChannelKind
from siaga.escalation.gsm7 import ONE_SMS, septets
from siaga.links import Link, LinkError, LinkFault, Links, make_links
from siaga.rules.errors import RulesError
from siaga.settings import Settings, SettingsError
from sinks.notify.channels import fill, load_channels, parse_channels
from sinks.notify.clock import Clock
from sinks.notify.compose import bundled, compose, key_of, that_fit
from sinks.notify.directory import Contact
from tests.support.paged import OFFICER, page

LINKS = Links(b"k" * 32, "https://siaga.example")
SECRET = "rahasia-sekali"


def contact(*, cleared: bool = False) -> Contact:
    return Contact(OFFICER, "http://hp.example/1", "polsek", cleared, "Asia/Jakarta")


# -- messages --------------------------------------------------------------------------------------------------------


def test_an_sms_says_what_and_where_with_its_link_in_one_part() -> None:
    about = page(channel_kind=ChannelKind.SMS)

    text = compose([about], contact(), key_of([about]), LINKS, {}).text

    assert septets(text) <= ONE_SMS
    assert "https://siaga.example/ack/" in text
    assert all(part in text for part in ("SEV1", about.code, "perkelahian", "TPS 001"))


@given(st.lists(st.sampled_from(["page", "verify", "handoff", "digest"]), min_size=1, max_size=12), st.booleans())
def test_a_bundle_fits_one_sms_and_names_the_code_of_every_page_in_it(purposes: list[str], long: bool) -> None:
    place = "TPS 117 Desa Karangdadap Wetan Kecamatan Karangdadap" if long else "TPS 1"
    pages = [page(channel_kind=ChannelKind.SMS, purpose=purpose, place=place) for purpose in purposes]

    told = that_fit(pages)

    assert told == pages[: len(told)] != []
    if len(told) > 1:
        text = bundled(told)
        assert septets(text) <= ONE_SMS
        assert all(one.code in text for one in told)


def test_drills_and_retractions_are_never_told_in_one_breath_with_what_is_real() -> None:
    real = page()
    drill, back = page(drill=True), page(purpose="retraction", retracts=uuid.uuid4())

    assert that_fit([real, drill, back]) == [real]
    assert that_fit([back, real]) == [back]


def test_a_webhook_learns_nothing_of_the_officer_and_nothing_confidential() -> None:
    about = page(confidential_reasons=True, cleared=True)
    reasons = {str(about.incident_id): [Reason(rule="rawan", effect="", id=SECRET, en=SECRET, confidential=True)]}

    told = compose([about], contact(cleared=False), "k", LINKS, reasons)
    cleared = compose([about], contact(cleared=True), "k", LINKS, reasons)

    assert OFFICER not in str(told.body["pages"])
    assert SECRET not in str(told.body)
    assert SECRET in cleared.text
    assert SECRET not in str(cleared.body["pages"])
    assert SECRET not in repr(cleared)


def test_the_key_of_a_message_is_the_same_whatever_the_order_of_its_pages() -> None:
    first, second = page(), page()

    assert key_of([first, second]) == key_of([second, first])
    assert key_of([first]) == str(first.page_id)


# -- links -----------------------------------------------------------------------------------------------------------


@given(st.sampled_from([Action.ACKNOWLEDGE, Action.ACCEPT, Action.CANNOT]), st.integers(0, 200), st.integers(1, 255))
def test_a_link_says_what_it_was_made_for_and_nothing_once_it_was_touched(action: Action, at: int, flip: int) -> None:
    link = Link(uuid.uuid4(), OFFICER, action, 2_000.0)
    token = LINKS.token(link)
    assert LINKS.read(token, 1_999.0) == link

    place = at % len(token)
    touched = token[:place] + chr((ord(token[place]) + flip) % 128) + token[place + 1 :]
    if touched.rstrip("=") != token:
        with pytest.raises(LinkError) as refused:
            LINKS.read(touched, 1_999.0)
        assert refused.value.fault is LinkFault.FORGED


def test_a_link_expires_and_one_of_another_siaga_is_none() -> None:
    token = LINKS.token(Link(uuid.uuid4(), OFFICER, Action.ACKNOWLEDGE, 2_000.0))

    with pytest.raises(LinkError) as expired:
        LINKS.read(token, 2_000.0)
    with pytest.raises(LinkError) as foreign:
        Links(b"x" * 32, "https://siaga.example").read(token, 1_000.0)

    assert (expired.value.fault, foreign.value.fault) == (LinkFault.EXPIRED, LinkFault.FORGED)
    with pytest.raises(ValueError, match="no link can resolve"):
        LINKS.token(Link(uuid.uuid4(), OFFICER, Action.RESOLVE, 2_000.0))


def test_whoever_shares_the_data_directory_shares_the_key_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    link = Link(uuid.uuid4(), OFFICER, Action.ACKNOWLEDGE, 2_000.0)
    token = make_links(Settings(data_dir=tmp_path)).token(link)

    assert make_links(Settings(data_dir=tmp_path)).read(token, 1_000.0) == link
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match="link_key: has fewer than 32"):
        make_links(Settings(data_dir=tmp_path, link_key="pendek"))


# -- channels --------------------------------------------------------------------------------------------------------


def test_out_of_the_box_only_webhooks_are_on_and_an_sms_has_its_limits() -> None:
    channels = parse_channels("")

    assert [kind for kind, spec in channels.items() if spec.is_on] == [ChannelKind.WEBHOOK]
    assert [(limit.messages, limit.seconds) for limit in channels[ChannelKind.SMS].limits] == [
        (1, 60),
        (5, 900),
        (11, 3600),
    ]


def test_every_problem_of_a_channels_file_is_named_and_no_secret_with_it(tmp_path: Path) -> None:
    file = tmp_path / "channels.toml"
    file.write_text(
        '[sms]\nadapter = "http"\nurl = "http://gw/{adress}?token={env:TOKEN}"\nlimits = [{ messages = 0 }]\n'
        '[whatsap]\n[email]\nadapter = "smtp"\ntimeout_seconds = 0\n'
    )

    with pytest.raises(SettingsError) as refused:
        load_channels(Settings(channels_file=file))
    with pytest.raises(RulesError) as later:
        parse_channels(
            f'[sms]\nadapter = "http"\nurl = "http://gw/{{adress}}?a={SECRET}"\n[email]\nadapter = "apprise"\n'
            'url = "mailto://x?retry=3"\nheaders = 3\n'
        )

    told = ["whatsap: is no kind", "email.adapter", "email.timeout_seconds", "sms.limits", "sms.url: has no {adress}"]
    assert [problem for problem in [*told, "sms.url: needs TOKEN"] if problem not in str(refused.value)] == []
    told = ["sms.url: has no {adress}", "email.url: has Apprise retry by itself", "email.headers"]
    assert [problem for problem in told if problem not in str(later.value)] == []
    assert SECRET not in str(later.value)


def test_secrets_come_from_the_environment_or_a_file_and_a_missing_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    toml = '[sms]\nadapter = "http"\nurl = "http://gw/{env:GATE}"\nheaders = { Authorization = "Bearer {file:%s}" }\n'

    spec = parse_channels(toml % file, {"GATE": "a/b"})[ChannelKind.SMS]

    assert (spec.url, spec.headers["Authorization"]) == ("http://gw/a/b", f"Bearer {SECRET}")
    with pytest.raises(RulesError, match=r"sms\.url: needs GATE of the environment; set GATE"):
        parse_channels(toml % file, {})


def test_an_address_cannot_break_out_of_a_url() -> None:
    said = {"address": "a/../b?to=c&d#e"}

    assert fill("http://gw/{address}", said, is_url=True) == "http://gw/a%2F..%2Fb%3Fto%3Dc%26d%23e"


# -- the clock -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set_is_noticed_once_and_trusted_with_ages_again_later(step: float) -> None:
    times = {"wall": 1_000.0, "steady": 5.0}
    clock = Clock(lambda: times["wall"], lambda: times["steady"])
    times |= {"wall": 1_010.0, "steady": 15.5}
    assert not clock.was_set()

    times["wall"] += step

    assert [clock.was_set(), clock.was_set(), clock.trusts_ages] == [True, False, False]
    times["steady"] += 61.0
    assert clock.trusts_ages
