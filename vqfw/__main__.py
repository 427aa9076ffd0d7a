"""``python -m vqfw``: the command line, by way of the interpreter that runs it."""

from vqfw.cli.command_line import main

main()
