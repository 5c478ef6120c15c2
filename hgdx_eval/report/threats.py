"""What could be wrong with the answer: what it is, what was done about it and what the number is then, what is left."""

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from ..design.design import nearby_events
from ..estimation.results import Estimate
from ..evaluation.evaluation import Evaluation
from ..evaluation.without_threat import last_digitisation
from ..infer.information import sides_of
from ..panel.panel import Panel
from ..study.events import Event
from ..study.study import Study
from ..study.words import Words, capital
from . import blocks

CEILING = 0.8  # a mean share above this leaves an effect little room
BACKGROUND = 6  # other events named, at most


@dataclass(frozen=True)
class Threat:
    """`name`: of the texts `threat_<name>_*`; `values`: what they need; `fix`: the estimate without it, where there is one."""

    name: str
    values: dict[str, str]
    fix: Estimate | None = None


def show_threats(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate] | None = None) -> blocks.Block:
    """What could be wrong, what was done about it, what is left. `found`: what `evaluate` gives; `fixed`: what `taken_out` gives, for the
    numbers without a threat.

    Returns a Block.
    """
    return blocks.threats([told(threat, words) for threat in threats(found, panel, p, words, fixed or {})], words)


def show_threats_short(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate] | None = None) -> blocks.Block:
    """What could be wrong in a table of a line each: what it is, the number without it, what is left. `found`: what `evaluate` gives;
    `fixed`: what `taken_out` gives.

    Returns a Block.
    """
    rows = short_rows(found, panel, p, words, fixed or {})
    frame = pd.DataFrame(rows, columns=[words(f"story.col_{c}") for c in ("threat", "then", "left")])
    return blocks.table(frame, words("story.threats_caption"), words, name="threats", mixed={frame.columns[1]})


def short_rows(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate]) -> list[tuple[str, Markup, str]]:
    """(title, the number without it or a dash, what is left) of each threat but the background and seasons, which have their warning."""
    rows = []
    for threat in threats(found, panel, p, words, fixed):
        if not threat.name.startswith(("background", "season")):
            title, _, _, left = told(threat, words)
            rows.append((title, Markup(words.number(None)) if threat.fix is None else blocks.effect(threat.fix.table.iloc[0], words), left))
    return rows


def told(threat: Threat, words: Words) -> tuple[str, str, str, str]:
    title, what, done, left = (capital(words(f"story.threat_{threat.name}_{part}", **threat.values))
                               for part in ("title", "what", "done", "left"))  # fmt: skip
    if threat.fix is not None:
        kind = fix_kind(threat.fix.table["group"].iloc[0])
        done += " " + words(f"story.then_{kind}", estimate=blocks.effect(threat.fix.table.iloc[0], words).striptags())
    return title, what, done, left


def fix_kind(group: str) -> str:
    return group if group in ("remote", "season") else "logit" if group == "" else "digitisation" if "digitisation" in group else "months"


def threats(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate]) -> list[Threat]:
    design, inside = found.design, bool(p.period_by)
    near, steps = nearby_events(design), last_digitisation(design)
    listed = [Threat("event_inside" if inside else "event", named(event, words), fixed.get(f"without_{event.name}")) for event in near]
    listed += [Threat("digitisation" if inside else "digitisation_common", named(event, words), fixed.get(f"without_{event.name}"))
               for event in steps]  # fmt: skip
    others = [event for event in design.events if event not in near and event not in steps]
    if others:
        listed.append(Threat("background" if inside else "background_common", {"events": nearest(others, found, words)}))
    if design.unknown_units:
        listed.append(Threat("unknown", {"n": words.number(design.unknown_units)}))
    if "season" in fixed:
        listed.append(Threat("season", {}, fixed["season"]))
    if (found.sides or sides_of(design, found.main.overall()["estimator"])).few:
        listed.append(
            Threat("clusters" if found.headline == "placebo" else "unranked", {"treated": words.number(len(design.clusters(True)))})
        )
    if design.scale == "pp":
        late = design.table[design.table["treated"]]
        share = (late["y"] * late["weight"]).sum() / late["weight"].sum()
        listed.append(Threat("ceiling" if share > CEILING else "room", {"share": words.percent(share)}, logit(found)))
    if "assisted" in panel.cells and panel.cells["assisted"].sum() >= p.min_count:
        share = panel.cells["assisted"].sum() / panel.cells["online"].sum()
        listed.append(Threat("assisted", {"share": words.percent(share)}, fixed.get("remote")))
    if design.scale == "pp":
        listed.append(Threat("definition", {}))
    listed.append(Threat("parallel", {}))
    return listed


def named(event: Event, words: Words) -> dict[str, str]:
    return {"event": event.label(words.lang), "date": words.date(event.date)}


def nearest(events: list[Event], found: Evaluation, words: Words) -> str:
    """The events nearest to the policy in time, in their order."""
    start = found.design.start.start_time.date()
    chosen = sorted(sorted(events, key=lambda e: abs((e.date - start).days))[:BACKGROUND], key=lambda e: e.date)
    return "; ".join(f"{event.label(words.lang)} ({words.date(event.date)})" for event in chosen)


def logit(found: Evaluation) -> Estimate | None:
    """The method that works on the scale of log odds, where it was set side by side."""
    for other in found.others:
        row = other.overall()
        if row["estimator"] == "grouped_logit" and row["status"] == "ok":
            return other
    return None
