"""Rows left out because the outcome's own column could not be read: whether they may bias the answer, and how far at worst.

Missing by what is measured is no chance: forms that came in with a new service or at the policy's date are all online, or all not. So
more than MOST_ODD of the rows (and FEWEST_ODD rows) of the whole list, of the months before or after the policy, of a group of fees, or
of either in such months, are refused; of fewer the bound is told, with all of them online or none.
"""

import itertools
from dataclasses import dataclass

import pandas as pd

from ..base.errors import InputError
from ..base.telling import row_text
from .dossier_dates import FEWEST_ODD, many
from .layouts.opencps_dossiers import ANSWERS, HEADERS


@dataclass(frozen=True)
class Comparison:
    """What a study of dossiers compares: the policy's first month (YYYY-MM) and the groups of fees on either side."""

    since: str | None = None
    treated: tuple[str, ...] = ()
    comparison: tuple[str, ...] = ()


def unread_counts(unread: pd.DataFrame, counts: pd.DataFrame, groups: pd.Series, compared: Comparison) -> pd.DataFrame:
    """One row per fee_group and late (from the policy on): received, online, unread.

    `unread`: procedure, month, n; `groups`: code -> fee group; `counts`: fee_group, month, received, online.
    """
    late = compared.since or "9999-12"
    left = unread.assign(fee_group=unread["procedure"].map(groups).fillna("unknown"), unread=unread["n"].astype("int64"))
    both = pd.concat([counts.assign(unread=0), left.assign(received=0, online=0)], ignore_index=True)
    both["late"] = both["month"] >= late
    return both.groupby(["fee_group", "late"], as_index=False)[["received", "online", "unread"]].sum()


def check_unread(table: pd.DataFrame, first: int, file: str) -> None:
    """Raises InputError where too many rows of the whole, of a side, or of its months have an unreadable channel. `first`: such a row."""
    parts = [("of the whole list", table), *((f"of the months {name} the policy", part) for name, part in sides(table, "late")),
             *((f"of the fee group {name}", part) for name, part in sides(table, "fee_group")),
             *((f"of the fee group {group}, {when} the policy", inner) for group, part in sides(table, "fee_group")
               for when, inner in sides(part, "late"))]  # fmt: skip
    for name, part in parts:
        left, rows = int(part["unread"].sum()), int(part[["received", "unread"]].sum().sum())
        if many(left, rows):
            told = "".join(f"; {when} the policy {share(part):.1%}" for when, part in sides(table, "late"))
            raise InputError(f"{file}: column {HEADERS['online'][0]!r}: {left} of {rows} rows {name} cannot be read "
                             f"(first: row {row_text(first)}{told}). It is the outcome: leaving them out would bias it; allowed: "
                             f"{ANSWERS}; at most 0.5% or {FEWEST_ODD - 1} rows may be unreadable")  # fmt: skip


def sides(table: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    """The parts of a table by fee_group, or by late where there are months on both sides of the policy."""
    if column == "late" and table["late"].nunique() < 2:
        return []
    names = {True: "after", False: "before"} if column == "late" else {}
    return [(names.get(value, value), part) for value, part in table.groupby(column)]


def share(part: pd.DataFrame) -> float:
    return float(part["unread"].sum() / max(part[["received", "unread"]].sum().sum(), 1))


def worst_move(table: pd.DataFrame, compared: Comparison) -> float | None:
    """How far, in percentage points, the difference of differences of the raw shares (without a policy and two sides: the share) moves
    at most if all unread rows were online, or none, on each side and in each half; None where nothing is unread."""
    if not table["unread"].sum():
        return None
    signs = [
        (side, late, own if late else -own) for side, own in ((compared.treated, 1), (compared.comparison, -1)) for late in (True, False)
    ]
    halves = [(table["fee_group"].isin(side) & (table["late"] == late), sign) for side, late, sign in signs]
    if not (compared.since and compared.treated and compared.comparison):
        halves = [(pd.Series(True, table.index), 1)]
    ends = []
    for chosen, sign in halves:
        received, online, unread = table.loc[chosen, ["received", "online", "unread"]].sum()
        shares = (online / max(received + unread, 1), (online + unread) / max(received + unread, 1))
        ends.append([sign * (end - online / max(received, 1)) for end in shares])
    return 100 * max(abs(sum(choice)) for choice in itertools.product(*ends))
