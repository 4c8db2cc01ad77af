"""Facts: takes tables of facts over into the data files of the catalogue.

    tables     reads and checks the tables of one release
    texts      reads what a row says of its sources and of how far to trust it
    slugs      makes ids of names
    matching   finds the spot of the catalogue that a row is about
    records    makes records of rows
    writing    writes the data files
    takeover   all of it, one after the other, with a report

Knows nothing of servers and databases: what it writes is imported like every other correction.
"""
