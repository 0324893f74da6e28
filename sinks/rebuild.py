"""An empty database filled with what Kafka still holds, as the store would fill it, and nobody called meanwhile.

Input: the store's topics from their beginning to their end as it is when this begins. Output: rows. State: none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from kafka.errors import KafkaError

from siaga.settings import Settings, SettingsError
from siaga.wire.ends import first_record, log_ends
from sinks.backup import is_filled
from sinks.batch import TOPICS, Batch, Place
from sinks.consumer import Consumer, NotReadyError, unreadable
from sinks.database import engine_of
from sinks.writer import Writer

_CLIENT: Final = "siaga-rebuild"
_POLL_SECONDS: Final = 0.5
#: Seconds without a record after which it is asked whether there is one at all before a partition's end.
_SILENCE_SECONDS: Final = 3.0


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
        consumer.start(writer.begin(consumer.cluster_id, datetime.now(UTC)))
        ends = log_ends(settings, consumer.partitions, _CLIENT)
        reached: dict[Place, int] = dict.fromkeys(ends, 0)
        records, heard = 0, time.monotonic()
        while behind := [place for place, end in ends.items() if reached[place] < end]:
            batch = Batch(writer.epoch, datetime.now(UTC))
            for record in consumer.poll(_POLL_SECONDS):
                batch.add(record)
                records += 1
                reached[record.topic, record.partition] = record.offset + 1
                if batch.rows >= settings.store_batch:
                    writer.write(batch)
                    batch = Batch(writer.epoch, datetime.now(UTC))
            if batch.positions:
                writer.write(batch)
                heard = time.monotonic()
                progress(records)
            elif time.monotonic() - heard > _SILENCE_SECONDS:
                # Kafka has forgotten what was there, or marks of transactions are all that is left.
                for place in behind:
                    found = first_record(settings, place, reached[place], _CLIENT)
                    if found is None or found >= ends[place]:
                        reached[place] = ends[place]
                heard = time.monotonic()
        writer.caught_up(datetime.now(UTC))
    finally:
        consumer.close()
    return records
