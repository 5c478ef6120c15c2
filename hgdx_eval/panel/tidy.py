"""A tidy table -> panel: one row per unit and period, columns called by the study's keys."""

from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.origin import Origin, sha256_of
from ..base.periods import is_never, parse_period, written
from ..base.safe_text import header_key, plain_spaces
from ..base.telling import row_text, shared_names, told_amount, told_file, told_name
from ..read import tidy
from ..read.number_column import NumberColumn, read_numbers, read_truth, suspected_codes
from ..read.period_column import Asked, canonical, form_of, read_periods
from ..read.readings import Reading
from ..read.table_rows import Columns, rows_of_data
from ..read.unit_spellings import alike, seen
from ..study.domains import domain_of, domains
from ..study.study import COUNTED, Study, named_by, named_columns, weight_column
from .hidden_totals import hidden_totals
from .panel import EXAMPLES, NOTES, Panel

GAP = 10  # times the largest share, below which no percentage lies where a column mixes the two
TIMES = {100: "shares and percentages", 1000: "numbers and thousands of them", 1e6: "numbers and millions of them"}
LEAST_SCALED = 3  # cells on either side, so that one slip of a pen is none
PARTS = {("Q", "M"): 3, ("Y", "M"): 12, ("Y", "Q"): 4}  # shorter periods in a longer one
DATED = ("treated_from", "treated_until")  # columns of periods besides the table's own


def table_panel(path: Path, p: Study, early: bool = False) -> Panel:
    """The panel of a tidy table; `early`: without the periods from the first start on.

    Raises InputError naming file, row and column of a value that cannot be, and for a list of dossiers or payments: its cells are people's,
    and a study could name any of its columns."""
    for domain in domains():
        domain.refuse_people(path)
    text, numbers = table_columns(p)
    keys = {column: key for key, columns in named_columns(p).items() for column in columns}
    measured = label(p, "outcome" if p.outcome else "numerator")
    table = tidy.read_texts(path, {**text, **numbers}, keys, ("period", measured))
    for name in numbers:
        if name in table.merged:
            raise InputError(f"{path.name}: column {numbers[name]!r}: a number stands in a cell merged over several rows: it belongs to "
                             f"all of them together and to none; unmerge it and give each row its own")  # fmt: skip
    parts = [f"unit {i}" for i in range(1, len(p.unit_columns) + 1)]
    others = [name for name in text if name not in ("period", *parts)]
    columns = Columns(parts, "period", list(numbers), others, table.header, table.position)
    frame, aside = rows_of_data(table.frame, columns, path.name, named_by(p))
    if frame.empty:
        raise InputError(f"{path.name}: no row of data below the header: all {len(table.frame)} are titles, notes or totals")
    frame, readings = understood(frame.copy(), table, p, path.name, text, numbers, early)
    frame["unit"] = joined_text(frame, parts)
    check_numbers(frame, p, path.name)
    whole, (frame, repeats) = frame, one_row_each(frame, p, path, {**text, **numbers})
    totals = hidden_totals(frame, measured, named_by(p))
    frame = frame[~frame["unit"].isin(totals)]
    readings = [*table.readings, *readings, *told_totals(totals, whole, p, path.name), *told_alike(frame, p, path.name),
                *told_incomplete(whole.drop(index=repeats), p)]  # fmt: skip
    cells = frame.sort_values(["unit", "time"], ignore_index=True)
    cells["period"] = pd.PeriodIndex.from_ordinals(cells["time"], freq=p.frequency)
    summed = whole.index[whole["unit"].isin(totals)].difference(repeats)
    aside = pd.concat([aside, pd.Series("repeated_row", index=repeats, dtype=object), pd.Series("total_row", index=summed, dtype=object)])
    origin = Origin(told_file(path.name), sha256_of(path), len(table.frame), "table", table.simulated)
    cells = cells[["unit", "period", *(name for name in (*text, *numbers) if name not in ("period", *parts))]]
    parted = "definition" in map(header_key, p.unit_columns)
    return Panel(cells, origin, noted(aside, table.frame["row"]), pd.DataFrame(columns=NOTES), len(table.frame) - len(aside),
                 definition=tidy.told_definition(path) if table.defined and not parted else "", readings=distinct(readings))  # fmt: skip


