"""``python -m toolkit`` is ``docposts``."""

from toolkit.cli import main

if __name__ == "__main__":
    main()
