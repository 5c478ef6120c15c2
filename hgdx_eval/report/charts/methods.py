"""Charts that set estimates side by side: methods, groups, and a treated series against its synthetic one. Each title states
a finding by a rule written at its function; `words` gives every text."""

import numpy as np
import pandas as pd

from ...base.telling import check_name
from ...estimation.inference import FEW_CLUSTERS
from ...estimation.results import RATIO, Estimate
from ...study.vocabulary import estimator_names
from ...study.words import Words
from ..blocks import csv_text
from ..figure import Figure, drawn, source_line
from .axes import estimate_size, simulated_note, tag
from .intervals import Row, draw_rows, reach_of, unit_of


def plot_methods(estimates: list[Estimate], main: str, words: Words) -> Figure:
    """One row per method that gives an estimate on the main method's scale; the others are not drawn. `estimates`: of all methods; `main`:
    the main one's name.

    Title: how many other methods have the sign of the main one, and how many have their estimate inside its interval (not said where it has
    none). A row `change`, the mere change of a single series, is drawn below a rule and not counted, unless the main method gives no more
    than that itself.
    Returns a Figure. Raises InputError where `main` is no method.
    Example: `hg.plot_methods([result.main, *result.others], p.estimator, words)`
    """
    check_name("main method", main, estimator_names())
    chosen = method_rows(estimates, main)
    own = chosen[chosen["estimator"] == main]
    own = own.iloc[0] if len(own) else None
    effects = chosen[(chosen["estimator"] != main) & ((chosen["term"] != "change") | (own is not None and own["term"] == "change"))]
    said = finding_of_methods(own, effects, words)
    alt = alt_of_methods(said, own, effects, len(chosen), words) + simulated_note(estimates[0].origin, words)
    rows = [method_row(row, main, words) for _, row in chosen.iterrows()]
    narrow, wide = drawn("methods", lambda width, small: draw_rows(rows, None, words, width, small), alt)
    signed = next((found for found in estimates if found.overall()["estimator"] == main), estimates[0])
    data = chosen[["estimator", "term", "inference", "parameter", "estimate", "ci_low", "ci_high"]]
    return Figure(
        "methods_compared", said, words(f"charts.methods_subtitle_{unit_of(chosen)}"), narrow, wide, (),
        source_line(signed.origin, estimate_size(signed, words), words, notes_of(rows, words)), alt, csv_text(data, words),
        tag(signed.origin, words), words("charts.download"),
    )  # fmt: skip


def method_rows(estimates: list[Estimate], main: str) -> pd.DataFrame:
    """One row per method, in the order drawn: the main one, the others from high to low, changes of a single series last.

    Of a method's rows the first with an interval; without any, the one with a rank; without that, the first. An interval
    from clustered errors does not count with fewer than `FEW_CLUSTERS` treated clusters or where the method has a rank.
    """
    found = []
    for part in estimates:
        table = part.table[part.table["term"].isin(["overall", "change"]) & (part.table["status"] == "ok")]
        table = table[table["inference"] != "two_stage"]
        ranks = table["parameter"].str.fullmatch(r"\d+/\d+")
        weak = (table["inference"] == "cluster") & ((table["n_treated_clusters"] < FEW_CLUSTERS) | ranks.any())
        table = table.assign(ci_low=table["ci_low"].mask(weak), ci_high=table["ci_high"].mask(weak))
        ratios = table["parameter"].str.startswith(RATIO)  # by which such a method is judged
        for kept in (table[table["ci_low"].notna()], table[ratios], table[ranks], table):
            if len(kept):
                found.append(kept.head(1))
                break
    rows = pd.concat(found, ignore_index=True)
    scales = rows.loc[rows["estimator"] == main, "scale"]
    rows = rows[rows["scale"] == (scales.iloc[0] if len(scales) else rows["scale"].iloc[0])]
    order = sorted(rows.index, key=lambda i: (rows.at[i, "estimator"] != main, rows.at[i, "term"] == "change", -rows.at[i, "estimate"]))
    return rows.loc[order].reset_index(drop=True)


def finding_of_methods(own: pd.Series | None, others: pd.DataFrame, words: Words) -> str:
    if own is None:
        return words("charts.methods_no_main", above=words.number((others["estimate"] > 0).sum()), number=words.number(len(others)))
    if others.empty:
        return words("charts.methods_alone", value=words.effect(own["estimate"], own["scale"]))
    same = int((np.sign(others["estimate"]) == np.sign(own["estimate"])).sum())
    inside = int(others["estimate"].between(own["ci_low"], own["ci_high"]).sum())
    number = len(others)
    if number == 1:
        return words("charts.methods_one_same" if same else "charts.methods_one_other")
    said = {"same": words.number(same), "inside": words.number(inside), "number": words.number(number)}
    if pd.isna(own["ci_low"]):
        return words("charts.methods_sign_all" if same == number else "charts.methods_sign", **said)
    return words("charts.methods_" + ("some" if same < number else "all_inside" if inside == number else "all"), **said)


def alt_of_methods(title: str, own: pd.Series | None, others: pd.DataFrame, number: int, words: Words) -> str:
    said = {"title": title, "drawn": words.number(number)}
    if own is None or others.empty:
        return words("charts.methods_alt_alone", **said)
    low, high = (words.effect(value, own["scale"]) for value in (others["estimate"].min(), others["estimate"].max()))
    key = "charts.methods_alt" if len(others) > 1 else "charts.methods_alt_two"
    return words(key, value=value_text(own, words), low=low, high=high, **said)


def method_row(row: pd.Series, main: str, words: Words) -> Row:
    kind = "main" if row["estimator"] == main else "change" if row["term"] == "change" else "plain"
    remark = words("charts.methods_change") if row["term"] == "change" else ""
    return Row(words(f"tables.estimator_{row['estimator']}"), value_text(row, words), row["estimate"], row["ci_low"], row["ci_high"],
               kind, remark)  # fmt: skip


def value_text(row: pd.Series, words: Words) -> str:
    """+4,2 [3,7; 4,8], or +4,2 with its rank where it has one, or +4,2."""
    scale = row["scale"]
    value = words.effect(row["estimate"], scale)
    if pd.notna(row["ci_low"]):
        return value + " " + words.effect_interval(row["ci_low"], row["ci_high"], scale)
    rank, slash, number = row["parameter"].removeprefix(RATIO).partition("/")
    if not slash or not rank.isdigit():
        return value
    return words("charts.methods_rank", value=value, more=words.number(int(rank) - 1), others=words.number(int(number) - 1))


def notes_of(rows: list[Row], words: Words) -> str:
    """What the band and each mark drawn mean."""
    changes = any(row.remark for row in rows)
    hollow = any(np.isnan(row.low) and not row.remark for row in rows)
    band = any(row.kind == "main" and not np.isnan(row.low) for row in rows) and len(rows) > 1
    left_out = any(row.kind == "change" for row in rows) and not any(row.kind == "main" and row.remark for row in rows)
    low, high = reach_of(rows, None)
    cut = any(row.low < low or row.high > high for row in rows)
    said = {"methods_band": band, "methods_hollow": hollow, "methods_diamond": changes, "methods_not_counted": left_out, "methods_cut": cut}
    return " ".join(words(f"charts.{key}") for key, holds in said.items() if holds)
