"""Seeds: fixed in every test, so that a change alone can fail one; `--seed random` of a script draws a new one and prints it."""

import random

FIXED = 20230713


def seed(text: str) -> int:
    """A seed as a script's option: a whole number, or the word random."""
    return random.SystemRandom().randrange(10**9) if text == "random" else int(text)
