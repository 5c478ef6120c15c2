"""How a file was understood, where it could have been meant otherwise."""

import re
from dataclasses import dataclass, field

from ..base.telling import told_text
from ..study.words import Words, told_shape

SHAPE = re.compile(r"\((?:text|number) of \d+ \w+\)")


@dataclass(frozen=True)
class Reading:
    """One decision of a reader that people must be able to see: `check`, the report's data chapter and `--json` tell all of them.

    `kind`: its sentence is `readings.KIND` in the locale; `said`: what that sentence names (columns, sheets, numbers of rows). No cell of
    the table stands there but what `base.telling` lets a message show.
    """

    kind: str
    said: dict[str, str | int] = field(default_factory=dict)


def reading_text(reading: Reading, words: Words) -> str:
    """The decision as a sentence."""
    said = {name: words.number(value) if isinstance(value, int) else SHAPE.sub(lambda found: told_shape(found[0], words), told_text(value))
            for name, value in reading.said.items()}  # fmt: skip
    if "form" in said:
        said["form"] = words("readings.form_" + re.sub(r"\W+", "_", str(reading.said["form"])))
    return words("readings." + reading.kind, **said)
