"""People: accounts, who they are by real name, their sessions, and how personal data are sealed.

Knows no pass; what it has to ask about the passes of a person stands in its ports.
"""
