"""Triage: from records to incidents, as a fold over plain data.

The state of a district changes only here, one record after the other; the shell in ``streams/`` reads Kafka, calls
these functions and writes what they answer. No clock, no network, no Kafka.
"""
