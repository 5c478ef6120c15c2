"""A study without a domain: no calendar, no facts, no layout but a tidy table. The functions are those of
`domains.Domain`, without those that are asked for a layout, a world or an amount of a domain only."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from .study import Study

NAME = ""
TIME_ZONE = None
EXAMPLE = ""


def claims(p: "Study") -> bool:
    return False


def check_study(p: "Study", file: str) -> None:
    return None


def layouts() -> tuple[str, ...]:
    return ()


def is_export(path: Path) -> bool:
    return False


def refuse_people(path: Path) -> None:
    return None


def definitions() -> tuple[str, ...]:
    return ()


def check_columns(p: "Study", panel: object) -> None:
    return None


def check_files(p: "Study", panel: object) -> None:
    return None


def calendar(frequency: str, times: "pd.Index") -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(index=times)


def policy(p: "Study") -> None:
    return None


def units_change(p: "Study") -> None:
    return None


def events(p: "Study", first: object, last: object) -> tuple:
    return ()


def other_adopters(units: object, by: object) -> set:
    return set()


def most_adopters() -> int:
    return 0


def notebooks(p: "Study") -> tuple[str, ...]:
    return ()


def facts() -> dict[str, str]:
    return {}


def prepare() -> None:
    return None


def counted_besides(p: "Study", panel: object, design: object) -> None:
    return None


def cells_billed(p: "Study", panel: object, design: object) -> "pd.Index":
    import pandas as pd

    return pd.Index([])


def assumption(p: "Study", words: object) -> None:
    return None


def facts_of_answer(found: object, panel: object, p: "Study", words: object) -> list:
    return []


def meaning_of_answer(found: object, panel: object, p: "Study", words: object) -> list:
    return []


def in_short(found: object, panel: object, p: "Study", words: object) -> list:
    return []


def facts_told(p: "Study", words: object) -> list[tuple]:
    return []


def series_told(panel: object, words: object) -> list[tuple[str, str]]:
    return []


def data_shown(panel: object, p: "Study", words: object) -> list:
    return []
