"""Names of units as people write them: what no eye sees is folded, what an eye may miss is told."""

import re
from collections.abc import Iterable

import pandas as pd

from ..base.safe_text import plain_spaces
from ..base.telling import folded

KINDS = re.compile(
    r"^(?:tinh|thanh pho|tp|t\.p|quan|q|huyen|h|thi xa|tx|phuong|p|xa|x|thi tran|tt|so|province of|city of|county of|state of)[ .]+(?=\S)|"
    r"[ ,]+(?:province|city|county|state|district|municipality)$"
)
FOOTNOTE = re.compile(r"(?:\s*(?:\(\s*(?:\d{1,2}|\*+)\s*\)|\*+|[¹²³⁴⁵⁶⁷⁸⁹⁰]+|\[\d{1,2}\]))+$")


def seen(names: Iterable[str]) -> dict[str, str]:
    """Each name as an eye sees it (`plain_spaces`)."""
    return {name: plain_spaces(name) for name in names}


def spelling_key(name: str) -> str:
    """What two spellings of one name share: no capitals, marks, kind ("Tỉnh "), footnote mark, leading zeros of a code or signs."""
    plain = KINDS.sub("", folded(FOOTNOTE.sub("", name)).strip())
    key = re.sub(r"[\W_]+", "", plain)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", key) or plain


def alike(units: pd.Series, times: pd.Series) -> list[tuple[str, ...]]:
    """Groups of names that are probably one unit's: the same `spelling_key`, and never two of them in one period; in the order of the
    data."""
    pairs = pd.DataFrame({"unit": units, "time": times}).drop_duplicates()
    names = pairs["unit"].drop_duplicates()
    keys = {name: spelling_key(name) for name in names}
    sizes = pd.Series(list(keys.values())).value_counts()
    found = []
    for key in dict.fromkeys(key for key in keys.values() if sizes[key] > 1):
        group = tuple(name for name in names if keys[name] == key)
        if not pairs[pairs["unit"].isin(group)].duplicated("time").any():
            found.append(group)
    return found
