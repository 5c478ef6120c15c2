"""TODO"""

from .cli import program

program()
