"""Names of units as people write them: what no eye sees is folded, what an eye may miss is told."""

import re
from collections.abc import Iterable

import pandas as pd

from ..base.safe_text import plain_spaces
from ..base.telling import folded

KINDS = re.compile(
    r"^(?:tinh|t(?=\.)|thanh pho|tp|t\.p|quan|q|huyen|h|thi xa|tx|phuong|p|xa|x|thi tran|tt|so|"
    r"province of|city of|county of|state of)[ .]+(?=\S)|"
    r"[ ,]+(?:province|city|county|state|district|municipality)$"
)
FOOTNOTE = re.compile(r"(?:\s*(?:\(\s*(?:\d{1,2}|\*+)\s*\)|\*+|[¹²³⁴⁵⁶⁷⁸⁹⁰]+|\[\d{1,2}\]))+$")


CODED = re.compile(r"^(?:\(?(?P<first>\d{1,6})\)?\s*(?:[-–_.:)]\s*|\s)(?=[^\W\d])|.*[^\W\d]\s*(?:[-–_]\s*|\s\()(?P<last>\d{2,6})\)?$)")


def seen(names: Iterable[str]) -> dict[str, str]:
    """Each name as an eye sees it (`plain_spaces`)."""
    return {name: plain_spaces(name) for name in names}


def spelling_key(name: str) -> str:
    """What two spellings of one name share: no capitals, marks, kind ("Tỉnh "), footnote mark, leading zeros of a code or signs."""
    plain = KINDS.sub("", folded(FOOTNOTE.sub("", name)).strip())
    key = re.sub(r"[\W_]+", "", plain)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", key) or plain


def parted(name: str) -> tuple[str, str]:
    """(name, code or number before or behind it): "93 - North", "1. North" and "North (93)" have one beside their name."""
    found = CODED.match(name)
    code = found and (found["first"] or found["last"])
    return (re.sub(rf"^\(?{code}\)?[\s\-–_.:)]*|[\s\-–_(]*{code}\)?$", "", name), code.lstrip("0") or "0") if code else (name, "")


def alike(units: pd.Series, times: pd.Series) -> list[tuple[str, ...]]:
    """Groups of names that are probably one unit's: the same `spelling_key`, a number beside it aside that only some of them bear, and
    never two of them in one period; in the order of the data."""
    pairs = pd.DataFrame({"unit": units, "time": times}).drop_duplicates()
    names = pairs["unit"].drop_duplicates()
    codes = {name: parted(name) for name in names}
    keys = {name: spelling_key(plain) for name, (plain, _) in codes.items()}
    sizes = pd.Series(list(keys.values())).value_counts()
    found = []
    for key in dict.fromkeys(key for key in keys.values() if sizes[key] > 1):
        group = tuple(name for name in names if keys[name] == key)
        if len({codes[name][1] for name in group} - {""}) > 1:  # parted by their numbers
            continue
        if not pairs[pairs["unit"].isin(group)].duplicated("time").any():
            found.append(group)
    return found
