"""An empty database filled with what Kafka still holds, as the store would fill it, and nobody called meanwhile.

Input: the store's topics from their beginning to their end as it is when this begins. Output: rows. State: none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.settings import Settings, SettingsError
from sinks.backup import is_filled
from sinks.batch import TOPICS, Batch
from sinks.consumer import Consumer, NotReadyError, unreadable
from sinks.database import engine_of
from sinks.writer import Writer

_CLIENT: Final = "siaga-rebuild"


def rebuild(settings: Settings, progress: Callable[[int], None] = lambda records: None) -> int:
    """Store everything there is on Kafka; answers how many records.

    Raises:
        SettingsError: the database is not empty or does not answer, another store writes into it, or Kafka cannot be
            read. What is stored by then stays: 'siaga sinks' goes on from there.
    """
    engine = engine_of(settings, writes=True)
    writer = Writer(engine)
    try:
        with engine.connect() as connection:
            if is_filled(connection):
                raise SettingsError("database: is not empty; make a new one, and name it in SIAGA_DATABASE")
        if not writer.open():
            raise SettingsError("database: a store writes into it; stop 'siaga sinks' first")
        return _rebuild(settings, writer, progress)
    except sa.exc.OperationalError:
        raise SettingsError("database: does not answer; start it, or correct SIAGA_DATABASE") from None
    except (KafkaError, NotReadyError) as error:
        raise unreadable(settings, error) from error
    finally:
        writer.release()


def _rebuild(settings: Settings, writer: Writer, progress: Callable[[int], None]) -> int:
    consumer = Consumer(settings, TOPICS, client_id=_CLIENT, group=None)
    try:
        consumer.start(writer.begin(consumer.cluster_id, datetime.now(UTC), consumer.topic_ids))
        records = 0
        for some in consumer.records_until_now():
            batch = Batch(writer.epoch, datetime.now(UTC))
            for record in some:
                batch.add(record)
                if batch.rows >= settings.store_batch:
                    writer.write(batch)
                    batch = Batch(writer.epoch, datetime.now(UTC))
            if batch.positions:
                writer.write(batch)
            if some:
                records += len(some)
                progress(records)
        writer.caught_up(datetime.now(UTC))
    finally:
        consumer.close()
    return records
