"""What a domain may bring to a study; the engine asks it and knows no more of it.

A domain is a package beside the engine's rooms with a file `domain.py` of plain functions, those of `Domain`; it is found by existing.
A study has the domain that claims it by its keys (a policy, a place, a layout of its own, or `domain:`); a tidy table without any of
these has none, and everything below is empty then (`no_domain.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..base.own_files import PACKAGE
from . import no_domain

if TYPE_CHECKING:
    import pandas as pd

    from .events import Event
    from .study import Study


@dataclass(frozen=True)
class Policy:
    """As far as the engine needs it. `assumed`: the first day in force stands in for one that nobody has read; `cut`: the share (0-1)
    of a dose that it takes away."""

    signed: date
    effective: date
    assumed: bool
    cut: float


@dataclass(frozen=True)
class Place:
    """A place of the facts: its name as a study's `place` writes it, and its official code, "" without one."""

    name: str
    code: str = ""


class Domain(Protocol):
    """The functions of a domain's file. Each says what the engine does with it; `no_domain` is the one of a study without."""

    NAME: str  # its package
    EXAMPLE: str  # the study in params/studies from which one of its exports is begun
    TIME_ZONE: str | None  # where its days are meant; None: a study must say

    def claims(self, p: "Study") -> bool:
        """Whether a study's keys are this domain's."""

    def check_study(self, p: "Study", file: str) -> None:
        """Raises InputError for a key that this domain does not know."""

    def layouts(self) -> tuple[str, ...]:
        """Export layouts besides a tidy table."""

    def is_export(self, path: Path) -> bool:
        """Whether a file is of the layout of the study `EXAMPLE`. Raises InputError for one that cannot be read."""

    def refuse_people(self, path: Path) -> None:
        """Raises InputError for a file whose rows are people's in a layout of its own: it is never read as a tidy table."""

    def definitions(self) -> Iterable[str]:
        """Words by which a tidy table may say what it measures."""

    def made_up(self, p: "Study", path: Path) -> None:
        """Writes the made-up data of a study that brings none."""

    def load_panel(self, p: "Study", paths: list[Path], early: bool = False) -> object:
        """The panel of files of one of its layouts."""

    def check_columns(self, p: "Study", panel: object) -> None:
        """Raises InputError where the study names a column that a panel of its layouts does not have."""

    def check_files(self, p: "Study", panel: object) -> None:
        """Raises InputError where a file besides the data is wrong: before any notebook runs."""

    def calendar(self, frequency: str, times: "pd.Index") -> "pd.DataFrame":
        """Regressors of periods (ordinals), one row each: what the calendar does to an outcome. No column where there is none."""

    def policy(self, p: "Study") -> Policy | None:
        """The policy that a study names."""

    def places(self, text: str, where: str) -> list[Place]:
        """The places that a portfolio means by a name, a code, a pattern or `all`, in order. Raises InputError where there is none."""

    def policy_at(self, p: "Study", place: Place) -> dict | str:
        """The keys by which a study is that of another place, with the policy's date and size there; or, in a line, why it cannot be:
        no policy is on record."""

    def units_change(self, p: "Study") -> date | None:
        """The first day of other units than before in the study's place, where the domain knows one."""

    def events(self, p: "Study", first: date, last: date) -> tuple["Event", ...]:
        """Dated events of the study's place that touch the days from first to last, the policy itself left out."""

    def other_adopters(self, units: Iterable[str], by: date) -> set[str]:
        """Units known to have had a policy of the same kind by a day."""

    def most_adopters(self) -> int:
        """How many units are said to have had one, whether or not they are known by name."""

    def notebooks(self, p: "Study") -> tuple[str, ...]:
        """The notebooks of its own that apply to a study."""

    def facts(self) -> dict[str, str]:
        """File of facts -> SHA-256."""

    def prepare(self) -> None:
        """Reads once what every kernel of a run would read."""

    def counted_besides(self, p: "Study", panel: object, design: object) -> "pd.DataFrame | None":
        """What else of the cells' people a report of this domain counts, one row per cell; None where it counts nothing else."""

    def cells_billed(self, p: "Study", panel: object, design: object) -> "pd.Index":
        """The cells of whose people a report of this domain tells amounts."""

    def amounts(self, p: "Study", panel: object, design: object, until: str | None) -> "pd.DataFrame":
        """The amounts of money that a report tells of the cells billed, up to a period, one row each."""

    def assumption(self, p: "Study", words: object) -> str | None:
        """What the study takes for granted of its policy, in a sentence."""

    def facts_of_answer(self, found: object, panel: object, p: "Study", words: object) -> list[tuple[str, str, str]]:
        """(value, what it is, what stands below it): what the first screen says besides the effect, two at most."""

    def meaning_of_answer(self, found: object, panel: object, p: "Study", words: object) -> list[str]:
        """What the answer means, as far as the domain knows (cost), one sentence at most."""

    def in_short(self, found: object, panel: object, p: "Study", words: object) -> list[tuple[str, str]]:
        """(term, text) that a brief says besides the effect."""

    def facts_told(self, p: "Study", words: object) -> list[tuple]:
        """(what, value, verified, title, link, day read) of the facts about the policy."""

    def series_told(self, panel: object, words: object) -> list[tuple[str, str]]:
        """(what, text) of what a reader should know of a series of this domain."""

    def data_shown(self, panel: object, p: "Study", words: object) -> list:
        """Blocks of the chapter on data that only its exports have something for, in order."""


def domains() -> list[Domain]:
    """Every domain that is there, by name."""
    return [domain_named(name) for name in domain_names()]


@cache
def domain_named(name: str) -> Domain:
    """A domain by its name, "" for none."""
    return import_module(f"hgdx_eval.{name}.domain") if name else no_domain


@cache
def domain_names() -> tuple[str, ...]:
    """The packages that have a `domain.py`, in order."""
    return tuple(sorted(file.parent.name for file in PACKAGE.glob("*/domain.py")))


def domain_of(p: "Study") -> Domain:
    """The domain that claims a study; that without anything where none does."""
    if p.domain:
        return domain_named(p.domain)
    return next((domain for domain in domains() if domain.claims(p)), no_domain)
