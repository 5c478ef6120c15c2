"""`python -m hgdx_eval`: the command line."""

from .cli import program

program()
