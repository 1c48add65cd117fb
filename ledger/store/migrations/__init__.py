"""How the schema came to be, one revision a file; run by ``ledger.store.sql.migrate`` and by nothing else."""
