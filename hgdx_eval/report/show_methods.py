"""What the comparison notebook tells: methods side by side, why they differ, for whom, at what dose, and the bounds."""

import re

import pandas as pd
from markupsafe import Markup

from ..base.telling import check_name
from ..estimation.results import Estimate, ratio_rank
from ..evaluation.evaluation import Evaluation
from ..evaluation.reconciliation import extra_cases
from ..study.vocabulary import estimator_names
from ..study.words import Words, capital
from . import blocks
from .formulas import METHODS, mathml
from .ranks import ranked

TRAIT_TEXTS = ("level", "commune_type")  # traits whose values are codes with a text of their own
SHOWN_DONORS = 12
BETWEEN = ("contamination", "lost")  # bounds that are two numbers, without an estimate of their own
OTHER_KINDS = ("cluster", "wild", "randomization")  # of interval, for one and the same estimate


def show_methods(found: Evaluation, words: Words) -> blocks.Block:
    """Every method: estimate, how many more the numerator counts where it is a count, how to read it; refused ones with the reason.
    `found`: what `evaluate` gives.

    Returns a Block.
    """
    rows, counted = [], found.design.scale == "pp" and found.design.table["denominator"].notna().all()
    for part in [found.told, *found.others]:
        extra = extra_cases(found.design, part).table if counted else None
        for _, row in method_rows(part).iterrows():
            rows.append(method_row(row, extra, words, ratio_rank(part)))
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("method", "estimate", "extra")])
    frame = frame if counted else frame.drop(columns=frame.columns[2])
    data = pd.concat([part.table for part in [found.main, *found.others]], ignore_index=True).query("term != 'event'")
    return blocks.table(frame, words("compare.methods_caption"), words, set(frame.columns[1:]), download=data, name="methods")


def method_rows(part: Estimate) -> pd.DataFrame:
    """The rows of one method that a reader needs: its effect or change, once by interval and once by rank, and parts apart."""
    table = part.table
    main = table["term"].isin(["overall", "change"]) & (table["inference"] != "two_stage")
    apart = (table["term"] == "group") & (table["group"] == "apart")
    rank = (table["inference"] == "placebo") & ~table["parameter"].str.fullmatch(r"(\d+/\d+)?")
    kept = table[(main | apart) & ~rank]
    again = kept.assign(estimate=kept["estimate"].round(9)).duplicated(["term", "estimate"])
    kept = kept[~(kept["inference"].isin(OTHER_KINDS) & again)]  # they stand in the table of intervals
    first = kept["inference"].eq("none") & kept["status"].eq("ok") & (len(kept[kept["inference"] == "placebo"]) > 0)
    return kept[~first]


def method_row(row: pd.Series, extra: pd.DataFrame | None, words: Words, ratio: tuple[int, int] | None) -> tuple[Markup, str, str]:
    method = words(f"tables.estimator_{row['estimator']}")
    if row["status"] == "refused":
        reason = words("compare.refused", reason=words("refusals." + row["reason"]))
        return blocks.with_small(method, reason), words.number(None), words.number(None)
    return blocks.with_small(method, reading(row, words, ratio)), blocks.effect(row, words), extra_text(row, extra, words)


def extra_text(row: pd.Series, extra: pd.DataFrame | None, words: Words) -> str:
    """How many more the numerator counts than it would have, with the interval."""
    if extra is None or extra.empty or row["term"] != "overall":
        return words.number(None)
    return blocks.effect(extra.iloc[0], words)


def reading(row: pd.Series, words: Words, ratio: tuple[int, int] | None) -> str:
    """How to read a row. `ratio`: rank and number of the method's ratio of errors, beside its rank by size."""
    if row["inference"] == "placebo" and "/" in row["parameter"]:
        rank, number = map(int, row["parameter"].split("/"))
        told = ranked(rank, number, words) if ratio is None else ranked(*ratio, words, "ratio")
        return words(
            "compare.reading_rank", ranked=told if ratio is None else words("story.ranks_of", ranked=told, more=words.number(rank - 1))
        )
    if row["term"] == "group":
        told = blocks.periods(row["period"], words)
        return told if row["period"].endswith("..") else words("compare.reading_apart", period=told)
    if row["term"] == "change":
        return words("compare.reading_change")
    return words("compare.reading_overall" if pd.notna(row["ci_low"]) else "compare.reading_no_error")


