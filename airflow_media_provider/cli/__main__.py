"""``python -m airflow_media_provider.cli``: the commands for Airflow 2, which asks no provider for any."""

from __future__ import annotations

import argparse

from airflow_media_provider.cli.definition import get_media_cli_commands


def main(words: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    (group,) = get_media_cli_commands()
    parser = argparse.ArgumentParser(
        prog="python -m airflow_media_provider.cli", description=group.description
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in group.subcommands:
        of_command = commands.add_parser(command.name, help=command.help, description=command.help)
        for argument in command.args:
            argument.add_to_parser(of_command)
        of_command.set_defaults(func=command.func)
    args = parser.parse_args(words)
    args.func(args)


if __name__ == "__main__":
    main()
