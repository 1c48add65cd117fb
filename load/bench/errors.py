"""What stops a benchmark: it prints a measured figure or says why there is none, and never makes one up."""


class Failed(Exception):
    """The service, or a tool of the benchmark, did not do what was to be measured."""