def show_notes(found: Evaluation, words: Words) -> blocks.Block | None:
    """What a reader must know of each method beside its number. `found`: what `evaluate` gives.

    Returns a Block; None where there is nothing.
    """
    pairs = [(words(f"tables.estimator_{part.overall()['estimator']}"), " ".join(capital(words(f"notes.{note}")) for note in part.notes))
             for part in [found.main, *found.others] if part.notes]  # fmt: skip
    return blocks.definitions(pairs, words) if pairs else None


def methods(lang: str = "en") -> pd.DataFrame:
    """The methods of estimation. `lang`: vi or en.

    Returns a table with one row per method: estimator (its name in a study), name, meaning (of the formula's letters), formula
    (TeX), source.
    Example: `hg.methods("vi")`
    """
    words = Words(lang)
    rows = []
    for name in estimator_names():
        formula, source = METHODS[name]
        said = {"name": words(f"tables.estimator_{name}"), "meaning": words(f"formulas.{name}")}
        rows.append({"estimator": name, **said, "formula": formula, "source": source})
    return pd.DataFrame(rows)


def show_formulas(found: Evaluation, words: Words) -> blocks.Block:
    """The formula of every method that gave an estimate, what its letters mean, and its source. `found`: what `evaluate` gives.

    Returns a Block.
    """
    names = dict.fromkeys(row["estimator"] for part in [found.main, *found.others] for row in [part.overall()] if row["status"] == "ok")
    pairs = []
    for name in names:
        tex, source = METHODS[name]
        text = Markup("{}<p>{} <small>{}</small></p>").format(mathml(tex, display=True), words(f"formulas.{name}"), source)
        pairs.append((words(f"tables.estimator_{name}"), text))
    return blocks.definitions(pairs, words)


def show_changes(changes: Estimate, words: Words) -> blocks.Block:
    """The main regression with one thing changed at a time, and how far that moves it. `changes`: what `one_change` gives.

    Returns a Block.
    """
    rows, base = [], changes.table["estimate"].iloc[0]
    for _, row in changes.table.iterrows():
        name = words(f"compare.change_{row['group']}", group=group_name(row["parameter"], words))
        if row["status"] == "refused":
            rows.append((name, words("compare.refused", reason=words("refusals." + row["reason"])), words.number(None)))
            continue
        moved = words.number(None) if row["group"] == "unchanged" else words.effect(row["estimate"] - base, row["scale"])
        rows.append((name, blocks.effect(row, words), moved))
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("change", "estimate", "difference")])
    return blocks.table(frame, words("compare.changes_caption"), words, set(frame.columns[1:]), download=changes.table, name="changes")


def group_name(group: str, words: Words) -> str:
    """A comparison group as a reader knows it."""
    return words.texts.get(f"compare.group_{group}", group)


def show_reconciliation(steps: Estimate, words: Words) -> blocks.Block | None:
    """For each method the steps from difference-in-differences to its own number, which they add up to. `steps`: what `reconcile` gives.

    Returns a Block; None where there is no step.
    """
    if steps.table.empty:
        return None
    rows = []
    for method, part in steps.table.groupby("cohort", sort=False):
        scale = part["scale"].iloc[0]
        rows.append((Markup("<b>{}</b>").format(words(f"tables.estimator_{method}")),
                     Markup("<b>{}</b>").format(words.effect(part["estimate"].sum(), scale))))  # fmt: skip
        moved = part["group"].isin(["start", "rest"]) | (part["estimate"].abs() > 1e-9)
        for _, row in part[moved].iterrows():
            what = words(f"compare.rest_{method}") if row["group"] == "rest" else ""
            rows.append((words(f"compare.step_{row['group']}", what=what), words.effect(row["estimate"], scale)))
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("step", "adds")])
    return blocks.table(frame, words("compare.reconcile_caption"), words, set(frame.columns[1:]), download=steps.table,
                        name="reconciliation")  # fmt: skip


# --- for whom ------------------------------------------------------------------------------------------------------
def traits(groups: Estimate | None) -> list[str]:
    """The traits that group effects were found for. `groups`: what `effects_by_group` gives, which may be None.

    Returns a list of names in order, empty without groups.
    """
    if groups is None:
        return []
    names = groups.table.loc[groups.table["group"].str.contains("="), "group"].str.split("=").str[0]
    return list(dict.fromkeys(names))


