"""The tables, under the name the sinks first gave them; they live where the command centre may read them too."""

from siaga.store.tables import *  # noqa: F403
