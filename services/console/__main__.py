"""Runs the `multiflux` command."""

from console.app import app


def main() -> None:
    """Run the command that the arguments name."""
    app(prog_name="multiflux")


if __name__ == "__main__":
    main()
