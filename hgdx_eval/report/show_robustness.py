"""What the robustness notebook tells beside its charts."""

import pandas as pd
from markupsafe import Markup

from ..base.periods import PER_YEAR, period_of
from ..base.telling import check_name
from ..estimation.results import Estimate
from ..evaluation.evaluation import Evaluation
from ..evaluation.robustness import Robustness
from ..evaluation.verdict import breakdown_row
from ..evaluation.warning_signs import Sign, Trend
from ..infer.false_alarms import TOGETHER
from ..infer.specification_curve import curve_summary
from ..study.vocabulary import SCALES
from ..study.words import Words
from . import blocks
from .ranks import ranked
from .show_methods import trait_name, value_name

EVEN = 0.8  # of its clusters, that a side tells as much as: with less some weigh much more than others


def show_intervals(found: Evaluation, words: Words) -> blocks.Block:
    """One row per kind of interval: how often it cries wolf, what it says, whether it is the one used. `found`: what `evaluate` gives.

    Returns a Block.
    """
    main, rows = found.main.rows("overall"), []
    for _, kind in found.gate.iterrows():
        own = main[main["inference"] == kind["kind"]].head(1)
        name = words(f"robustness.kind_{kind['kind']}")
        rate = words.number(None) if pd.isna(kind["rate"]) else Markup('{} <span class="iv">{}</span>').format(
            words.percent(kind["rate"]), "[" + words.percent(kind["low"]) + "; " + words.percent(kind["high"]) + "]")  # fmt: skip
        rows.append((blocks.with_small(name, state(kind, words)), rate, said(own, words)))
    frame = pd.DataFrame(rows, columns=[words(f"robustness.col_{c}") for c in ("kind", "rate", "interval")])
    made = blocks.table(frame, words("robustness.intervals_caption"), words, set(frame.columns[1:]), download=found.gate, name="gate")
    note = Markup("").join(Markup("<p class=src>{}</p>").format(text) for text in both_rates(found.gate, words))
    return made + blocks.Block(str(note))


def both_rates(gate: pd.DataFrame, words: Words) -> list[str]:
    """What the rates are where all clusters draw the same months, and which decide; nothing where that is not known."""
    known = gate[gate["common"].notna()] if "common" in gate else gate.head(0)
    if known.empty:
        return []
    rates = "; ".join(f"{words(f'robustness.kind_{row.kind}')} {words.percent(row.common)}" for row in known.itertuples())
    p = float(known["together"].iloc[0])
    decides = words("robustness.gate_together" if p < TOGETHER else "robustness.gate_alone")
    return [words("robustness.gate_both", rates=rates, decides=decides)]


def state(kind: pd.Series, words: Words) -> str:
    cautious = "_cautious" if kind["state"] == "headline" and kind["conservative"] else ""
    return words(f"robustness.state_{kind['state']}{cautious}")


def said(own: pd.DataFrame, words: Words) -> str:
    """The interval, or the rank."""
    if own.empty:
        return words.number(None)
    row = own.iloc[0]
    if row["inference"] == "placebo":
        rank, _, number = row["parameter"].partition("/")  # none where placebos could not be had
        return Markup('<span class="say">{}</span>').format(ranked(int(rank), int(number), words)) if number else words.number(None)
    return words.effect_interval(row["ci_low"], row["ci_high"], row["scale"]) if pd.notna(row["ci_low"]) else words("robustness.unbounded")


def show_breakdown(part: Robustness, words: Words) -> blocks.Block:
    """In plain words: how far trends may diverge before the interval holds 0, or why this cannot be said. `part`: what `robust` gives.

    Returns a Block.
    """
    if part.sensitivity is None:
        return lead(words("robustness.no_sensitivity", reason=words("refusals." + part.unsure)))
    lines = []
    for name in ("overall", "first", "average"):
        row, level = breakdown_row(part.sensitivity, name), "level_" if name == "overall" else ""
        kind = "never" if row["estimate"] == 0 else "beyond" if row["parameter"] != "" else "until"
        what = words(f"robustness.sensitivity_{name}")
        lines.append(words(f"robustness.breakdown_{level}{kind}", what=what, k=words.number(row["estimate"], 2)))
    return lead(" ".join(lines))