def trait_name(trait: str, words: Words) -> str:
    """A trait as a reader knows it. `trait`: one of `traits(groups)`.

    Returns a text in the language of `words`; the column's own name where no text is known.
    """
    return words.texts.get(f"compare.trait_{trait}", trait)


def value_name(trait: str, value: str, words: Words) -> str:
    """A group's label: codes by their text, amounts in VND, anything else as the data have it."""
    if trait in TRAIT_TEXTS:
        return words.texts.get(f"compare.{trait}_{value}", value)
    if trait == "fee" and re.fullmatch(r"\d+(\.\d+)?(\.\.\d+)?", value):
        ends = [words.number(float(end)) for end in value.split("..")]
        return words("compare.fee_band", low=ends[0], high=ends[1]) if len(ends) == 2 else words("compare.fee_one", low=ends[0])
    return value


def group_effects(groups: Estimate, trait: str, words: Words) -> pd.DataFrame:
    """The rows of one trait with labels for readers. `groups`: what `effects_by_group` found; `trait`: one of `traits(groups)`.

    Returns a table with the columns of results, for `plot_groups`. Raises InputError for a trait that has no effects.
    """
    check_name("trait", trait, traits(groups))
    rows = groups.table[groups.table["group"].str.startswith(trait + "=")]
    return rows.assign(group=[f"{trait}={value_name(trait, group.partition('=')[2], words)}" for group in rows["group"]])


def show_groups_of(groups: Estimate, trait: str, words: Words) -> blocks.Block:
    """Effects by the values of one trait: on their own, and partially pooled. `groups`: what `effects_by_group` found; `trait`: one of
    `traits(groups)`.

    Returns a Block. Raises InputError for a trait that has no effects.
    """
    rows = group_effects(groups, trait, words)
    raw = rows[rows["parameter"] == "raw"].set_index("group")
    pooled = rows[rows["parameter"] == "pooled"].set_index("group")
    shown = []
    for group, row in raw.iterrows():
        told = [blocks.effect(row, words), blocks.effect(pooled.loc[group], words) if group in pooled.index else words.number(None)]
        shown.append((group.partition("=")[2], *told, words.number(row["n_obs"])))
    frame = pd.DataFrame(shown, columns=[words(f"compare.col_{c}") for c in ("group", "raw", "pooled", "dossiers")])
    frame = frame if len(pooled) else frame.drop(columns=frame.columns[2])
    caption = words("compare.groups_caption", trait=trait_name(trait, words))
    return blocks.table(frame, caption, words, set(frame.columns[1:]), download=rows, name=f"groups_{trait}")


def show_dose(dose: Estimate, words: Words) -> blocks.Block:
    """The effect at each level of what is saved, and what a further step goes with. `dose`: what `dose_response` gives, where that is not
    None.

    Returns a Block.
    """
    rows, money = [], dose.table["parameter"].replace("slope", "0").astype(float).max() > 100
    unit = words("compare.dose_vnd" if money else "compare.dose_points")
    for _, row in dose.table.iterrows():
        ends = [words.number(float(end)) for end in row["group"].split("..")]
        name = f"{'–'.join(ends)} {unit}"
        slope = row["parameter"] == "slope"
        rows.append((words("compare.dose_slope", step=name) if slope else name, blocks.effect(row, words, 2 if slope else None)))
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("dose", "estimate")])
    block = blocks.table(frame, words("compare.dose_caption"), words, set(frame.columns[1:]), download=dose.table, name="dose")
    return block + blocks.Block(str(Markup("<p class=src>{}</p>").format(words("compare.dose_note"))))


def show_reversal(found: Estimate, words: Words) -> blocks.Block:
    """The effect while the policy was on, and what was left of it. `found`: what `reversal` gives, where that is not None.

    Returns a Block.
    """
    rows = []
    for _, row in found.table.iterrows():
        names = "–".join(words.date(end) for end in row["period"].split(".."))
        rows.append((words(f"compare.reversal_{row['parameter']}", period=names), blocks.effect(row, words)))
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("if", "estimate")])
    return blocks.table(frame, words("compare.reversal_caption"), words, set(frame.columns[1:]), download=found.table, name="reversal")


