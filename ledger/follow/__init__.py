"""Following a log from outside: a mirror that is verified at each step, a state of one's own, and alerts."""
