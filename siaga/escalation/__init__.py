"""Escalation: how an incident reaches a human, as a fold over plain data.

Policies and rosters are data; :func:`siaga.escalation.machine.advance` decides, with its reasons, and a shell carries
it out. No clock, no network, no Kafka, no database.
"""
