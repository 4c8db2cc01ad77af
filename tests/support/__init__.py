"""What several test modules share.

build       domain values: passes, scans, gates, people, offers, all plainly fictitious
rooms       all rooms of the domain over a real database, and ways to fill them
world       a whole system with gates and passes, at a standing clock
api         a client that speaks HTTP to a server under test
processes   `run.py` and operators' commands, as a user starts them
gates       gates of a running server, enrolled as a device enrols itself
verdicts    asserts about what a gate is told
fields      asserts about several fields of one thing
replies     asserts about problems over HTTP
waiting     waits until something holds, bounded
trials      how often a trial is repeated: few rounds, or many by `--long`
vectors     the published test vectors
pictures    reads QR pictures with a real decoder

No test module imports another; what two of them need is here.
"""
