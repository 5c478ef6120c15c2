"""How a file was understood, where it could have been meant otherwise."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reading:
    """One decision of a reader that people must be able to see: `check`, the report's data chapter and `--json` tell all of them.

    `kind`: its sentence is `readings.KIND` in the locale; `said`: what that sentence names (columns, sheets, numbers of rows). No cell of
    the table stands there but what `base.telling` lets a message show.
    """

    kind: str
    said: dict[str, str | int] = field(default_factory=dict)
