"""`python -m ganymede`, and the program `ganymede`: Ctrl-C is one sentence while it is still loaded, too."""

import sys

from ganymede.stopping import STOPPED, say_stopped


def main() -> None:
    """Load the command line, which takes a second, and run it."""
    try:
        from ganymede.command import main as run

        run()
    except KeyboardInterrupt:
        say_stopped()
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
