"""After the day: one paper that says what happened between two times, for those who were not there.

``read`` asks the database, ``figures`` computes, ``charts`` and ``atlas`` draw, ``page`` makes the HTML, ``paper``
has Chromium print it. Everything but ``read``, ``paper`` and ``report`` is pure.
"""