def show_sensitivity(rows: Estimate, words: Words) -> blocks.Block:
    """All kinds of honest intervals at every bound. `rows`: the `sensitivity` of what `robust` gives, where that is not None.

    Returns a Block.
    """
    shown = []
    for _, row in rows.table[rows.table["inference"] == "honest"].iterrows():
        kind = words(f"robustness.{row['term']}", bound=words.number(float(row["parameter"]), 2))
        name = words(f"robustness.sensitivity_{row['group']}")
        shown.append((blocks.with_small(name, kind), words.effect_interval(row["ci_low"], row["ci_high"], row["scale"])))
    frame = pd.DataFrame(shown, columns=[words(f"robustness.col_{c}") for c in ("bound", "interval")])
    return blocks.table(frame, words("robustness.sensitivity_caption"), words, set(frame.columns[1:]), download=rows.table,
                        name="sensitivity")  # fmt: skip


def show_drivers(curve: Estimate, words: Words) -> blocks.Block:
    """Which choice moves the estimates most: the part of their spread (per cent) that goes with each. `curve`: the `curve` of what `robust`
    gives.

    Returns a Block.
    """
    summary = curve_summary(curve)
    rows = [(words(f"robustness.dimension_{name}"), words.percent(value, 0)) for name, value in summary.explained]
    frame = pd.DataFrame(rows, columns=[words(f"robustness.col_{c}") for c in ("choice", "spread")])
    return blocks.table(frame, words("robustness.drivers_caption"), words, set(frame.columns[1:]), download=frame, name="drivers")


def show_together(found: pd.DataFrame, scale: str, words: Words) -> blocks.Block:
    """Effects by group with intervals that hold together; those that leave out 0 after the correction are said so. `found`: what `together`
    gives; `scale`: pp or level.

    Returns a Block. Raises InputError for an unknown scale.
    """
    check_name("scale", scale, sorted(SCALES))
    rows = []
    for row in found.itertuples():
        name = blocks.with_small(value_name(row.trait, row.group, words), trait_name(row.trait, words))
        value = blocks.effect(pd.Series({"estimate": row.estimate, "ci_low": row.ci_low, "ci_high": row.ci_high, "scale": scale}), words)
        rows.append((name, value, words("robustness.still" if row.p_holm < 0.05 else "robustness.no_longer")))
    frame = pd.DataFrame(rows, columns=[words(f"robustness.col_{c}") for c in ("group", "simultaneous", "after")])
    return blocks.table(frame, words("robustness.together_caption", n=words.number(len(found))), words, {frame.columns[1]},
                        download=found, name="together")  # fmt: skip


def lead(text: str) -> blocks.Block:
    return blocks.Block(str(Markup("<p class=lead>{}</p>").format(text)))


# --- warnings ------------------------------------------------------------------------------------------------------
def warning_texts(found: list[Sign], words: Words) -> list[tuple[str, str]]:
    """(title, text) of each warning, in their order."""
    return [(words(f"warnings.{w.name}_title"), f"{seen(w, words)} {words(f'warnings.{w.name}_means', **sign_values(w, words))}")
            for w in found]  # fmt: skip


def show_signs(found: list[Sign], words: Words, trend: Trend | None = None) -> blocks.Block:
    """The warnings, or that there are none. `found`: a list of the `signs` of what `evaluate` gives; `trend`: what the verb of that name
    gives: with it also which differential trend would go unseen.

    Returns a Block.
    """
    said = warning_texts(found, words)
    if trend is not None:
        said.append((words("warnings.trend_power_title"), trend_power(trend, words)))
    lead = Markup("") if found else Markup("<p>{}</p>").format(words("warnings.none"))
    listed = Markup(blocks.definitions(said, words).html) if said else Markup("")
    return blocks.Block(str(lead + listed))


def trend_power(trend: Trend, words: Words) -> str:
    """Which differential trend would be found, and what it would do to the average effect."""
    bias = slope_size(trend.detectable * abs(trend.bias), words)
    times, period = rate_of(trend.frequency)
    return words("warnings.trend_power", slope=slope_size(times * trend.detectable, words), bias=bias,
                 period=words(f"warnings.period_{period}"))  # fmt: skip