def understood(
    frame: pd.DataFrame, table: tidy.Texts, p: Study, file: str, text: dict[str, str], numbers: dict[str, str], early: bool = False
) -> tuple[pd.DataFrame, list[Reading]]:
    """(the rows of data with `time`, `kind` and `day` of their periods, names as an eye sees them and numbers; how they were
    understood). Raises InputError for what allows no reading or two."""
    rows, zone = frame["row"], p.time_zone or domain_of(p).TIME_ZONE
    dated, readings = read_periods(frame["period"], rows, Asked(file, p.period, p.frequency, zone))
    frame[["time", "kind", "day"]] = dated
    for name, column in text.items():
        if name in DATED:
            frame[name], told = canonical(frame[name], rows, Asked(file, column, p.frequency, zone, form_of(readings), True), is_never)
        elif name != "period":
            frame[name], told = names_read(frame[name], column)
        readings += told if name != "period" else []
    if early:  # before any number is looked at
        frame = frame[frame["time"] < first_start(p, frame.get("treated_from"), file)].copy()
        rows = frame["row"]
        if frame.empty:
            raise InputError(f"{file}: no row of a period before the policy")
    counts = {header_key(column) for key in ("numerator", "denominator") for column in named_columns(p)[key]}
    asked = {name: (frame[name], NumberColumn(file, column, header_key(column) in counts, name == "outcome" and p.scale == "share",
                                              table.semicolons)) for name, column in numbers.items() if name != "treated"}  # fmt: skip
    values, told = read_numbers(asked, rows, p.decimal_mark)
    readings += told
    for name in values:
        values[name], told = without_codes(values[name], rows, p, asked[name][1])
        readings += told
    if "treated" in numbers:
        values["treated"], told = read_truth(frame["treated"], rows, NumberColumn(file, numbers["treated"]))
        readings += told
    return frame.assign(**values), readings


def without_codes(values: pd.Series, rows: pd.Series, p: Study, column: NumberColumn) -> tuple[pd.Series, list[Reading]]:
    """(numbers without the study's `missing_codes`, what was left out). Raises InputError for numbers that look like such codes, where the
    study says nothing of them."""
    if p.missing_codes is None:
        if codes := suspected_codes(values):
            mine = rows[values == codes[0]]
            often, code = f"{len(mine):,} {'row' if len(mine) == 1 else 'rows'}", f"{codes[0]:g}"
            raise InputError(f"{column.place(mine.iloc[0])}: {code} stands in {often}, unlike all other numbers: a code for a missing "
                             f"value? Say missing_codes: [{code}] in the study, or missing_codes: [] where it is a number")  # fmt: skip
        return values, []
    coded = values.isin(p.missing_codes)
    told = [Reading("missing_codes", {"column": column.name, "cells": int(coded.sum())})] if coded.any() else []
    return values.mask(coded), told


def first_start(p: Study, starts: pd.Series | None, file: str) -> int:
    """Ordinal of the period in which the policy first begins anywhere. `starts`: the column `treated_from` as read, where the study names
    one. Raises InputError where only the outcomes' own rows say when it began."""
    policy = domain_of(p).policy(p)
    if policy is not None:
        return pd.Period(pd.Timestamp(policy.effective), freq=p.frequency).ordinal
    if p.treated_from is None:
        raise InputError(f"{p.study}: treated: rows after the policy are not read here, and only they say when it began; name its date in "
                         f"treated_from: a column, or a map unit: period")  # fmt: skip
    given = list(p.treated_from.values()) if isinstance(p.treated_from, dict) else [] if starts is None else starts.unique().tolist()
    known = [parse_period(text, p.frequency, f"{p.study}: treated_from").ordinal for text in given if not is_never(text)]
    if not known:
        raise InputError(f"{file}: treated_from: no unit is ever treated")
    return min(known)


