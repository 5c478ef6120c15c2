"""From an evaluation to what a reader is told: the answer, the reasons, the checks, the threats. Wording is in locale/."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..base.telling import looks_personal, shape_of, told_file
from ..design.design import Design, nearby_events
from ..evaluation.evaluation import Evaluation
from ..evaluation.verdict import CANNOT, CLEAR, NEGLIGIBLE, SUGGESTIVE, TIME_BEFORE, UNCLEAR, breakdown_of, estimates_of
from ..panel.disclosure import BANDS, as_told, band, hidden_beside_total, hidden_in_table, parts_of
from ..panel.panel import Panel
from ..panel.told import Release, run_release
from ..study.study import PATH_KEYS, Study, VerdictRules
from ..study.words import Words, told_shape
from ..vietnam.facts import load_facts
from ..vietnam.layouts import POST
from ..vietnam.unit_names import HOW
from . import blocks
from .charts.groups import SIDES

SUPPORT = (("pre_period", "methods", "placebo_time", "leave_one_out", "breakdown"), TIME_BEFORE)  # without and with level 4, best first

FEW = 5  # rows of a reason, or dossiers that staff entered: fewer are not told; in a run the study's min_count
LATER = ("methods", "breakdown")  # failed checks that are told after what concerns the study's design


def headline(found: Evaluation, words: Words) -> str:
    """The answer in one sentence with its interval or rank; `**` marks the number."""
    row = found.main.overall()
    value, scale = row["estimate"], row["scale"]
    said = {
        "size": size_text(value, scale, words), "signed": words.effect(value, scale),
        "direction": words("story.up" if value >= 0 else "story.down"), "opening": opening(found, words),
    }  # fmt: skip
    if row["term"] == "change":
        return words("story.change", **said, date=words.period(found.design.start),
                     interval=interval_text(row, words))  # fmt: skip
    kind = "difference" if found.design.estimand == "difference" else "effect"
    if found.headline == "placebo":
        rank, number = found.rank
        return words(f"story.{kind}_rank", **said, rank=words.number(rank), number=words.number(number))
    if found.headline == "none":
        return words("story.cannot", **said, reason=words("story.gate_fails" if judged_out(found) else "story.few_clusters"))
    if found.verdict == NEGLIGIBLE:
        return words("story.effect_small", **said, limit=size_text(found.small.limit, scale, words),
                     interval=interval_text(narrow_row(found), words))  # fmt: skip
    if found.verdict == UNCLEAR:
        return words(f"story.{kind}_unclear", **said, interval=interval_text(row, words))
    return words(f"story.{kind}", **said, interval=interval_text(row, words))


def size_text(value: float, scale: str, words: Words) -> str:
    """4,2 điểm phần trăm, without a sign."""
    return words("story.size_" + ("pp" if scale == "pp" else "level"), value=words.effect(abs(value), scale, sign=False))


def narrow_row(found: Evaluation) -> pd.Series:
    """The main row with the 90% interval of the two one-sided tests."""
    row = found.main.overall().copy()
    row["ci_low"], row["ci_high"] = found.small.low, found.small.high
    return row


def judged_out(found: Evaluation) -> bool:
    """Whether the gate tried the study's kinds of interval and let none through."""
    return bool((found.gate["state"] == "fails").any())


def interval_text(row: pd.Series, words: Words) -> str:
    """từ 1,1 đến 7,3 · 1.1 to 7.3."""
    digits = 1 if row["scale"] == "pp" else max(len(words.effect(row[c], row["scale"], False).partition("," if words.lang
                                                    == "vi" else ".")[2]) for c in ("ci_low", "ci_high"))  # fmt: skip
    return words("story.interval", low=words.number(row["ci_low"], digits), high=words.number(row["ci_high"], digits))


def opening(found: Evaluation, words: Words) -> str:
    """The fixed first words of each verdict."""
    against = found.verdict < UNCLEAR and found.main.overall()["estimate"] < 0
    return words(f"story.opening_{found.verdict}" + ("_down" if against else ""))


