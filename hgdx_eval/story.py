"""From an evaluation to what a reader is told: the answer, the reasons, the checks, the threats. Wording is in locale/."""

import pandas as pd
from markupsafe import Markup

from . import tables
from .checks import CANNOT, CLEAR, UNCLEAR, Evaluation
from .designs import Design, nearby_events
from .disclose import hidden
from .facts import load_facts
from .gate import MOST
from .inference import few_clusters
from .names import HOW
from .panel import Panel
from .params import PATH_KEYS, Study
from .readers import POST
from .report import Page
from .words import Words, told_shape

CEILING = 0.8  # a mean share above this leaves an effect little room


def headline(found: Evaluation, words: Words) -> str:
    """The answer in one sentence with its interval or rank; `**` marks the number."""
    row = found.main.overall()
    value, scale = row["estimate"], row["scale"]
    size = words("story.size_" + ("pp" if scale == "pp" else "level"), value=words.effect(abs(value), scale, sign=False))
    said = {
        "size": size, "signed": words.effect(value, scale), "direction": words("story.up" if value >= 0 else "story.down"),
        "opening": opening(found, words),
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
    if found.verdict == UNCLEAR:
        return words(f"story.{kind}_unclear", **said, interval=interval_text(row, words))
    return words(f"story.{kind}", **said, interval=interval_text(row, words))


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
    support = [("+", words(f"story.support_{name}")) for name in ("pre_period", "placebo_time", "leave_one_out")
               if checks[name] == "pass"][:2]  # fmt: skip
    limits = []
    if found.headline == "none":  # what keeps the data from telling comes first
        limits.append(("-", words("story.limit_gate" if judged_out(found) else "story.limit_clusters", limit=words.percent(MOST, 0))))
    limits += [("-", words(f"story.limit_{name}")) for name, state in checks.items() if state == "fail"]
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
    if not limits:
        limits.append(("-", words("story.limit_parallel")))
    return support[: 3 - min(len(limits), 2)] + limits[:2]


def show_answer(found: Evaluation, words: Words) -> tables.Block:
    """Question, answer, verdict, reasons: the first thing on the page."""
    return tables.answer(words("study.question"), headline(found, words), found.verdict, reasons(found, words), words)


def show_basis(panel: Panel, design: Design, p: Study, words: Words) -> tables.Block:
    """Four numbers and, where a fact is unverified, the assumption in a box."""
    table = design.table
    counted = table["received"].notna().all()
    size = table["received"].sum() if counted else len(table)
    span = words("story.span", first=words.period(table["period"].min(), short=True),
                 last=words.period(table["period"].max(), short=True))  # fmt: skip
    numbers = [
        (words.number(size), words("story.n_dossiers" if counted else "story.n_rows")),
        (words.number(table["time"].nunique()), words(f"story.n_periods_{design.frequency}", span=span)),
        (words.number(len(design.treated_units) + len(design.comparison_units)),
         words("story.n_units", treated=words.number(len(design.treated_units)))),
        (words.number(table["cluster"].nunique()), words("story.n_clusters")),
    ]  # fmt: skip
    return tables.basis(numbers, assumption(p, words), words)


def assumption(p: Study, words: Words) -> str | None:
    """What the study takes for granted of the resolution, where nobody has read its text."""
    if not p.policy:
        return None
    law = load_facts().resolutions[p.policy]
    if law.effective is not None and law.cut_pct is not None:
        return None
    return words("story.assumption", cut=words.number(law.cut_pct or law.assumed_cut_pct),
                 start=words.date(law.effective or law.assumed_effective), signed=words.date(law.signed))  # fmt: skip


def show_checks(found: Evaluation, words: Words) -> tables.Block:
    """The checks made, their results and whether they pass."""
    rows = []
    for name, state in found.checks.items():
        rows.append((words(f"story.check_{name}"), check_result(found, name, words), state))
    if found.rank:
        rank, number = found.rank
        rows.append((words("story.check_rank"), words("story.rank_of", rank=words.number(rank), number=words.number(number)),
                     "pass" if rank / number <= 0.05 else "fail"))  # fmt: skip
    return tables.checks(rows, words("story.checks_caption"), words)


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
    before = found.main.rows("event").query("event_time < 0 and ci_low == ci_low")
    missed = ((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum()
    return words("story.pre_result", missed=words.number(missed), number=words.number(len(before)))


def show_truth(found: Evaluation, panel: Panel, words: Words) -> tables.Block | None:
    """For simulated data: the known effect beside the estimate, said plainly where the interval misses it."""
    if panel.truth is None or pd.isna(found.main.overall()["ci_low"]):
        return None
    truth = float(panel.truth.loc[panel.truth["period"] == "overall", "truth_pp"].iloc[0])
    row = found.main.overall()
    inside = row["ci_low"] <= truth <= row["ci_high"]
    text = words("story.truth_inside" if inside else "story.truth_missed", truth=words.effect(truth, "pp"),
                 estimate=words.effect(row["estimate"], "pp"), interval=interval_text(row, words))  # fmt: skip
    return tables.Block(str(Markup("<p class=lead>{}</p>").format(text)))


def show_threats(found: Evaluation, panel: Panel, p: Study, words: Words) -> tables.Block:
    """What could be wrong, what was done about it, what is left."""
    return tables.threats([tuple(capital(words(f"story.threat_{name}_{part}", **values)) for part in ("title", "what", "done", "left"))
                           for name, values in threats(found, panel, p, words)], words)  # fmt: skip


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def threats(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[tuple[str, dict]]:
    design, listed = found.design, []
    for event in nearby_events(design):
        listed.append(("event_inside" if p.period_by else "event",
                       {"event": event.label(words.lang), "date": words.date(event.date)}))  # fmt: skip
    national = [event for event in design.events if event not in nearby_events(design)]
    if national:
        start = design.start.start_time.date()
        nearest = sorted(sorted(national, key=lambda e: abs((e.date - start).days))[:6], key=lambda e: e.date)
        names = "; ".join(f"{e.label(words.lang)} ({words.date(e.date)})" for e in nearest)
        listed.append(("background" if p.period_by else "background_common", {"events": names}))
    if design.unknown_units:
        listed.append(("unknown", {"n": words.number(design.unknown_units)}))
    if few_clusters(len(design.clusters(True)), len(design.clusters(False))):
        listed.append(("clusters", {"treated": words.number(len(design.clusters(True)))}))
    if design.scale == "pp":
        late = design.table[design.table["treated"]]
        share = (late["y"] * late["weight"]).sum() / late["weight"].sum()
        listed.append(("ceiling", {"share": words.percent(share)}) if share > CEILING else ("definition", {}))
    if "assisted" in panel.cells and panel.cells["assisted"].sum():
        share = panel.cells["assisted"].sum() / panel.cells["online"].sum()
        listed.append(("assisted", {"share": words.percent(share)}))
    listed.append(("parallel", {}))
    return listed


# --- data quality, facts, parameters -------------------------------------------------------------------------------


def show_rows(panel: Panel, words: Words) -> tables.Block:
    """Rows accepted and rejected by reason, adding up to the file's rows."""
    rows = [(words("story.accepted"), panel.accepted)]
    rows += [(words("reasons." + r.reason), r.rows) for r in panel.rejected.sort_values("rows", ascending=False).itertuples()]
    total = sum(count for _, count in rows)
    rows.append((words("story.total"), total))
    frame = pd.DataFrame([(name, words.number(n), words.percent(n / total)) for name, n in rows],
                         columns=[words(f"story.col_{c}") for c in ("rows", "count", "share")])  # fmt: skip
    return tables.table(frame, words("story.rows_caption", file=panel.origin.file), words, numeric=set(frame.columns[1:]),
                        total_row=True, download=frame, name="rows")  # fmt: skip


def show_series(panel: Panel, words: Words) -> tables.Block:
    """What the series measures, what was corrected in reading it, and how many online dossiers staff entered."""
    known_texts = known(words)
    told = words("check.definition_" + panel.definition) if "check.definition_" + panel.definition in known_texts else panel.definition
    pairs = [(words("story.series_definition"), told or words("story.series_not_told"))]
    if post := POST.get(panel.origin.layout):
        pairs.append((words("story.series_post"), words("check.post_" + post)))
    fixed = "; ".join(words("story.series_corrected_rows", reason=words("reasons." + row.reason), rows=words.number(row.rows))
                      for row in panel.corrected.itertuples())  # fmt: skip
    pairs.append((words("story.series_corrected"), fixed or words("story.series_nothing")))
    if "assisted" in panel.cells:
        online, assisted = panel.cells["online"].sum(), panel.cells["assisted"].sum()
        text = words("story.series_staff_text", assisted=words.number(assisted), online=words.number(online),
                     share=words.percent(assisted / max(online, 1)))  # fmt: skip
        pairs.append((words("story.series_staff"), text))
    return tables.definitions(pairs, words)


def show_staff(panel: Panel, p: Study, words: Words) -> tables.Block | None:
    """Online dossiers that staff entered, a row a year, for download a row a month; small counts hidden. None where not told."""
    if "assisted" not in panel.cells or not panel.cells["assisted"].sum():
        return None
    heads = [words(f"story.col_{name}") for name in ("when", "online", "assisted", "share")]
    years, months = (staff_rows(panel.cells, by, p.min_count, words, heads) for by in ("Y", "M"))
    return tables.table(years, words("story.staff_caption"), words, numeric=set(heads[1:]), download=months, name="staff")


def staff_rows(cells: pd.DataFrame, by: str, min_count: int, words: Words, heads: list[str]) -> pd.DataFrame:
    """One row per year or month: online, entered by staff, share, as text."""
    sums = cells.groupby(cells["period"].dt.asfreq(by))[["online", "assisted"]].sum()
    few = hidden(sums["online"], sums["assisted"], min_count)
    rows = []
    for period, row in sums.iterrows():
        told = (words("story.below", n=words.number(min_count)), words.number(None)) if few[period] else (
            words.number(row["assisted"]), words.percent(row["assisted"] / row["online"] if row["online"] else float("nan")))  # fmt: skip
        rows.append((words.period(period, short=True), words.number(row["online"]), *told))
    return pd.DataFrame(rows, columns=heads)


def show_names(panel: Panel, words: Words) -> tables.Block | None:
    """How names of agencies and codes of procedures were understood, with the number of spellings and rows; None for a table."""
    names = panel.names_matched
    if names.empty:
        return None
    order = {how: at for at, how in enumerate((*HOW, "listed", "recoded", "unlisted"))}
    groups = names.assign(order=names["how"].map(order)).groupby(["kind", "outside", "order", "how"])
    heads = [words(f"story.col_{name}") for name in ("name_of", "how", "spellings", "count")]
    rows = []
    for (kind, outside, _, how), part in groups:
        text = words("check.how_" + how) + (words("story.outside_" + outside) if outside else "")
        rows.append((words("story.kind_" + kind), text, words.number(part["text"].nunique()), words.number(part["rows"].sum())))
    download = names.assign(how=[words("check.how_" + how) for how in names["how"]])
    return tables.table(pd.DataFrame(rows, columns=heads), words("story.names_caption"), words, numeric=set(heads[2:]), download=download,
                        name="names")  # fmt: skip


def show_doubtful_names(panel: Panel, words: Words) -> tables.Block | None:
    """The names and codes that were not understood, or were not in force; None where there is none."""
    names = panel.names_matched
    doubt = names[names["how"].isin(["unknown", "ambiguous", "unlisted"]) | (names["outside"] != "")] if len(names) else names
    if doubt.empty:
        return None
    heads = [words(f"story.col_{name}") for name in ("text", "how", "count")]
    rows = [(told_shape(row.text, words), words("check.how_" + row.how) + (words("story.outside_" + row.outside) if row.outside else ""),
             words.number(row.rows)) for row in doubt.itertuples()]  # fmt: skip
    frame = pd.DataFrame(rows, columns=heads)
    return tables.table(frame, words("story.doubtful_caption"), words, numeric={heads[2]}, download=frame, name="doubtful_names")


def show_set_aside(design: Design, words: Words) -> tables.Block:
    """What the study left out, by reason."""
    frame = pd.DataFrame([(words("reasons." + r.reason) if "reasons." + r.reason in known(words) else r.reason,
                           words.number(r.units), words.number(r.rows)) for r in design.set_aside.itertuples()],
                         columns=[words(f"story.col_{c}") for c in ("set_aside", "units", "cells")])  # fmt: skip
    return tables.table(frame, words("story.set_aside_caption"), words, numeric=set(frame.columns[1:]), download=frame,
                        name="set_aside")  # fmt: skip


def known(words: Words) -> dict[str, str]:
    from .words import texts

    return texts(words.lang)


def show_groups(design: Design, p: Study, words: Words) -> tables.Block:
    """Each side before and after: dossiers, share. Small counts hidden."""
    rows = []
    for touched in (True, False):
        side = design.table[design.table["treated_from"].notna() == touched]
        for after in (False, True):
            part = side[(side["time"] >= design.start.ordinal) == after]
            rows.append(group_row(part, touched, after, design, p, words))
    frame = pd.DataFrame(rows, columns=[words(f"story.col_{c}") for c in ("group", "when", "size", "mean")])
    return tables.table(frame, words("story.groups_caption"), words, numeric=set(frame.columns[2:]), download=frame,
                        name="groups")  # fmt: skip


def group_row(part: pd.DataFrame, touched: bool, after: bool, design: Design, p: Study, words: Words) -> tuple:
    names = words("study.treated" if touched else "study.comparison"), words("story.after" if after else "story.before")
    if part.empty:
        return (*names, words.number(None), words.number(None))
    mean = (part["y"] * part["weight"]).sum() / part["weight"].sum()
    shown = words.percent(mean) if design.scale == "pp" else words.effect(mean, "level", sign=False)
    if part["received"].isna().any():
        return (*names, words.number(len(part)), shown)
    received, online = part["received"].sum(), part["online"].sum()
    if hidden(pd.Series([received]), pd.Series([online]), p.min_count).iloc[0]:
        return (*names, words("story.below", n=words.number(p.min_count)), words.number(None))
    return (*names, words.number(received), shown)


def show_facts(design: Design, p: Study, words: Words) -> tables.Block:
    """The facts that this study rests on, with source or "not verified"."""
    rows = []
    if p.policy:
        law = load_facts().resolutions[p.policy]
        rows += tables_rows_of_law(law, words)
    for event in design.events:
        when = words.date(event.date) + (f"–{words.date(event.until)}" if event.until else "")
        rows.append((event.label(words.lang), when, event.verified, event.title, event.link, event.read))
    return tables.facts_table(rows, words)


def tables_rows_of_law(law: object, words: Words) -> list[tuple]:
    """One row per field of a resolution that the design uses."""
    values = {
        "signed": words.date(law.signed),
        "effective": words.date(law.effective) if law.effective else words("story.assumed", value=words.date(law.assumed_effective)),
        "cut_pct": words.percent((law.cut_pct or law.assumed_cut_pct) / 100, 0) if law.cut_pct
        else words("story.assumed", value=words.percent(law.assumed_cut_pct / 100, 0)),
    }  # fmt: skip
    return [(words(f"story.law_{name}"), value, law.verified_of(name), *law.source_of(name)) for name, value in values.items()]


def show_parameters(p: Study, words: Words) -> tables.Block:
    """The study's keys as they were used."""
    pairs = []
    for key, value in p.model_dump(mode="json", exclude_defaults=True).items():
        if key in PATH_KEYS and value:
            value = value.replace("\\", "/").rsplit("/", 1)[-1]
        text = ", ".join(map(str, value)) if isinstance(value, list) else (
            "; ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else str(value))  # fmt: skip
        pairs.append((key, text))
    frame = pd.DataFrame(pairs, columns=[words("story.col_key"), words("story.col_value")])
    return tables.table(frame, words("story.parameters_caption"), words)


def show_glossary(words: Words) -> tables.Block:
    """The words of the report, explained."""
    from .words import texts

    terms = [key.removeprefix("glossary.") for key in texts(words.lang) if key.startswith("glossary.") and not key.endswith("_text")]
    return tables.definitions([(words("glossary." + t), words(f"glossary.{t}_text")) for t in terms], words)


def show_scale(words: Words) -> tables.Block:
    """The five verdicts and their rules."""
    limit = words.percent(MOST, 0)
    return tables.definitions([(words(f"tables.verdict_{n}"), words(f"story.rule_{n}", limit=limit))
                               for n in (CLEAR, 2, UNCLEAR, 4, CANNOT)], words)  # fmt: skip


def page_for(p: Study, panel: Panel, words: Words, kind: str, annexes: tuple[str, ...]) -> Page:
    """What the page needs to know besides its notebooks."""
    return Page(lang=words.lang, title=words("study.title"), place=words("study.place"), simulated=panel.origin.simulated,
                kind=kind, annexes=annexes, footer=words("story.footer"))  # fmt: skip


def receipt_block(receipt: dict, words: Words) -> str:
    """What is needed to run it again; clock times stay in receipt.json."""
    pairs = [(words("story.receipt_inputs"), "; ".join(f"{i['file']} (SHA-256 {i['sha256'][:16]}…)" for i in receipt["inputs"])),
             (words("story.receipt_code"), receipt["code_sha256"][:16]),
             (words("story.receipt_facts"), receipt["facts_sha256"][:16]),
             (words("story.receipt_seed"), str(receipt["seed"])),
             (words("story.receipt_packages"), ", ".join(f"{k} {v}" for k, v in receipt["packages"].items()))]  # fmt: skip
    return str(tables.fold(words("story.receipt"), tables.definitions(pairs, words), words).html)
