"""The groups in which ``siaga --help`` lists the commands, in the order in which they are registered."""

from __future__ import annotations

from typing import Final

RUN: Final = "Run Siaga"
REPORT: Final = "Report"
LOOK: Final = "Look"
DECIDE: Final = "Decide about an incident"
PREPARE: Final = "Prepare and rehearse"
PROVE: Final = "Prove and operate"