# --- bounds, weights, components -----------------------------------------------------------------------------------
def show_bounds(found: Estimate, words: Words) -> blocks.Block | None:
    """What would be found if what cannot be known were otherwise. `found`: what `effect_bounds` gives.

    Returns a Block; None where the design asks for no bound.
    """
    if found.table.empty:
        return None
    rows = [(bound_name(row, words), bound_text(row, words)) for _, row in found.table.iterrows()
            if row["group"] != "contamination" or int(row["parameter"]) % 5 == 0 or row["parameter"] == last_of(found)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("if", "then")])
    return blocks.table(frame, words("compare.bounds_caption"), words, set(frame.columns[1:]), download=found.table, name="bounds")


def last_of(found: Estimate) -> str:
    return found.table.loc[found.table["group"] == "contamination", "parameter"].iloc[-1]


def bound_name(row: pd.Series, words: Words) -> str:
    kind, parameter = row["group"], row["parameter"]
    if kind == "contamination":
        return capital(words("compare.bound_contamination", k=parameter))
    if kind == "anticipation":
        if parameter == "signed":
            return capital(words("compare.bound_anticipation_signed"))
        return capital(words("compare.bound_anticipation", k=words.number(int(parameter))))
    if kind == "lost":
        return capital(words("compare.bound_lost" + ("" if row["scale"] == "pp" else "_seen"), n=words.number(int(parameter))))
    part = float(parameter)
    return capital(words("compare.bound_spillover" if part > 0 else "compare.bound_spillover_lost", part=words.percent(abs(part), 0)))


def bound_text(row: pd.Series, words: Words) -> str:
    if row["group"] in BETWEEN:
        low, high = (words.effect(row[c], row["scale"]) for c in ("ci_low", "ci_high"))
        return words("compare.bound_contamination_then", low=low, high=high)
    return blocks.effect(row, words)


def show_inside(found: Evaluation, words: Words) -> list[blocks.Block]:
    """What stands inside the numbers: the comparisons that two-way fixed effects average, the weights of synthetic methods. `found`: what
    `evaluate` gives.

    Returns a list of Blocks, perhaps empty.
    """
    parts = [found.main, *found.others]
    blocks = [show_bacon(part, words) for part in parts] + [show_donors(part, words) for part in parts if part.donors]
    return [block for block in blocks if block is not None]


def show_donors(part: Estimate, words: Words) -> blocks.Block:
    """The comparison units of a synthetic method by their weight, the largest first."""
    rows = [(donor, words.percent(weight)) for donor, weight in part.donors[:SHOWN_DONORS] if weight >= 0.0005]
    frame = pd.DataFrame(rows, columns=[words(f"compare.col_{c}") for c in ("donor", "weight")])
    caption = words("compare.donors_caption", method=words(f"tables.estimator_{part.overall()['estimator']}"))
    return blocks.table(frame, caption, words, numeric=set(frame.columns[1:]), download=frame, name="donors")


def synthetic_part(found: Evaluation) -> Estimate | None:
    """The synthetic control, or else the first method with weights on comparison units. `found`: what `evaluate` gives.

    Returns an Estimate; None where no method has weights.
    """
    parts = [part for part in [found.main, *found.others] if part.donors]
    return min(parts, key=lambda part: part.overall()["estimator"] != "synthetic_control", default=None)


def show_bacon(part: Estimate, words: Words) -> blocks.Block | None:
    """The comparisons that two-way fixed effects average, by kind; None where there is one kind alone."""
    rows = part.rows("bacon")
    if rows["group"].nunique() < 2:
        return None
    weight = rows["parameter"].astype(float)
    sums = pd.DataFrame({"weight": weight, "moment": weight * rows["estimate"]}).groupby(rows["group"]).sum()
    scale = rows["scale"].iloc[0]
    shown = [(words(f"compare.bacon_{kind}"), words.percent(row["weight"], 0), words.effect(row["moment"] / row["weight"], scale))
             for kind, row in sums.iterrows()]  # fmt: skip
    frame = pd.DataFrame(shown, columns=[words(f"compare.col_{c}") for c in ("kind", "weight", "estimate")])
    return blocks.table(frame, words("compare.bacon_caption"), words, numeric=set(frame.columns[1:]), download=frame, name="bacon")
