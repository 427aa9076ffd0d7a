"""``python -m vqfw``: the command line, by way of the interpreter that runs it."""

from vqfw.cli.main import main

main()
