"""A whole voting day of Kabupaten Pekalongan, played against a gateway.

The day is first a pure plan (:mod:`producers.simulate.plan`): places, routine check-ins, and a script of troubles,
all from one seed. Then a shell (:mod:`producers.simulate.play`) sends it on the real clock.
"""
