"""Who speaks, and how we know: canonical JSON, keys, DIDs, signatures. Imports nothing of ours."""
