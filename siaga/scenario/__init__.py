"""Drills: a script of reports and answers, played through the whole of Siaga, and what has to come of it."""
