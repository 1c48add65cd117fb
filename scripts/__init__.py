"""Hands: the ``cadastre`` command, one file a command, and what writes the generated documents."""
