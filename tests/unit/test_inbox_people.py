"""What the officers of a simulated day do about their pages."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from siaga.inbox.kept import Received
from siaga.inbox.people import answers_of
from tests.support import builders


def page(page_id: uuid.UUID, **changed: Any) -> dict[str, Any]:
    return {
        "page_id": str(page_id),
        "incident_id": str(uuid.uuid5(page_id, "incident")),
        "district": builders.DISTRICT,
        "answer_url": "http://127.0.0.1:8080/ack/abc.def",
        "due_at": "2022-02-23T02:00:00Z",
        "answer_by": "2022-02-23T02:02:00Z",
        "drill": False,
        **changed,
    }


def received(*pages: Any) -> Received:
    return Received(1, "k", "budi", 0.0, {"pages": list(pages)})


@given(st.uuids())
def test_whoever_answers_does_so_before_the_next_level_is_called_and_always_alike(page_id: uuid.UUID) -> None:
    message = received(page(page_id))

    found = list(answers_of(message, 60.0))

    assert found == list(answers_of(message, 60.0))
    for answer in found:
        assert answer.officer_id == "budi"
        assert 0.0 < answer.after < 120.0
        assert answer.work is not None
        assert 6.0 <= answer.work <= 24.0


def test_most_answer_and_some_never_do() -> None:
    ids = [uuid.uuid5(uuid.NAMESPACE_OID, str(number)) for number in range(200)]

    answered = sum(len(list(answers_of(received(page(page_id)), 60.0))) for page_id in ids)

    assert 130 < answered < 190


def test_a_test_of_the_roster_is_answered_and_nothing_more() -> None:
    (answer,) = answers_of(received(page(uuid.UUID(int=1), purpose="drill_call")), 60.0)

    assert answer.work is None


def test_retractions_and_what_is_no_page_are_left_alone() -> None:
    page_id = uuid.UUID(int=1)

    assert list(answers_of(received(page(page_id, answer_url=None)), 1.0)) == []
    assert list(answers_of(received("page", {}, page(page_id, due_at=None)), 1.0)) == []
    assert list(answers_of(Received(1, "k", "budi", 0.0, {"text": "SIAGA GANGGUAN"}), 1.0)) == []