def names_read(cells: pd.Series, column: str) -> tuple[pd.Series, list[Reading]]:
    """(names or codes of a column as an eye sees them, what was folded on the way)."""
    codes = tidy.code_texts(cells)
    folded = seen(codes.unique())
    readings = []
    if len(set(cells)) > len(set(codes)) and len({cell for cell in cells if cell.endswith(".0")}):
        readings.append(Reading("codes_with_zero", {"column": column}))
    if len(set(folded.values())) < len(folded):
        readings.append(Reading("names_folded", {"column": column, "names": len(folded) - len(set(folded.values()))}))
    return codes.map(folded), readings


def noted(reasons: pd.Series, rows: pd.Series) -> pd.DataFrame:
    """Reasons by index -> one row per reason: how many rows, and which the first ones are."""
    at = rows.loc[reasons.index]
    found = [
        (reason, len(part), tuple(int(row) for row in sorted(set(at.loc[part.index]))[:EXAMPLES]))
        for reason, part in reasons.groupby(reasons)
    ]
    return pd.DataFrame(found, columns=NOTES)


def distinct(readings: list[Reading]) -> tuple[Reading, ...]:
    """Each reading once: a column may stand under several keys of a study."""
    return tuple(reading for i, reading in enumerate(readings) if reading not in readings[:i])


def told_totals(totals: list[str], frame: pd.DataFrame, p: Study, file: str) -> list[Reading]:
    """That units which are sums or means of others were left out. Raises InputError where one of them is treated."""
    if not totals:
        return []
    tellable = tellable_names(frame["unit"], frame["time"], p)
    for name in totals:
        if is_treated(mine := frame[frame["unit"] == name], p):
            raise InputError(f"{file}: unit {told_name(name, tellable)} (first in row {row_text(mine['row'].min())}) is treated, and "
                             f"equals the sum or the mean of other units in every period: it would count them twice; take it out, or name "
                             f"it in treated_from")  # fmt: skip
    return [Reading("totals_found", {"units": ", ".join(told_name(name, tellable) for name in totals), "n": len(totals)})]


def told_alike(frame: pd.DataFrame, p: Study, file: str) -> list[Reading]:
    """That names which never share a period are probably one unit's. Raises InputError where one of them is treated: it moves the
    number then."""
    groups, tellable = alike(frame["unit"], frame["time"]), tellable_names(frame["unit"], frame["time"], p)
    readings = []
    for group in groups:
        told = ", ".join(told_name(name, tellable) for name in group)
        mine = frame["unit"].isin(group)
        rows = ", ".join(row_text(frame.loc[frame["unit"] == name, "row"].min()) for name in group)
        if is_treated(frame[mine], p):
            raise InputError(f"{file}: units {told} (first in rows {rows}) differ in capitals, marks, signs or leading zeros alone and "
                             f"never share a period: probably one unit, and it is treated; write its name in one way")  # fmt: skip
        readings.append(Reading("units_alike", {"units": told, "rows": rows}))
    return readings


def told_incomplete(frame: pd.DataFrame, p: Study) -> list[Reading]:
    """That periods made of shorter ones (a quarter of months) lack some of them."""
    whole = PARTS.get((p.frequency, frame["kind"].iloc[0]))
    if whole is None or not frame.duplicated(["unit", "time"]).any():
        return []
    lacking = int(frame.groupby(["unit", "time"])["day"].nunique().lt(whole).sum())
    return [Reading("periods_incomplete", {"cells": lacking})] if lacking else []


def is_treated(rows: pd.DataFrame, p: Study) -> bool:
    """Whether some of a table's rows are of a unit that the study treats, as far as the table and the study's maps say."""
    named = isinstance(p.treated_from, dict) and rows["unit"].isin([plain_spaces(str(name)) for name in p.treated_from]).any()
    dated = "treated_from" in rows and rows["treated_from"].ne("").any()
    marked = "treated" in rows and rows["treated"].eq(1).any()
    grouped = "group" in rows and rows["group"].isin(p.treated_groups).any()
    return bool(named or dated or marked or grouped)


def label(p: Study, key: str, name: str | None = None) -> str | None:
    """What the cells call a column that a study names under a key (`name`: which one, where it names several). An export's bear
    their own names; of a tidy table they bear the key's, so that no name that a user gave can be one of ours."""
    name = getattr(p, key) if name is None else name
    if p.layout != "table" or name is None:
        return name
    return f"by_{name}" if key == "by" else key


