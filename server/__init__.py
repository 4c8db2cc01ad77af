"""The running process: settings, database, keys, tokens, composition and life from start to
stop."""
