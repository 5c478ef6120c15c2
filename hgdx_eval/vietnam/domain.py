"""Vietnam: dossiers of public services, fees, dated facts, a calendar with Tết. The functions are those of `study.domains.Domain`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import InputError
from ..base.telling import did_you_mean
from ..study.domains import Place, Policy
from . import adopted
from .adopted import ADOPTED, law_of
from .facts import facts_files, find_adoption, load_facts
from .provinces import check_province, events_between, same_province

if TYPE_CHECKING:
    import pandas as pd

    from ..design.design import Design
    from ..evaluation.evaluation import Evaluation
    from ..panel.panel import Panel
    from ..report.blocks import Block
    from ..study.events import Event
    from ..study.study import Study
    from ..study.words import Words
    from .facts import Resolution
    from .unread_channel import Comparison

NAME = "vietnam"
TIME_ZONE = "Asia/Ho_Chi_Minh"
EXAMPLE = "nq04_2023"
DOSSIERS = "opencps_dossiers"
KEYS = ("policy", "place", "other_adopters", "world", "fees", "scorecard", "places")  # of a study: what is asked of this domain alone


def claims(p: "Study") -> bool:
    return p.layout in layouts() or any(getattr(p, key) is not None for key in KEYS)


def check_study(p: "Study", file: str) -> None:
    """Raises InputError: a place or policy that the facts do not know, or a policy without the groups that it touches."""
    if p.place is not None:
        check_province(load_facts(), p.place, f"{file}: place")
    if p.policy is None:
        return
    for key in ("group", "treated_groups", "comparison_groups"):
        if not getattr(p, key):
            raise InputError(f"{file}: {key}: is needed with policy")
    if p.policy == ADOPTED:
        if p.place is None:
            raise InputError(f"{file}: policy: {ADOPTED}: whose is not said; name its place, as place: Hải Dương")
        law_of(p)
        return
    known = [*load_facts().resolutions, ADOPTED]
    if p.policy not in known:
        raise InputError(f"{file}: policy: {p.policy!r} is not in params/facts/resolution.yaml{did_you_mean(p.policy, known)}; "
                         f"known: {', '.join(known)}")  # fmt: skip


@cache
def layouts() -> tuple[str, ...]:
    """The names of the files in layouts/."""
    return tuple(sorted(file.stem for file in (Path(__file__).parent / "layouts").glob("*.py") if file.stem != "__init__"))


def is_export(path: Path) -> bool:
    """A list of dossiers."""
    from .layouts import personal_layout

    return personal_layout(path) == DOSSIERS


def refuse_people(path: Path) -> None:
    """Raises InputError for a list of dossiers or payments: its cells are people's, and a study could name any of its columns."""
    from .layouts import personal_layout

    if (layout := personal_layout(path)) is not None:
        raise InputError(f"{path.name}: a file of layout {layout}, one row a dossier or payment, no tidy table: write layout: {DOSSIERS}")


def definitions() -> Iterable[str]:
    from .layouts import DEFINITIONS

    return DEFINITIONS


def made_up(p: "Study", path: Path) -> None:
    from .made_up_world import simulate

    simulate(path, effect=p.effect, seed=p.seed, dossiers=p.dossiers, layout=p.layout, world=p.world)


def load_panel(p: "Study", paths: list[Path], early: bool = False) -> "Panel":
    """`early`: of the months before the policy alone. Raises InputError naming file and place for whatever cannot be understood, and for a
    layout that is no panel by itself."""
    from .dossier_panel import counting, dossier_panel
    from .layouts import summary_layouts
    from .summary_panel import summary_panel

    if p.constant_units and p.layout != DOSSIERS:
        raise InputError(
            f"{p.study}: constant_units: a summary of layout {p.layout} names its agencies itself; allowed: layout: {DOSSIERS}"
        )
    if p.engine != "duckdb" and p.layout != DOSSIERS:
        raise InputError(f"{p.study}: engine: {p.engine} reads dossier lists (layout: {DOSSIERS}), found layout: {p.layout}: leave it out")
    if p.layout in summary_layouts():
        panel = summary_panel(paths, p.layout, place=p.place)
        return replace(panel, cells=panel.cells[panel.cells["period"] < begun(p)].reset_index(drop=True)) if early else panel
    if p.layout != DOSSIERS:
        raise InputError(f"{p.study}: layout: {p.layout} alone is no panel: put it into one folder with a dossier list "
                         f"(layout: {DOSSIERS})")  # fmt: skip
    return dossier_panel(paths, p.layout, p.date, Path(p.fees) if p.fees else None, p.place, compared(p),
                         begun(p).start_time.date() if early else None, p.constant_units, counting(p.engine))  # fmt: skip


