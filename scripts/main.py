"""The entry point of the ``cadastre`` command: every module beside this one may declare commands (``command``).

Processes that start others (``multiprocessing``) have them import this module again: so it imports nothing by itself.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    import gc
    import os

    gc.set_threshold(50_000, 20, 20)  # imports make objects that stay: looking them through is a tenth of a start
    # Nothing installed beside it changes what a form takes; and looking for plugins is another tenth.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    from scripts.command import app

    app(prog_name="cadastre")


if __name__ == "__main__":
    main()
