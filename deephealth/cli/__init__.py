"""Floor 9: the command line, one file per command; each imports what it needs when it runs."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the ``deephealth`` command."""
    from deephealth.cli.app import app

    app()
