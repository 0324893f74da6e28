"""``python -m siaga`` is the ``siaga`` command."""

from siaga.cli import main

main()