def reasons(found: Evaluation, words: Words) -> list[tuple[str, str]]:
    """Two or three (sign, sentence): what supports the answer, and at least one limit."""
    checks = found.checks
    support = [("+", words(f"story.support_{name}", **check_numbers(found, name, words))) for name in SUPPORT[found.verdict == NEGLIGIBLE]
               if checks.get(name) == "pass"][:2]  # fmt: skip
    limits = []
    if found.headline == "none":  # what keeps the data from telling comes first
        limit = words.percent(found.rules.gate, 0)
        limits.append(("-", words("story.limit_gate" if judged_out(found) else "story.limit_clusters", limit=limit)))
    failed = [name for name, state in checks.items() if state == "fail" and (found.verdict != NEGLIGIBLE or name in TIME_BEFORE)]
    said = {name: ("-", words(f"story.limit_{name}{at_once(found, name)}", **check_numbers(found, name, words))) for name in failed}
    limits += [said[name] for name in failed if name not in LATER]
    design = found.design
    if found.headline == "placebo":
        limits.append(("-", words("story.limit_rank", n=words.number(len(design.clusters(True))))))
    if found.main.overall()["term"] == "change":
        limits.append(("-", words("story.limit_change")))
    if design.unknown_units:
        limits.append(("-", words("story.limit_unknown", n=words.number(design.unknown_units))))
    near = nearby_events(design)
    if near:
        event = max(near, key=lambda e: e.date >= design.start.start_time.date())
        limits.append(("-", words("story.limit_event", event=event.label(words.lang), date=words.date(event.date))))
    limits += [said[name] for name in failed if name in LATER]
    if not limits:
        limits.append(("-", words("story.limit_parallel")))
    return support[: 3 - min(len(limits), 2)] + limits[:2]


def show_answer(found: Evaluation, words: Words) -> blocks.Block:
    """Question, answer, verdict, reasons: the first thing on the page."""
    return blocks.answer(words("study.question"), headline(found, words), found.verdict, reasons(found, words), words)


def show_basis(panel: Panel, design: Design, p: Study, words: Words) -> blocks.Block:
    """Four numbers and, where a fact is unverified, the assumption in a box."""
    return blocks.basis(basis_numbers(design, words), assumption(p, words), words)


def basis_numbers(design: Design, words: Words) -> list[tuple[str, str]]:
    """(number, what it counts): dossiers or rows, periods, units, clusters."""
    table = design.table
    counted = table["received"].notna().all()
    size = design.told if counted else len(table)
    span = words("story.span", first=words.period(table["period"].min(), short=True),
                 last=words.period(table["period"].max(), short=True))  # fmt: skip
    return [
        (words.number(size), words("story.n_dossiers" if counted else "story.n_rows")),
        (words.number(table["time"].nunique()), words(f"story.n_periods_{design.frequency}", span=span)),
        (words.number(len(design.treated_units) + len(design.comparison_units)),
         words("story.n_units", treated=words.number(len(design.treated_units)))),
        (words.number(table["cluster"].nunique()), words("story.n_clusters")),
    ]  # fmt: skip


def assumption(p: Study, words: Words) -> str | None:
    """What the study takes for granted of the resolution, where nobody has read its text."""
    if not p.policy:
        return None
    law = load_facts().resolutions[p.policy]
    if law.effective is not None and law.cut_pct is not None:
        return None
    return words("story.assumption", cut=words.number(law.cut_pct or law.assumed_cut_pct),
                 start=words.date(law.effective or law.assumed_effective), signed=words.date(law.signed))  # fmt: skip


def show_checks(found: Evaluation, words: Words) -> blocks.Block:
    """The checks made, their results and whether they pass."""
    return blocks.checks(check_rows(found, words), words("story.checks_caption"), words)


def check_rows(found: Evaluation, words: Words) -> list[tuple[str, str, str]]:
    """(check, result, pass | fail | none)."""
    rows = []
    for name, state in found.checks.items():
        rows.append((words(f"story.check_{name}"), check_result(found, name, words), state))
    if found.rank:
        rank, number = found.rank
        rows.append((words("story.check_rank"), words("story.rank_of", rank=words.number(rank), number=words.number(number)),
                     "pass" if rank / number <= found.rules.rank else "fail"))  # fmt: skip
    if found.small is not None:
        row = narrow_row(found)
        rows.append((words("story.check_small", limit=size_text(found.small.limit, row["scale"], words)),
                     words.effect_interval(row["ci_low"], row["ci_high"], row["scale"]), "pass" if found.small.inside else "unmet"))
    return rows


