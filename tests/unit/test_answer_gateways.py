"""The file of gateways that bring answers: what it may say, and what is refused with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga.answers.data import answers_data
from siaga.answers.gateways import Gateways, Post, load_gateways
from siaga.contracts.command import Action, Via
from siaga.contracts.page import Language
from siaga.settings import Settings, SettingsError

SECRET = {"S": "rahasia-gateway-sms-1", "SHORT": "rahasia"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def load(directory: Path, toml: str) -> dict[str, object]:
    file = directory / "answers.toml"
    file.write_text(toml)
    return dict(load_gateways(Settings(answers_file=file), SECRET))


def test_without_a_file_nobody_may_bring_anything() -> None:
    assert load_gateways(Settings(), SECRET) == {}


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("[a", "is no TOML"),
        ("[A]\n", "is no gateway"),
        ('[modem]\nsecret = "{env:S}"\n', "modem.format is none"),
        ('[twilio]\nsecret = "{env:S}"\n', "twilio.url is missing"),
        ("[android]\n", "android.secret is missing"),
        ('[android]\nsecret = "rahasia-gateway-sms-1"\n', "android.secret is missing or stands there itself"),
        ('[android]\nsecret = "{env:SHORT}"\n', "fewer than 16 characters"),
        ('[android]\nsecret = "{file:/tidak/ada}"\n', "needs the file"),
        ('[android]\nsecret = "{env:S}"\nkey = "x"\n', "android.key is no entry"),
        ('[android]\nsecret = "{env:S}"\nvia = "console"\n', "android.via is none"),
        ('[android]\nsecret = "{env:S}"\nreports = "gateway"\n', "android.reports is no URL"),
        ('[android]\nsecret = "{env:S}"\nreports = "http://gateway:8081"\n', "android.token is missing"),
        ('[android]\nsecret = "{env:S}"\nsender = "from"\n', "android.sender is no list"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_with_it(tmp_path: Path, toml: str, named: str) -> None:
    with pytest.raises(SettingsError, match="answers_file") as refused:
        load(tmp_path, toml)

    assert named in str(refused.value)
    assert "rahasia-gateway" not in str(refused.value)


def test_another_gateways_fields_are_named_by_their_paths(tmp_path: Path) -> None:
    toml = '[desa]\nformat = "generic"\nsecret = "{env:S}"\nvia = "whatsapp"\n'
    toml += 'sender = ["msg.nomor"]\ntext = ["msg.isi"]\n'
    file = tmp_path / "answers.toml"
    file.write_text(toml)
    gateway = load_gateways(Settings(answers_file=file), SECRET)["desa"]
    post = Post(b'{"msg": {"nomor": 6281234567890, "isi": "OK K7Q2M"}}', {"content-type": "application/json"})

    received = gateway.message_of(post, 0.0)

    assert received is not None
    assert (received.via, received.sender, received.text) == (Via.WHATSAPP, "6281234567890", "OK K7Q2M")
    assert "6281234567890" not in repr(received) + repr(post)
    assert SECRET["S"] not in repr(gateway)


def test_messages_without_an_id_are_told_apart_by_when_they_came(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text('[generic]\nsecret = "{env:S}"\n')
    gateway = load_gateways(Settings(answers_file=file), SECRET)["generic"]
    post = Post(b"from=0812&text=OK+K7Q2M", FORM)

    ids = [received.message_id for at in (0.0, 5.0, 600.0) if (received := gateway.message_of(post, at))]

    assert ids[0] == ids[1] != ids[2]


def test_every_answer_has_its_words_in_both_languages() -> None:
    told = answers_data()["told"]
    answers = {action.value for action in (Action.ACKNOWLEDGE, Action.CANNOT, Action.ESCALATE, Action.ON_MY_WAY)}

    assert set(told) == {language.value for language in Language}
    assert all(answers | {"unclear", "barred", "failed", "unknown"} <= set(words) for words in told.values())
    assert all(
        "{codes}" in words[answer] and len(words[answer]) < 150 for words in told.values() for answer in answers
    )


def test_a_secret_that_changes_counts_at_once_and_a_file_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    secret, file = tmp_path / "desa", tmp_path / "answers.toml"
    secret.write_text("rahasia-lama-desa-1")
    file.write_text(f'[desa]\nformat = "generic"\nsecret = "{{file:{secret}}}"\n')
    gateways = Gateways(Settings(answers_file=file), {})

    def takes(name: str, with_secret: str) -> bool:
        gateway = gateways.get(name)
        return gateway is not None and gateway.is_genuine(Post(b"", {"x-siaga-secret": with_secret}), 0.0)

    assert takes("desa", "rahasia-lama-desa-1")
    secret.write_text("rahasia-baru-desa-22")
    assert (takes("desa", "rahasia-baru-desa-22"), takes("desa", "rahasia-lama-desa-1")) == (True, False)
    file.write_text("[desa\n")
    assert takes("desa", "rahasia-baru-desa-22")
    # A file with a secret that is made only after it was named.
    other = tmp_path / "lain"
    file.write_text(f'[lain]\nformat = "generic"\nsecret = "{{file:{other}}}"\n')
    assert takes("desa", "rahasia-baru-desa-22")
    other.write_text("rahasia-lain-desa-333")
    assert takes("lain", "rahasia-lain-desa-333")
    assert not takes("desa", "rahasia-baru-desa-22")
