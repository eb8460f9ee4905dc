"""Entry point of the command ``hullspace`` and of ``python -m hullspace``."""

from __future__ import annotations

import sys

from hullspace.extras import require


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    try:
        for module in ("typer", "rich", "jinja2", "matplotlib"):
            require(module, "study")
    except ImportError as error:
        sys.exit(f"hullspace: {error}")
    from hullspace.cli import app  # noqa: PLC0415 - needs the extra

    app(prog_name="hullspace")


if __name__ == "__main__":
    main()
