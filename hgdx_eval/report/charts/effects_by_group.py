"""The effect in each group, beside the overall one."""

import numpy as np
import pandas as pd

from ...base.origin import Origin
from ...study.words import Words
from ..blocks import csv_text
from ..figure import Figure, drawn, source_line
from .axes import simulated_note, tag
from .intervals import Row, draw_rows, reach_of, shortened, unit_of


def plot_groups(rows: pd.DataFrame, words: Words, origin: Origin, title_name: str, size: str = "") -> Figure:
    """Effects by the values of one trait: on their own hollow and faint, partially pooled full with interval.

    `rows`: what `group_effects` gives: term `group`, group "trait=label", parameter "raw" or "pooled"; where no group is pooled, the raw
    ones are drawn full. A row with group "" is the overall effect; without it the mean of the groups by n_obs. `origin`: of the data;
    `title_name`: what the title calls the trait; `size`: how many dossiers, for the source line.
    Title: "even" where every interval holds the overall effect; else the highest group whose interval lies above it; if none does, the
    lowest below.
    Returns a Figure.
    """
    overall, known = overall_effect(rows)
    table = group_table(rows)
    scale = table["scale"].iloc[0]
    title = finding_of_groups(table, overall, title_name, words)
    best, worst = table.iloc[0], table.iloc[-1]
    alt = words("charts.groups_alt", number=words.number(len(table)), title=title, high_name=shortened(best["label"]),
                low_name=shortened(worst["label"]), high=words.effect(best["shown"], scale), low=words.effect(worst["shown"], scale),
                overall=words.effect(overall, scale), simulated=simulated_note(origin, words))  # fmt: skip
    label = words("charts.groups_overall" if known else "charts.groups_mean", value=words.effect(overall, scale))
    drawn_rows = [group_row(row, scale, words) for _, row in table.iterrows()]
    narrow, wide = drawn("groups", lambda width, small: draw_rows(drawn_rows, (overall, label), words, width, small), alt)
    pooled = table["pooled"].notna().any()
    note = words("charts.groups_note" if pooled else "charts.groups_note_raw")
    note += "" if pooled or table["low"].notna().all() else " " + words("charts.groups_note_hollow")
    low, high = reach_of(drawn_rows, overall)
    note += " " + words("charts.methods_cut") if (table["low"] < low).any() or (table["high"] > high).any() else ""
    trait = table["trait"].iloc[0]
    return Figure(
        f"effects_{trait}", title, words(f"charts.groups_subtitle_{unit_of(table)}"), narrow, wide, (),
        source_line(origin, size, words, note), alt, csv_text(table[["label", "raw", "pooled", "low", "high", "n_obs"]], words),
        tag(origin, words), words("charts.download"),
    )  # fmt: skip


def overall_effect(rows: pd.DataFrame) -> tuple[float, bool]:
    """(effect, whether a row says it): the row with group "", else the mean of the groups' own by n_obs."""
    told = rows[rows["group"] == ""]
    if len(told):
        return float(told["estimate"].iloc[0]), True
    raw = rows[rows["parameter"] == "raw"]
    return float(np.average(raw["estimate"], weights=raw["n_obs"] if raw["n_obs"].notna().all() else None)), False


def group_table(rows: pd.DataFrame) -> pd.DataFrame:
    """trait, label, raw, pooled, shown (pooled, else raw), low, high (of what is shown full), n_obs, scale; highest first."""
    keys = ["group", "estimate", "ci_low", "ci_high"]
    raw = rows[(rows["parameter"] == "raw") & (rows["group"] != "")]
    pooled = rows.loc[(rows["parameter"] == "pooled") & (rows["group"] != ""), keys]
    table = raw.merge(pooled, on="group", how="left", suffixes=("", "_pooled"))
    any_pooled = len(pooled) > 0
    parts = table["group"].str.partition("=")
    table = table.assign(
        trait=parts[0], label=parts[2], raw=table["estimate"], pooled=table["estimate_pooled"],
        shown=table["estimate_pooled"].fillna(table["estimate"]),
        low=table["ci_low_pooled" if any_pooled else "ci_low"], high=table["ci_high_pooled" if any_pooled else "ci_high"],
    )  # fmt: skip
    return table.sort_values("shown", ascending=False, kind="stable", ignore_index=True)


def finding_of_groups(table: pd.DataFrame, overall: float, title_name: str, words: Words) -> str:
    above, below = table[table["low"] > overall], table[table["high"] < overall]
    if above.empty and below.empty:
        return words("charts.groups_even", trait=title_name)
    row = above.iloc[0] if len(above) else below.iloc[-1]
    return words("charts.groups_high" if len(above) else "charts.groups_low", trait=title_name, group=row["label"],
                 value=words.effect(row["shown"], row["scale"]))  # fmt: skip


def group_row(row: pd.Series, scale: str, words: Words) -> Row:
    value = words.effect(row["shown"], scale)
    if pd.notna(row["low"]):
        value += " " + words.effect_interval(row["low"], row["high"], scale)
        return Row(row["label"], value, row["shown"], row["low"], row["high"], "group", aside=row["raw"])
    value = words("charts.groups_raw_only", value=value)
    return Row(row["label"], value, row["shown"], np.nan, np.nan, "group")