def rate_of(frequency: str) -> tuple[int, str]:
    """(by how much a slope is multiplied to be told, the frequency it is told by): what moves in a day or week is told by the year."""
    return (PER_YEAR[frequency], "Y") if frequency in ("D", "W") else (1, frequency)


def seen(w: Sign, words: Words) -> str:
    """The sentences of what was seen: of a ceiling every one that holds."""
    n, said = w.numbers, sign_values(w, words)
    if w.name == "differential_trend":
        return words("warnings.differential_trend_" + ("steady" if n["steady"] else "before"), **said)
    if w.name == "season" and not n["seen"]:
        return words("warnings.season_unknown", **said)
    if w.name == "few_clusters" and any(n[f"{side}_effective"] < EVEN * n[f"{side}_clusters"] for side in ("treated", "comparison")):
        return words("warnings.few_clusters_seen", **said) + " " + words("warnings.few_clusters_uneven", **said)
    if w.name != "ceiling":
        return words(f"warnings.{w.name}_seen", **said)
    return " ".join(words(f"warnings.ceiling_{name}", **said) for name in n["holds"])


def sign_values(w: Sign, words: Words) -> dict[str, str]:
    """The numbers of a warning as a reader sees them."""
    n = w.numbers
    if w.name == "differential_trend":
        times, period = rate_of(n["frequency"])
        return {"slope": signed(times * n["slope"], words), "bias": signed(n["bias"], words), "p": words.number(w.strength, 3),
                "period": words(f"warnings.period_{period}")}  # fmt: skip
    if w.name == "uneven_campaign":
        return {"event": n["events"][0].label(words.lang), **{key: signed(n[key], words) for key in ("gap", "low", "high")}}
    if w.name == "ceiling":
        return {"without": words.percent(n["without"]), "room": words.number(100 * max(n["room"], 0.0), 1), "top": words.percent(n["top"]),
                "linear": words.effect(n["linear"], "pp"), "logit": words.effect(n["logit"], "pp")}  # fmt: skip
    if w.name == "season":
        return {**{key: words.number(n[key]) for key in ("before", "after")},
                **{key: signed(n[key], words) for key in ("estimate", "without", "low", "high") if key in n}}  # fmt: skip
    if w.name == "few_clusters":
        return {**{key: words.number(n[key]) for key in ("treated_clusters", "comparison_clusters", "limit")},
                **{key: words.number(n[key], 1) for key in ("treated_effective", "comparison_effective")}}  # fmt: skip
    if w.name == "dominant_cluster":
        side = words("study.treated" if n["treated_side"] else "study.comparison")
        return {"share": words.percent(n["share"]), "names": n["names"][0], "others": words.number(n["all"] - 1), "side": side}
    if w.name == "volume_change":
        return {"jump": change(n["jump"], words), "low": signed(n["low"], words), "high": signed(n["high"], words)}
    if w.name == "two_treated_agencies":
        return {"share": words.percent(n["share"]), "names": "; ".join(n["names"])}
    if w.name == "event_in_window":
        return {"events": "; ".join(f"{event.label(words.lang)} ({words.date(event.date)})" for event in n["events"])}
    if w.name == "composition_change":
        side = words("study.treated" if n["treated_side"] else "study.comparison")
        return {"share": words.percent(n["share"]), "side": side, "estimate": signed(n["estimate"], words),
                "reweighted": signed(n["reweighted"], words)}  # fmt: skip
    return {"number": words.number(n["number"]), "part": words.percent(n["part"]),
            "periods": ", ".join(words.period(period_of(period), short=True) for period in n["periods"])}  # fmt: skip


def change(part: float, words: Words) -> str:
    """+12.0%, −8.3%."""
    return ("+" if part >= 0 else "−") + words.percent(abs(part))


def slope_size(value: float, words: Words) -> str:
    return words.effect(value, "level", sign=False)


def signed(value: float, words: Words) -> str:
    return words.effect(value, "level")