def begun(p: "Study") -> "pd.Period":
    """The month in which the study's policy begins anywhere. Raises InputError for a study that does not say."""
    import pandas as pd

    from ..panel.tidy import first_start

    return pd.Period(ordinal=first_start(p, None, p.study), freq="M")


def compared(p: "Study") -> "Comparison":
    """What a study of dossiers compares, as far as it names groups of fees."""
    from .unread_channel import Comparison

    law = policy(p)
    if law is None or p.group != "fee_group":
        return Comparison(law and law.effective.strftime("%Y-%m"))
    return Comparison(law.effective.strftime("%Y-%m"), tuple(p.treated_groups), tuple(p.comparison_groups))


def check_columns(p: "Study", panel: "Panel") -> None:
    from .dossier_panel import dossier_study_columns

    dossier_study_columns(p, panel.cells, panel.origin.file)


def check_files(p: "Study", panel: "Panel") -> None:
    """Reads the study's scorecard and numbers of places. Raises InputError."""
    from .questions.places import read_places
    from .questions.scorecard import scorecard

    scorecard(panel, p)
    if p.places:
        read_places(Path(p.places), p.place)


def calendar(frequency: str, times: "pd.Index") -> "pd.DataFrame":
    """Working days and the share of Tết of months; of quarters and years nothing."""
    import pandas as pd

    if frequency != "M":
        return pd.DataFrame(index=times)
    from .calendar import tet_share, working_days

    months = [pd.Period(ordinal=int(time), freq="M") for time in times]
    return pd.DataFrame({"working_days": [working_days(month) for month in months],
                         "tet": [tet_share(month) for month in months]}, index=times, dtype=float)  # fmt: skip


def policy(p: "Study") -> Policy | None:
    if p.policy is None:
        return None
    law = law_of(p)
    return Policy(law.signed, law.effective or law.assumed_effective, law.effective is None,
                  (law.cut_pct or law.assumed_cut_pct) / 100)  # fmt: skip


def places(text: str, where: str) -> list[Place]:
    return adopted.places(text, where)


def policy_at(p: "Study", place: Place) -> dict | str:
    return adopted.policy_at(p, place)


def units_change(p: "Study") -> date | None:
    from .merger import merger_day

    return None if p.place is None else merger_day()


def events(p: "Study", first: date, last: date) -> tuple["Event", ...]:
    listed = events_between(load_facts(), first, last, p.place) if p.place else ()
    return tuple(event for event in listed if event.name != p.policy)


def other_adopters(units: Iterable[str], by: date) -> set[str]:
    facts = load_facts()
    return {unit for unit in units if find_adoption(facts, unit, by=by) is not None}


def most_adopters() -> int:
    return max((adoption.number or 0 for adoption in load_facts().adoptions if adoption.kind == "count"), default=0)


def notebooks(p: "Study") -> tuple[str, ...]:
    """For whom, cost and payment where dossiers are counted; the tasks of the place that has them, or of a file of one's own."""
    counted = p.layout == DOSSIERS
    tasks = p.place is not None and same_province(load_facts(), p.place, load_facts().tasks.place)
    applies = {"who": counted, "cost": counted and p.policy is not None, "payment": counted and p.policy is not None,
               "scorecard": p.scorecard is not None or tasks}  # fmt: skip
    return tuple(name for name, so in applies.items() if so)


def facts() -> dict[str, str]:
    return facts_files()


