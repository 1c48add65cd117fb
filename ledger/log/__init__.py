"""The log as pure mathematics: bytes in, bytes or an error out; no clock, no disk, no network."""
