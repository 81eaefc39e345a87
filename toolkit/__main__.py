"""``python -m toolkit`` is ``docposts``."""

from toolkit.cli import run

if __name__ == "__main__":
    run()
