"""Load on a ledger: users of three kinds (``locustfile``) and the benchmark (``bench``).

Both know a ledger as strangers do, over HTTP. ``catalogue`` invents what factories register, ``signing`` signs it, and
``proofs`` checks what the ledger answers, by code that shares nothing with the ledger's own.
"""
