"""Other outcomes that are shares, with the intervals that hold for all of them together."""

import pandas as pd

from .charts import simulated_note, tag
from .charts_methods import Row, draw_rows
from .figures import Figure, csv_text, drawn, source_line
from .origin import Origin
from .who import OUTCOMES, Who
from .words import Words


def plot_outcomes(found: Who, origin: Origin, words: Words) -> Figure | None:
    """One line per share that was estimated; None with fewer than two. Title: which of them moved, as far as can be told."""
    if found.reason:
        return None
    together = found.together.set_index("group")
    rows, moved = [], []
    for name, (_, _, scale) in OUTCOMES.items():
        group = f"other_{name}"
        if scale != "pp" or group not in together.index or pd.isna(together.loc[group, "ci_low"]):
            continue
        own = together.loc[group]
        value = words.effect(own["estimate"], scale) + " " + words.effect_interval(own["ci_low"], own["ci_high"], scale)
        rows.append(Row(words(f"who.outcome_{name}"), value, own["estimate"], own["ci_low"], own["ci_high"], "group"))
        moved += [name] if own["ci_low"] > 0 or own["ci_high"] < 0 else []
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: -row.estimate)
    if moved:
        first = max(moved, key=lambda name: abs(together.loc[f"other_{name}", "estimate"]))
        title = words("who.chart_moved", outcome=words(f"who.outcome_{first}"),
                      value=words.effect(together.loc[f"other_{first}", "estimate"], "pp"))  # fmt: skip
    else:
        title = words("who.chart_none")
    alt = words("who.chart_alt", n=words.number(len(rows)), title=title, high=rows[0].label, high_value=rows[0].value, low=rows[-1].label,
                low_value=rows[-1].value) + simulated_note(origin, words)  # fmt: skip
    narrow, wide = drawn("who", lambda width, small: draw_rows(rows, None, words, width, small), alt)
    data = pd.DataFrame([(row.label, row.estimate, row.low, row.high) for row in rows], columns=["label", "estimate", "low", "high"])
    return Figure("who_outcomes", title, words("who.chart_subtitle"), narrow, wide, (), source_line(origin, "", words), alt,
                  csv_text(data, words), tag(origin, words), words("charts.download"))  # fmt: skip
