"""Where the kit's own files lie: the package, and the notebooks and parameters beside it."""

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
HOME = PACKAGE.parent  # the checkout, where there is one
