"""A witness of other logs (C2SP tlog-witness): its folder, the logs it knows, what it remembers, how it answers."""
