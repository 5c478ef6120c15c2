"""What a reader is told of an export: series, staff, names, facts."""

import numpy as np
import pandas as pd

from ...panel.disclosure import hidden_beside_total
from ...panel.panel import Panel
from ...panel.told import run_release
from ...report import blocks
from ...report.answer import FEW, size_of
from ...study.study import Study
from ...study.words import Words, told_shape
from ..layouts import POST
from ..unit_names import HOW


def series_told(panel: Panel, words: Words) -> list[tuple[str, str]]:
    """Where post is counted, what rows without a readable channel could change, and how many online dossiers staff entered."""
    pairs = []
    if post := POST.get(panel.origin.layout):
        pairs.append((words("story.series_post"), words("check.post_" + post)))
    if panel.unread_pp is not None:
        points = words.number(max(np.ceil(10 * panel.unread_pp) / 10, 0.1), 1)  # rounded up: it is a bound, and tells no small count
        pairs.append((words("story.series_unread"), words("story.series_unread_text", points=points)))
    if "assisted" in panel.cells:
        pairs.append((words("story.series_staff"), staff_text(panel, words)))
    return pairs


def staff_text(panel: Panel, words: Words) -> str:
    """How many of the online dossiers staff entered, where neither they nor the others are few."""
    release = run_release()
    remote, assisted = panel.cells["online"].sum() - panel.cells["assisted"].sum(), panel.cells["assisted"].sum()
    if release is not None:
        remote, assisted = release.one("staff_whole", "remote"), release.one("staff_whole", "assisted")
    elif (hidden_beside_total(np.array([[remote, assisted]], float), FEW)).any():
        remote, assisted = np.nan, np.nan
    if np.isnan(assisted):
        return words("story.series_staff_hidden")
    return words("story.series_staff_text", assisted=words.number(assisted), online=words.number(remote + assisted),
                 share=words.percent(assisted / max(remote + assisted, 1)))  # fmt: skip


def show_staff(panel: Panel, p: Study, words: Words) -> blocks.Block | None:
    """Online dossiers that staff entered, a row a year, in the workbook a row a month; small counts hidden.

    Returns a Block; None where the data do not tell them, or there are none.
    """
    if "assisted" not in panel.cells or not panel.cells["assisted"].sum():
        return None
    heads = [words(f"story.col_{name}") for name in ("when", "online", "assisted", "share")]
    years, months = (staff_rows(panel.cells, by, p.min_count, words, heads) for by in ("Y", "M"))
    return blocks.table(years, words("story.staff_caption"), words, numeric=set(heads[1:]), download=months, name="staff")


def staff_rows(cells: pd.DataFrame, by: str, min_count: int, words: Words, heads: list[str]) -> pd.DataFrame:
    """One row per year or month: online, entered by staff, share, as text; what its year's or the whole sum would tell is hidden."""
    sums = cells.groupby(cells["period"].dt.asfreq(by))[["online", "assisted"]].sum().astype(float)
    sums = staff_told(sums, "staff" if by == "M" else "staff_year", min_count)
    rows = []
    for period, row in sums.iterrows():
        told = (words("story.hidden"), words.number(None)) if np.isnan(row["assisted"]) else (
            words.number(row["assisted"]), words.percent(row["assisted"] / row["online"] if row["online"] else float("nan")))  # fmt: skip
        rows.append((words.period(period, short=True), words.number(row["online"]), *told))
    return pd.DataFrame(rows, columns=heads)


def show_names(panel: Panel, words: Words) -> blocks.Block | None:
    """How names of agencies and codes of procedures were understood, with the number of spellings and about how many rows.

    Returns a Block; None where the data name none, as a tidy table.
    """
    names = panel.names_matched
    if names.empty:
        return None
    order = {how: at for at, how in enumerate((*HOW, "listed", "recoded", "unlisted"))}
    groups = names.assign(order=names["how"].map(order)).groupby(["kind", "outside", "order", "how"])
    heads = [words(f"story.col_{name}") for name in ("name_of", "how", "spellings", "count")]
    rows = []
    for (kind, outside, _, how), part in groups:
        text = words("check.how_" + how) + (words("story.outside_" + outside) if outside else "")
        rows.append((words("story.kind_" + kind), text, words.number(part["text"].nunique()), size_of(part["rows"].sum(), words)))
    download = names.assign(how=[words("check.how_" + how) for how in names["how"]], rows=[size_of(rows, words) for rows in names["rows"]])
    return blocks.table(pd.DataFrame(rows, columns=heads), words("story.names_caption"), words, numeric=set(heads[2:]), download=download,
                        name="names")  # fmt: skip


def show_doubtful_names(panel: Panel, words: Words) -> blocks.Block | None:
    """The names and codes that were not understood, or were not in force, with about how many rows.

    Returns a Block; None where there is none.
    """
    names = panel.names_matched
    doubt = names[names["how"].isin(["unknown", "ambiguous", "unlisted"]) | (names["outside"] != "")] if len(names) else names
    if doubt.empty:
        return None
    heads = [words(f"story.col_{name}") for name in ("text", "how", "count")]
    rows = [(told_shape(row.text, words), words("check.how_" + row.how) + (words("story.outside_" + row.outside) if row.outside else ""),
             size_of(row.rows, words)) for row in doubt.itertuples()]  # fmt: skip
    frame = pd.DataFrame(rows, columns=heads)
    return blocks.table(frame, words("story.doubtful_caption"), words, numeric={heads[2]}, download=frame, name="doubtful_names")


def staff_told(sums: pd.DataFrame, family: str, min_count: int) -> pd.DataFrame:
    """online and assisted by year or month as they may be told (NaN = hidden)."""
    release = run_release()
    if release is not None:
        told = release.of(family).droplevel([0, 1]).reindex(sums.index.astype(str))
        return sums.assign(assisted=told["assisted"].to_numpy(), online=(told["assisted"] + told["remote"]).to_numpy())
    parts = np.column_stack([sums["assisted"], sums["online"] - sums["assisted"]])
    few = np.zeros(len(sums), bool)
    groups = sums.index.year if family == "staff" else np.zeros(len(sums))
    for group in np.unique(groups):
        few[groups == group] = hidden_beside_total(parts[groups == group], min_count)
    return sums.assign(assisted=sums["assisted"].mask(few))
