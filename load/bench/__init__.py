"""The benchmark: one real service on a fresh ledger, measured from outside, each rate beside the machine's own measure.

That measure is V, the rate at which one core verifies bare Ed25519 signatures (``verification``): what a ledger of
signed statements can do is bounded by it, so ratios to V compare across machines where rates do not.

    run             the order of things; everything else is one thing to measure, or a hand
    appends         single and batch appends            reads      receipts, search
    lifetime        restart, memory, stored bytes, audit
    supply          statements signed ahead             service    the service's process
    wrk  wire       requests from outside               report     figures, targets, the table
"""