def prepare() -> None:
    load_facts()


def cells_billed(p: "Study", panel: "Panel", design: "Design") -> "pd.Index":
    """The cells whose fee is cut, from the policy's first period on."""
    import pandas as pd

    from .questions.cost import treated_cells

    if p.layout != DOSSIERS or p.policy is None or "fee" not in panel.cells:
        return pd.Index([])
    return treated_cells(panel, p, design).dropna(subset=["fee"]).index


def amounts(p: "Study", panel: "Panel", design: "Design", until: str | None) -> "pd.DataFrame":
    """VND not taken and saved, as the chapter on cost sums them up: family, side, group, period, part, count."""
    from .questions.cost import amounts_of, bill

    found = bill(panel, p, design)
    return amounts_of(found if until is None else replace(found, cells=found.cells[found.cells["period"].astype(str) <= until]), p)


def counted_besides(p: "Study", panel: "Panel", design: "Design") -> "pd.DataFrame | None":
    """What the two rates of online payment count, per cell with dossiers: cut (its fee is cut) and the counts of `PAYMENTS`."""
    from ..release.release import PAYMENTS
    from .questions.payment import counted, whole_fee, why_none

    if why_none(panel, p) is not None:
        return None
    cells = panel.cells[panel.cells["received"] > 0]
    paid = counted(cells, p, whole_fee(panel.cells, p, design))
    return paid[list(PAYMENTS)].assign(cut=paid["part"] == "cut")


def assumption(p: "Study", words: "Words") -> str | None:
    """What a study takes for granted of its resolution, where nobody has read its text."""
    if p.policy is None:
        return None
    law = law_of(p)
    if law.effective is not None and law.cut_pct is not None:
        return None
    return words("story.assumption", cut=words.number(law.cut_pct or law.assumed_cut_pct),
                 start=words.date(law.effective or law.assumed_effective), signed=words.date(law.signed))  # fmt: skip


def facts_of_answer(found: "Evaluation", panel: "Panel", p: "Study", words: "Words") -> list[tuple[str, str, str]]:
    from .questions.in_short import facts

    return facts(found, panel, p, words) if "cost" in notebooks(p) else []


def meaning_of_answer(found: "Evaluation", panel: "Panel", p: "Study", words: "Words") -> list[str]:
    from .questions.in_short import meaning

    return meaning(found, panel, p, words) if "cost" in notebooks(p) else []


def in_short(found: "Evaluation", panel: "Panel", p: "Study", words: "Words") -> list[tuple[str, str]]:
    from .questions.in_short import in_short

    return in_short(found, panel, p, words) if "cost" in notebooks(p) else []


def facts_told(p: "Study", words: "Words") -> list[tuple]:
    """(what, value, verified, title, link, day read) of the facts about the policy that a study rests on."""
    return [] if p.policy is None else rows_of_law(law_of(p), words)


def rows_of_law(law: "Resolution", words: "Words") -> list[tuple]:
    """One row per field of a resolution that the design uses."""
    values = {
        "signed": words.date(law.signed),
        "effective": words.date(law.effective) if law.effective else words("story.assumed", value=words.date(law.assumed_effective)),
        "cut_pct": words.percent((law.cut_pct or law.assumed_cut_pct) / 100, 0) if law.cut_pct
        else words("story.assumed", value=words.percent(law.assumed_cut_pct / 100, 0)),
    }  # fmt: skip
    return [(words(f"story.law_{name}"), value, law.verified_of(name), *law.source_of(name)) for name, value in values.items()]


def series_told(panel: "Panel", words: "Words") -> list[tuple[str, str]]:
    from .questions.show_data import series_told

    return series_told(panel, words)


def data_shown(panel: "Panel", p: "Study", words: "Words") -> list["Block"]:
    """Who filed, how names were understood and which were not, where the data tell it."""
    from .questions.show_data import show_doubtful_names, show_names, show_staff

    blocks = (show_staff(panel, p, words), show_names(panel, words), show_doubtful_names(panel, words))
    return [block for block in blocks if block is not None]