def check_result(found: Evaluation, name: str, words: Words) -> str:
    if found.checks[name] == "none":
        return words("story.not_possible")
    if name == "placebo_time":
        row = found.placebo_time.table.iloc[0]
        return f"{words.effect(row['estimate'], row['scale'])} {words.effect_interval(row['ci_low'], row['ci_high'], row['scale'])}"
    if name == "leave_one_out":
        values = found.leave_one_out.table["estimate"]
        scale = found.main.overall()["scale"]
        return words("story.from_to", low=words.effect(values.min(), scale), high=words.effect(values.max(), scale))
    if name in ("methods", "breakdown"):
        return words(f"story.{name}_result{at_once(found, name)}", **check_numbers(found, name, words))
    before = found.main.rows("event").query("event_time < 0 and ci_low == ci_low")
    missed = ((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum()
    return words("story.pre_result", missed=words.number(missed), number=words.number(len(before)))


def at_once(found: Evaluation, name: str) -> str:
    """The ending of texts for a first effect that does not even differ from 0 with parallel trends."""
    return "_zero" if name == "breakdown" and breakdown_of(found.sensitivity) == 0 else ""


def check_numbers(found: Evaluation, name: str, words: Words) -> dict[str, str]:
    """The numbers that a check's sentences name."""
    if name == "methods":
        told = estimates_of(found.others)
        same = (told > 0) == (found.main.overall()["estimate"] > 0)
        return {"same": words.number(same.sum()), "number": words.number(len(told))}
    if name == "breakdown" and found.sensitivity is not None:
        return {"times": words.number(breakdown_of(found.sensitivity), 1), "least": words.number(found.rules.breakdown, 1)}
    return {}


def show_truth(found: Evaluation, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known effect beside the estimate, said plainly where the interval misses it."""
    if panel.truth is None or pd.isna(found.main.overall()["ci_low"]):
        return None
    truth = float(panel.truth.loc[panel.truth["period"] == "overall", "truth_pp"].iloc[0])
    row = found.main.overall()
    inside = row["ci_low"] <= truth <= row["ci_high"]
    text = words("story.truth_inside" if inside else "story.truth_missed", truth=words.effect(truth, "pp"),
                 estimate=words.effect(row["estimate"], "pp"), interval=interval_text(row, words))  # fmt: skip
    return blocks.Block(str(Markup("<p class=lead>{}</p>").format(text)))


# --- data quality, facts, parameters -------------------------------------------------------------------------------
def show_rows(panel: Panel, words: Words) -> blocks.Block:
    """Rows accepted and rejected by reason; reasons of few rows, and then the sum of all, without their number."""
    release = run_release()
    accepted = panel.accepted if release is None else release.rows_told(panel.accepted)
    rows = [(words("story.accepted"), accepted)]
    rejected = panel.rejected.sort_values(["rows", "reason"], ascending=[False, True])
    rows += [(words("reasons." + r.reason), r.rows) for r in rejected.itertuples()]
    least = FEW if release is None else release.min_count
    few = any(0 < n < least for _, n in rows[1:])
    total = sum(count for _, count in rows)
    told = [(name, words("story.few", n=words.number(least)) if 0 < n < least else words.number(n),
             words.number(None) if 0 < n < least else words.percent(n / total)) for name, n in rows]  # fmt: skip
    whole = (words("story.hidden"), words.number(None)) if few else (words.number(total), words.percent(1.0))
    told.append((words("story.total"), *whole))
    frame = pd.DataFrame(told, columns=[words(f"story.col_{c}") for c in ("rows", "count", "share")])
    return blocks.table(frame, words("story.rows_caption", file=panel.origin.file), words, numeric=set(frame.columns[1:]),
                        total_row=True, download=frame, name="rows")  # fmt: skip


def show_series(panel: Panel, words: Words) -> blocks.Block:
    """What the series measures, what was corrected in reading it, how many online dossiers staff entered, and what is told of few."""
    own = f"({shape_of(panel.definition)})" if looks_personal(panel.definition) else panel.definition
    told = words("check.definition_" + own) if "check.definition_" + own in known(words) else told_shape(own, words)
    pairs = [(words("story.series_definition"), told or words("story.series_not_told"))]
    if post := POST.get(panel.origin.layout):
        pairs.append((words("story.series_post"), words("check.post_" + post)))
    fixed = "; ".join(words("story.series_corrected_rows", reason=words("reasons." + row.reason), rows=size_of(row.rows, words))
                      for row in panel.corrected.itertuples())  # fmt: skip
    pairs.append((words("story.series_corrected"), fixed or words("story.series_nothing")))
    if "assisted" in panel.cells:
        pairs.append((words("story.series_staff"), staff_text(panel, words)))
    if (release := run_release()) is not None:
        pairs.append((words("story.series_few"), few_text(release, words)))
    return blocks.definitions(pairs, words)


def size_of(rows: float, words: Words) -> str:
    """About how many rows: at least 500; fewer than 20."""
    least = band(rows)
    return words("story.at_least", n=words.number(least)) if least else words("story.few", n=words.number(BANDS[0]))


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


def few_text(release: Release, words: Words) -> str:
    """What of counts is not told, or as of an earlier run, or rounded."""
    said = [words("story.series_few_hidden", n=words.number(release.min_count), cells=size_of(release.hidden, words)) if release.hidden else
            words("story.series_few_none", n=words.number(release.min_count))]  # fmt: skip
    said += [words("story.series_few_older", n=words.number(release.min_count))] if release.kept else []
    said += [words("story.series_few_rounded", n=words.number(release.round_to))] if release.round_to > 1 else []
    return " ".join(said)


def show_staff(panel: Panel, p: Study, words: Words) -> blocks.Block | None:
    """Online dossiers that staff entered, a row a year, for download a row a month; small counts hidden. None where not told."""
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


def show_names(panel: Panel, words: Words) -> blocks.Block | None:
    """How names of agencies and codes of procedures were understood, with the number of spellings and about how many rows; None for a
    table."""
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
    """The names and codes that were not understood, or were not in force; None where there is none."""
    names = panel.names_matched
    doubt = names[names["how"].isin(["unknown", "ambiguous", "unlisted"]) | (names["outside"] != "")] if len(names) else names
    if doubt.empty:
        return None
    heads = [words(f"story.col_{name}") for name in ("text", "how", "count")]
    rows = [(told_shape(row.text, words), words("check.how_" + row.how) + (words("story.outside_" + row.outside) if row.outside else ""),
             size_of(row.rows, words)) for row in doubt.itertuples()]  # fmt: skip
    frame = pd.DataFrame(rows, columns=heads)
    return blocks.table(frame, words("story.doubtful_caption"), words, numeric={heads[2]}, download=frame, name="doubtful_names")


def show_set_aside(design: Design, words: Words) -> blocks.Block:
    """What the study left out, by reason; about how many cells where dossiers are counted: one more of them may be one dossier."""
    frame = pd.DataFrame([(words("reasons." + r.reason) if "reasons." + r.reason in known(words) else r.reason,
                           words.number(r.units), size_of(r.rows, words) if np.isfinite(design.whole) else words.number(r.rows))
                          for r in design.set_aside.itertuples()],
                         columns=[words(f"story.col_{c}") for c in ("set_aside", "units", "cells")])  # fmt: skip
    return blocks.table(frame, words("story.set_aside_caption"), words, numeric=set(frame.columns[1:]), download=frame,
                        name="set_aside")  # fmt: skip


def known(words: Words) -> dict[str, str]:
    from ..study.words import texts

    return texts(words.lang)


def show_groups(design: Design, p: Study, words: Words) -> blocks.Block:
    """Each side before and after: dossiers, share. Small counts are hidden, and others from which they could be worked out."""
    touched, late = design.table["treated_from"].notna(), design.table["time"] >= design.start.ordinal
    cells = [(side, after, design.table[(touched == side) & (late == after)]) for side in (True, False) for after in (False, True)]
    rows = [group_row(part, side, after, size, mean, design, words)
            for (side, after, part), (size, mean) in zip(cells, group_numbers(cells, design, p.min_count), strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[words(f"story.col_{c}") for c in ("group", "when", "size", "mean")])
    return blocks.table(frame, words("story.groups_caption"), words, numeric=set(frame.columns[2:]), download=frame,
                        name="groups")  # fmt: skip


def group_numbers(cells: list[tuple], design: Design, min_count: int) -> list[tuple[float, float]]:
    """(dossiers or rows, mean) of each side before and after; NaN where they are hidden, as a run does or, outside one, beside the sums
    of sides and of before and after."""
    means = [(part["y"] * part["weight"]).sum() / part["weight"].sum() if part["weight"].sum() > 0 else np.nan for *_, part in cells]
    if not design.table["received"].notna().all():
        return [(len(part), mean) for (*_, part), mean in zip(cells, means, strict=True)]
    sums = pd.DataFrame([part[["received", "online"]].sum() for *_, part in cells])
    if design.release is not None:
        when = ["after" if after else "before" for _, after, _ in cells]
        told = as_told(design.release, "span", [SIDES[side] for side, *_ in cells], "", when)
        by_dossiers = np.isclose(means, sums["online"] / sums["received"])
        same = (told[["received", "online"]] == sums).all(axis=1)
        means = np.where(by_dossiers, told["online"] / told["received"], np.where(same, means, np.nan))
        return list(zip(told["received"], means, strict=True))
    found, cannot = hidden_in_table([c[0] for c in cells], [c[1] for c in cells], parts_of(sums), min_count)
    hide = found | cannot.any()
    return list(zip(sums["received"].where(~hide), np.where(hide, np.nan, means), strict=True))


def group_row(part: pd.DataFrame, touched: bool, after: bool, size: float, mean: float, design: Design, words: Words) -> tuple:
    names = words("study.treated" if touched else "study.comparison"), words("story.after" if after else "story.before")
    if part.empty or not part["weight"].sum() > 0:
        return (*names, words.number(None), words.number(None))
    if np.isnan(size):
        return (*names, words("story.hidden"), words.number(None))
    shown = words.percent(mean) if design.scale == "pp" else words.effect(mean, "level", sign=False)
    return (*names, words.number(size), shown)


def show_facts(design: Design, p: Study, words: Words) -> blocks.Block:
    """The facts that this study rests on, with source or "not verified"."""
    rows = []
    if p.policy:
        law = load_facts().resolutions[p.policy]
        rows += tables_rows_of_law(law, words)
    for event in design.events:
        when = words.date(event.date) + (f"–{words.date(event.until)}" if event.until else "")
        rows.append((event.label(words.lang), when, event.verified, event.title, event.link, event.read))
    return blocks.facts_table(rows, words)


def tables_rows_of_law(law: object, words: Words) -> list[tuple]:
    """One row per field of a resolution that the design uses."""
    values = {
        "signed": words.date(law.signed),
        "effective": words.date(law.effective) if law.effective else words("story.assumed", value=words.date(law.assumed_effective)),
        "cut_pct": words.percent((law.cut_pct or law.assumed_cut_pct) / 100, 0) if law.cut_pct
        else words("story.assumed", value=words.percent(law.assumed_cut_pct / 100, 0)),
    }  # fmt: skip
    return [(words(f"story.law_{name}"), value, law.verified_of(name), *law.source_of(name)) for name, value in values.items()]


def show_parameters(p: Study, words: Words) -> blocks.Block:
    """The study's keys as they were used."""
    pairs = []
    for key, value in p.model_dump(mode="json", exclude_defaults=True).items():
        if key in PATH_KEYS and value:
            value = told_file(value.replace("\\", "/").rsplit("/", 1)[-1])
        text = ", ".join(map(str, value)) if isinstance(value, list) else (
            "; ".join(f"{k}: {v}" for k, v in sorted(value.items())) if isinstance(value, dict) else str(value))  # fmt: skip
        pairs.append((key, text))
    frame = pd.DataFrame(pairs, columns=[words("story.col_key"), words("story.col_value")])
    return blocks.table(frame, words("story.parameters_caption"), words, name="parameters", loose=True)


def show_glossary(words: Words) -> blocks.Block:
    """The words of the report, explained."""
    from ..study.words import texts

    terms = [key.removeprefix("glossary.") for key in texts(words.lang) if key.startswith("glossary.") and not key.endswith("_text")]
    return blocks.definitions([(words("glossary." + t), words(f"glossary.{t}_text")) for t in terms], words)


def show_scale(words: Words, p: Study | None = None) -> blocks.Block:
    """The five verdicts and their rules, with the numbers of the study."""
    rules = p.verdict if p is not None else VerdictRules()
    earlier = words("story.earlier", n=words.number(rules.placebo_periods)) if rules.placebo_periods else words("story.earlier_default")
    said = {"gate": words.percent(rules.gate, 0), "rank": words.percent(rules.rank, 0), "earlier": earlier,
            "pre": words.percent(rules.pre_trends, 0), "methods": words.percent(rules.sign_agreement, 0),
            "times": words.number(rules.breakdown, 1)}  # fmt: skip
    asked = " ".join(words(f"story.rule_{name}", **said) for name, value in
                     (("checks", 1), ("methods", rules.sign_agreement), ("breakdown", rules.breakdown)) if value)  # fmt: skip
    small = words("story.rule_4_none") if p is None or p.smallest_effect is None else words(
        "story.rule_4", limit=size_text(p.smallest_effect, "pp" if p.numerator or p.scale == "share" else "level", words))
    texts = {n: words(f"story.rule_{n}", **said) for n in (CLEAR, SUGGESTIVE, UNCLEAR, CANNOT)}
    texts = {**texts, CLEAR: f"{texts[CLEAR]} {asked}", NEGLIGIBLE: small}
    return blocks.definitions([(words(f"tables.verdict_{n}"), texts[n]) for n in sorted(texts)], words)
