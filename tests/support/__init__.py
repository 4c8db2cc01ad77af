"""What several test modules share.

build         domain values: passes, scans, gates, people, offers, all plainly fictitious
rooms         all rooms of the domain over a real database, and ways to fill them
interleaving  lets somebody else act between two steps of a service
commands      how many commands the database gets
crashing      a database whose user dies at a certain write
world         a whole system with gates and passes, at a standing clock
api           a client that speaks HTTP to a server under test
visitors      visitors who sign in over HTTP
beside        runs something asynchronous beside a test
processes     `run.py` and operators' commands, as a user starts them
operators     what operators do by commands, and how a device becomes a gate
victims       what of a running server can be killed
clients       gates and visitors that retry through the death of a server, and what they were told
explaining    whether what is stored is explained by what clients were told
relay         a relay in front of a server that loses requests and replies
line          a line to a server that can be cut, delayed, held silent and healed
gate_programs gate programs in the process of the test, before a real server
skewed_gate   the gate program on a machine whose clock is wrong
programs      programs that are killed again and again, and started again on the same data
site          a server, its database, a hub and gates as processes, with a line between any two
troubles      what befalls a site, and when: all of it follows from a seed
history       whether all that gates showed is what is stored
verdicts      asserts about what a gate is told
fields        asserts about several fields of one thing
replies       asserts about problems over HTTP
pictures      reads QR pictures with a real decoder
vectors       the published test vectors
code_writer   writes codes for the vectors, by the page that describes them alone
bundles       bundles made by hand
waiting       waits until something holds, bounded
trials        how often a trial is repeated: few rounds, or many by `--long` and `--kills`;
              how long the offline trial lasts

No test module imports another; what two of them need is here.
"""
