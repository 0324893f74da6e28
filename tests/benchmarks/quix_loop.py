"""What Siaga's streams are measured against: Quix Streams, which consumes records and forwards them as they are.

It runs in an environment of its own (``make bench`` makes it): Quix Streams wants an older pydantic than Siaga.

``.cache/quix/bin/python tests/benchmarks/quix_loop.py ADDRESS FROM TO RECORDS`` prints the records a second.
"""

import sys
import time

from quixstreams import Application


def main() -> None:
    address, source, target, records = sys.argv[1:]
    app = Application(
        broker_address=address,
        consumer_group="uji-quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="ERROR",
    )
    incoming = app.topic(source, value_deserializer="bytes", key_deserializer="bytes")
    outgoing = app.topic(target, value_serializer="bytes", key_serializer="bytes")
    times = []

    def noted(value: bytes) -> bytes:
        if len(times) < 2:
            times.append(time.perf_counter())
        else:
            times[1] = time.perf_counter()
        return value

    app.dataframe(incoming).apply(noted).to_topic(outgoing)
    app.run(count=int(records), timeout=120, collect=False)
    print(round(int(records) / (times[1] - times[0])))


if __name__ == "__main__":
    main()
