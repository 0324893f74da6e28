"""Topics and the registry on real brokers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from kafka import KafkaAdminClient

from producers.publisher import Publisher
from siaga.contracts.registry import key_of
from siaga.contracts.topics import REGISTRY, TOPICS
from siaga.settings import Settings, SettingsError
from siaga.wire import registry_tail
from siaga.wire.registry_tail import RegistryError, RegistryTail, publish_entries
from siaga.wire.topics_admin import ensure_topics
from tests.support import builders
from tests.support.brokers import ApacheKafka, Broker, EmbeddedBroker
from tests.support.wait import until


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return Settings(kafka=broker.address, partitions=3)


class Reader:
    """A tail that remembers what it was told."""

    def __init__(self, settings: Settings) -> None:
        self.told: list[tuple[str, bytes | None]] = []
        self.refuse: set[str] = set()
        self.tail = RegistryTail(settings, self._take, client_id="uji")
        self.tail.start()

    def _take(self, key: str, value: bytes | None) -> None:
        if key in self.refuse:
            raise ValueError(f"{key} is refused")
        self.told.append((key, value))

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.told]


@pytest.fixture
def reader(settings: Settings) -> Iterator[Reader]:
    made = Reader(settings)
    yield made
    made.tail.stop()


@pytest.fixture
def light(embedded: EmbeddedBroker) -> Iterator[Reader]:
    """A reader for what is the same whatever the broker; its topics are made."""
    settings = Settings(kafka=embedded.address)
    ensure_topics(settings)
    made = Reader(settings)
    yield made
    made.tail.stop()


def test_topics_are_made_once_and_found_right_ever_after(settings: Settings) -> None:
    first = ensure_topics(settings)
    second = ensure_topics(settings)

    names = tuple(topic.name for topic in TOPICS)
    assert (first.created, first.present) == (names, ())
    assert (second.created, second.present) == ((), names)
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    counts = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(list(names))}
    admin.close()
    assert counts == {topic.name: 1 if topic.single_partition else 3 for topic in TOPICS}


def test_a_topic_that_is_missing_is_made_beside_those_that_are_there(settings: Settings) -> None:
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    admin.create_topics({"siaga.reports": {"num_partitions": 3, "replication_factor": 1}})
    admin.close()

    done = ensure_topics(settings)

    assert done.present == ("siaga.reports",)
    assert len(done.created) == len(TOPICS) - 1


def test_another_number_of_partitions_is_refused_with_the_remedy(settings: Settings) -> None:
    ensure_topics(settings)

    with pytest.raises(SettingsError, match=r"siaga\.reports has 3 partitions, not 5; set SIAGA_PARTITIONS=3"):
        ensure_topics(settings.model_copy(update={"partitions": 5}))


def test_more_replicas_than_brokers_are_refused_with_the_remedy(kafka: ApacheKafka) -> None:
    with pytest.raises(SettingsError, match=r"replication: .*set SIAGA_REPLICATION"):
        ensure_topics(Settings(kafka=kafka.address, replication=3))


def test_a_registry_that_would_forget_is_refused(kafka: ApacheKafka) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics({REGISTRY: {"num_partitions": 1, "replication_factor": 1}})
    admin.close()

    with pytest.raises(SettingsError, match=r"siaga\.registry is kept by 'delete' and would forget"):
        ensure_topics(Settings(kafka=kafka.address))


def test_a_registry_is_told_from_its_beginning_and_then_as_it_changes(settings: Settings, reader: Reader) -> None:
    ensure_topics(settings)
    country = [builders.district(f"33.26.{number:02d}", stations=113) for number in range(1, 20)]
    publish_entries(settings, country)

    assert reader.tail.wait_caught_up(20)
    publish_entries(settings, [builders.calendar()])

    keys = [*(key_of(entry) for entry in country), "calendar/election"]
    until(lambda: reader.keys == keys, what=lambda: f"{len(keys)} entries; told {reader.keys}")
    assert reader.told[0][1] == country[0].to_json()


def test_an_empty_registry_is_caught_up_with_at_once(light: Reader) -> None:
    assert light.tail.wait_caught_up(20)


def test_an_entry_nobody_can_use_does_not_hide_the_next(light: Reader, embedded: EmbeddedBroker) -> None:
    light.refuse = {f"stations/{builders.DISTRICT}"}

    publish_entries(
        Settings(kafka=embedded.address), [builders.district(), builders.district(builders.OTHER_DISTRICT)]
    )

    until(lambda: light.keys == [f"stations/{builders.OTHER_DISTRICT}"], timeout=20, what="the next entry")


def test_the_tail_outlives_the_broker(settings: Settings, broker: Broker, reader: Reader) -> None:
    ensure_topics(settings)
    country = builders.small_registry()
    publish_entries(settings, country)
    until(lambda: len(reader.told) == len(country), timeout=20, what="the registry")

    broker.kill()
    broker.start()
    ensure_topics(settings)
    # An embedded broker is empty now, and soon holds more than was read of the one before: the position is no use.
    again = [] if isinstance(broker, ApacheKafka) else country
    publish_entries(settings, [*again, builders.district("33.26.07")])

    wanted = {*(key_of(entry) for entry in again), "stations/33.26.07"}
    until(
        lambda: set(reader.keys[len(country) :]) == wanted, timeout=30, what=lambda: f"{wanted}; told {reader.keys}"
    )


def test_a_registry_made_anew_is_told_from_its_beginning(light: Reader, embedded: EmbeddedBroker) -> None:
    settings = Settings(kafka=embedded.address)
    publish_entries(settings, [builders.district()])
    until(lambda: len(light.told) == 1, timeout=20, what="the registry")

    with closing(KafkaAdminClient(bootstrap_servers=embedded.address)) as admin:
        admin.delete_topics([REGISTRY])
    ensure_topics(settings)
    # Longer than it was before anybody looks: nothing but the topic's id tells that it is another.
    again = [builders.district(f"33.26.{number:02d}") for number in range(1, 4)]
    publish_entries(settings, again)

    until(
        lambda: light.keys[-3:] == [key_of(entry) for entry in again], timeout=20, what=lambda: f"told {light.keys}"
    )


def test_nobody_makes_a_topic_by_asking_for_it(embedded: EmbeddedBroker) -> None:
    settings = Settings(kafka=embedded.address)
    reader, publisher = Reader(settings), Publisher(settings, "uji")
    admin = KafkaAdminClient(bootstrap_servers=embedded.address)
    try:
        lost = publisher.publish("siaga.reports", builders.DISTRICT, [b"{}"], "report", timeout=1.5)
        assert "siaga topics" in str(lost.exception(20))
        assert not reader.tail.wait_caught_up(0)
        assert admin.list_topics() == []
        # Made later, they are found without a restart.
        ensure_topics(settings)
        publisher.publish("siaga.reports", builders.DISTRICT, [b"{}"], "report").result(20)
        assert reader.tail.wait_caught_up(20)
    finally:
        reader.tail.stop()
        publisher.close(0)
        admin.close()


def test_a_registry_that_nobody_takes_says_what_to_do(kafka: ApacheKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_tail, "_CONNECT_MS", 1000)
    settings = Settings(kafka=kafka.address)
    with pytest.raises(RegistryError, match="siaga topics"):
        publish_entries(settings, [builders.calendar()])

    kafka.kill()
    with pytest.raises(RegistryError, match="does not answer; start it"):
        publish_entries(settings, [builders.calendar()])


def test_a_tail_that_is_stopped_leaves_no_thread(light: Reader) -> None:
    assert light.tail.wait_caught_up(20)

    light.tail.stop()

    assert "registry-tail" not in {thread.name for thread in threading.enumerate()}