def table_columns(p: Study) -> tuple[dict[str, str], dict[str, str]]:
    """(text, numbers) of a tidy table: `label` -> the file's column; the parts of a unit are "unit 1" and so on. A trait that is a
    number under another key is one here."""
    named = {**named_columns(p), "weights": [weight_column(p)] if weight_column(p) else []}
    counted = {header_key(column) for key in COUNTED for column in named[key]}
    text, numbers = {}, {}
    for key, columns in named.items():
        for i, column in enumerate(columns, start=1):
            number = key in COUNTED or (key == "by" and header_key(column) in counted)
            (numbers if number else text)[f"unit {i}" if key == "unit" else label(p, key, column)] = column
    return text, numbers


def tellable_names(names: pd.Series, at: pd.Series, p: Study) -> frozenset[str]:
    """Names of units, clusters or groups that a message may quote: the study's own words, and what `telling.shared_names` gives; of
    dossiers all, since `named` told the others by their shape already."""
    if p.layout != "table":
        return frozenset(names.unique())
    return named_by(p) | shared_names(names.tolist(), at.tolist())


def joined_text(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    """One label of several text columns: "Sở Tư pháp · 1.004194"."""
    label = frame[columns[0]].astype(str)
    for column in columns[1:]:
        label = label + " · " + frame[column].astype(str)
    return label


def check_numbers(frame: pd.DataFrame, p: Study, file: str) -> None:
    """Counts, shares and weights that cannot be. Raises InputError with the first row."""
    checks, called = [], table_columns(p)[1]
    if p.numerator:
        above, below = frame["numerator"], frame["denominator"]
        checks += [("numerator", above < 0, "a negative count"), ("denominator", below < 0, "a negative count"),
                   ("numerator", above.isna(), "an empty count"), ("denominator", below.isna(), "an empty count"),
                   ("numerator", above > below, f"more than column {p.denominator!r}")]  # fmt: skip
    elif p.scale == "share":
        checks += [("outcome", frame["outcome"] > 1, "a share above 1 (write 0.88, not 88)"),
                   ("outcome", frame["outcome"] < 0, "a share below 0")]  # fmt: skip
    if "weights" in frame:
        checks += [("weights", frame["weights"] < 0, "a negative weight"), ("weights", frame["weights"].isna(), "an empty weight")]
    if p.treated:
        checks += [("treated", ~frame["treated"].isin([0, 1]), "not 0 or 1")]
    if p.outcome:
        check_scales(frame, p, file)
    for column, wrong, what in checks:
        if wrong.any():
            at = wrong.idxmax()
            told = told_amount(frame.loc[at, column])
            rows = frame.loc[wrong, "row"]
            more = f"; {len(rows):,} such rows, the first: {', '.join(map(row_text, rows[:EXAMPLES]))}" if len(rows) > 1 else ""
            raise InputError(f"{file}: row {row_text(rows.iloc[0])}, column {called[column]!r}: {what} ({told}){more}")


def check_scales(frame: pd.DataFrame, p: Study, file: str) -> None:
    """Raises InputError where some cells of an outcome are in another unit than others of the same units of observation: shares (0.47) and
    percentages (47), or numbers and thousands of them: nothing lies between, and so many times the small ones are where the large ones
    are."""
    values = frame["outcome"].where(frame["outcome"] > 0).dropna().sort_values()
    steps = values.to_numpy()[1:] / values.to_numpy()[:-1]
    if not len(steps) or steps.max() < GAP:
        return
    low, high = values.iloc[: steps.argmax() + 1], values.iloc[steps.argmax() + 1 :]
    if not set(frame.loc[low.index, "unit"]) & set(frame.loc[high.index, "unit"]):
        return
    for times, what in TIMES.items():
        shares = times == 100  # of which it is known where they end
        fits = low.max() <= 1 and high.max() <= 100 if shares else min(len(low), len(high)) >= LEAST_SCALED
        if fits and times * low.max() > high.min() / 2 and times * low.min() < 2 * high.max():
            first, other = (int(frame.loc[part.index, "row"].min()) for part in (low, high))
            told = [told_amount(frame.loc[frame["row"] == row, "outcome"].iloc[0]) for row in (first, other)]
            raise InputError(f"{file}: column {p.outcome!r}: {what}, it seems: {told[0]} in row {row_text(first)}, {told[1]} in row "
                             f"{row_text(other)}; write all in one unit")  # fmt: skip


def one_row_each(frame: pd.DataFrame, p: Study, path: Path, called: dict[str, str]) -> tuple[pd.DataFrame, list[int]]:
    """(one row per unit and period, the indices of exact repeats that were left out). Counts of finer periods than the study's (days in a
    study by months) are added up. `called`: a column's name in the file.

    Raises InputError for a second row of a unit and period, naming both.
    """
    repeats = exact_repeats(frame, path)
    frame = frame.drop(index=repeats)
    twice = frame.duplicated(["unit", "time"], keep=False)
    if not twice.any():
        return frame, repeats
    tellable = tellable_names(frame["unit"], frame["time"], p)
    several = frame[twice]
    again = several.duplicated(["unit", "time"] if p.outcome else ["unit", "time", "day"], keep=False)
    single = frame.groupby(["unit", "time"]).size().median() == 1  # a row a period almost everywhere: dates turned round, no finer table
    if single or again.any() or several["kind"].nunique() > 1 or set(several["kind"]) == {p.frequency}:
        raise second_row(several[again] if again.any() else several, p, path.name, tellable)
    if frame["kind"].nunique() > 1:
        first, other = (frame.loc[(frame["kind"] == kind).idxmax(), "row"] for kind in frame["kind"].unique()[:2])
        raise InputError(f"{path.name}: column {p.period!r}: periods of two lengths (rows {row_text(first)} and {row_text(other)}): one "
                         f"would be counted in the other; keep those of one length")  # fmt: skip
    check_fixed(frame, path.name, called, tellable)
    sums = {name: "sum" for name in ("numerator", "denominator", "weights") if name in frame}
    others = {name: "first" for name in frame.columns if name not in sums and name not in ("unit", "time")}
    return frame.groupby(["unit", "time"], as_index=False, sort=False).agg({**others, **sums}), repeats


def exact_repeats(frame: pd.DataFrame, path: Path) -> list[int]:
    """Indices of rows that repeat another one in every column of the file, those that the study does not name too."""
    named = [name for name in frame.columns if name != "row"]
    again = frame.duplicated(named, keep=False)
    if not again.any():
        return []
    whole = tidy.whole_rows(path, frame.loc[again, "row"].tolist())
    same = whole.duplicated(keep="first")
    return frame.index[again][same.to_numpy()].tolist()


def second_row(several: pd.DataFrame, p: Study, file: str, tellable: frozenset[str]) -> InputError:
    """Two rows of one unit and period, told by their numbers."""
    unit, time = several.iloc[0][["unit", "time"]]
    rows = several.loc[(several["unit"] == unit) & (several["time"] == time), "row"].tolist()
    period = written(pd.Period(ordinal=time, freq=p.frequency))
    return InputError(f"{file}: row {row_text(rows[1])}: a second row of unit {told_name(unit, tellable)} in period {period} (the first: "
                      f"row {row_text(rows[0])}); a unit needs one row per period: keep the right one, or name the column that parts them "
                      f"in `unit`")  # fmt: skip


def check_fixed(frame: pd.DataFrame, file: str, called: dict[str, str], tellable: frozenset[str]) -> None:
    """Raises InputError where something that is no count differs between the finer rows of one period."""
    counted = ("numerator", "denominator", "weights", "row", "time", "kind", "day", "unit", "period")
    fixed = [name for name in frame.columns if name not in counted]
    differing = frame.groupby(["unit", "time"])[fixed].nunique().gt(1) if fixed else pd.DataFrame()
    if fixed and differing.any(axis=None):
        unit, column = differing.any(axis=1).idxmax()[0], differing.any().idxmax()
        row = row_text(frame.loc[frame["unit"] == unit, "row"].iloc[0])
        raise InputError(f"{file}: row {row}: unit {told_name(unit, tellable)}: column {called[column]!r} differs between rows of one "
                         f"period")  # fmt: skip
