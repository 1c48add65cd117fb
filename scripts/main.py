"""The entry point of the ``cadastre`` command: every module beside this one may declare commands (``command``).

Processes that start others (``multiprocessing``) have them import this module again: so it imports nothing by itself.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    import gc

    gc.set_threshold(50_000, 20, 20)  # imports make objects that stay: looking them through is a tenth of a start
    from scripts.command import app

    app(prog_name="cadastre")


if __name__ == "__main__":
    main()
