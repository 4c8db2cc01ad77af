"""The gate program: a gate that goes on when its line is cut, or the hub of the gates of a spot.

    python -m scripts.gate --server https://tickets.example.org --setup-code K3F9-7QX2-M8PD

clock       what time it is, whatever becomes of the clock of the machine
hysteresis  whether the server is asked, or the gate decides alone
client      speaks HTTP to the server, or to the hub
enrolment   which gate the device is, and its token
device      what the parts share
journal     what the gate keeps, on disk before the door opens
held        the bundle: fetched, checked, kept
deciding    one scan: the server decides, or else this program alone
answers     what a scan is answered, in the words of the API
uploading   brings what was decided here to the server
upkeep      what happens beside the scans: heartbeats, the bundle, the token, uploads
readers     lines from standard input, a file or a serial device
written     what a program writes instead of a code
wrongly_set words for a scanner that is set wrongly
screen      what staff see and hear
hub         the API of the server, for the gates of the spot
program     puts it together

It decides by the rules and the codes of the server, and imports nothing of its database.
"""

VERSION = "bashu-gate 1.0"
"""What the program calls itself."""
