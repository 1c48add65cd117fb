"""The doors: the ledger over HTTP (FastAPI), and the client that speaks to it."""
