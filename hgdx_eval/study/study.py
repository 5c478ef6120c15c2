"""A study: what the analyst asks. One flat YAML file, checked whole before anything starts."""

import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from ..base.errors import InputError
from ..base.safe_text import header_key, plain_spaces
from ..base.telling import in_brief, told_file, told_text
from .vocabulary import KINDS, Comparison, Engine, Frequency, Kind, estimator_names

PeriodText = str | int | date
COUNTED = ("outcome", "numerator", "denominator", "treated", "weights", "dose")  # keys of columns of numbers
ALONE = {"period", "outcome", "numerator"}  # keys of columns that can stand under no other key
TOGETHER = {"denominator", "weights", "dose", "by"}  # keys under which a size or a weight may stand
SPECIAL = {"simulated": "whether a table is simulated", "definition": "what its series measures"}  # what a table's columns say of itself
NEWER = ("missing_codes", "constant_units")  # keys that the first published runs did not have
ABOUT_KEYS = ("made_by", "contact", "licence")  # what a report says of itself; they decide nothing
CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|https://\S+|\+?\d[\d .()-]{5,}")
LONGEST = 200  # letters
PATH_KEYS = ("data", "fees", "words", "plan", "scorecard", "places", "crosswalk")
SEEN_FROM = "a path in a study's file is seen from the folder of that file, one in -p from the current folder"


class VerdictRules(BaseModel):
    """What turns checks into a verdict, written down before the analysis (docs/decisions/0004-verdict.md). 0 = not asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sign_agreement: float = Field(1.0, ge=0, le=1, description="the share, 0 to 1, of the other methods that must have the same sign; "
                                                               "0: not asked")  # fmt: skip
    gate: float = Field(0.07, ge=0.05, le=0.2, description="most false alarms of a headlined interval, 0.05 to 0.2")
    pre_trends: float = Field(0.1, ge=0, le=0.5, description="most event times before the policy whose interval may miss 0: a share, "
                                                            "rounded down")  # fmt: skip
    breakdown: float = Field(1.0, ge=0, le=5, description="how many times as far apart as ever before the policy the groups may stand "
                                                          "while the average effect still differs from 0; 0: not asked")  # fmt: skip
    placebo_periods: int | None = Field(None, ge=1, description="how many periods earlier the pretended date is; default: 182 days, "
                                                                "26 weeks, 6 months, 2 quarters, 1 year")  # fmt: skip
    rank: float = Field(0.05, gt=0, le=0.2, description="the highest placebo rank, as a share, that is a sign of an effect")


class CostRules(BaseModel):
    """Assumptions about another cut than the one made: nothing in the data says how people would answer it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    other_cut_pct: float | int = Field(100, gt=0, le=100, description="per cent, above 0 up to 100: the cut whose cost is also told")
    elasticities: list[Annotated[float | int, Field(ge=0, le=5)]] = Field(
        [0, 0.5, 1], min_length=1, description="a list of numbers from 0 (a larger cut moves nobody more) to 5; 1: in proportion to the cut"
    )


class PaymentRules(BaseModel):
    """Against whom online payment is compared: dossiers that cost nothing cannot be paid for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    comparison_groups: list[str] = Field(["central"], min_length=1, description="a list of groups that have fees and are not touched")
    until: PeriodText | None = Field(None, description="the last period of that comparison; default: the window's end")


class Study(BaseModel):
    """One study, as written. Periods are as the analyst wrote them; paths are absolute once loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    study: str = Field(pattern=r"^[a-z0-9_]+$", max_length=100, description="a name of a-z, 0-9 and _, of at most 100 letters")
    data: str | None = Field(None, description="a file, a folder or a pattern (csv, xlsx, parquet, json), relative to this study")
    layout: str = Field("table", description="table or the name of an export layout")
    date: Literal["received", "submitted"] = Field("received", description="which date dates a dossier")
    fees: str | None = Field(None, description="the fee schedule; default: DATA.fees.csv beside the data")
    world: str | None = Field(None, description="without data: the simulated world to draw")
    effect: float | int = Field(4.0, description="without data: the effect drawn, in percentage points")
    dossiers: int = Field(400_000, gt=0, description="without data: the number of dossiers drawn")

    unit: str | list[str] = Field(description="a column, or a list of columns")
    period: str = Field(description="a column of periods")
    frequency: Frequency = Field(description="D, W (weeks from Monday to Sunday), M, Q or Y: days to years")
    outcome: str | None = Field(None, description="a column of numbers")
    scale: Literal["share", "level"] = Field("level", description="share (0-1) or level, of the outcome column")
    numerator: str | None = Field(None, description="a column of counts")
    denominator: str | None = Field(None, description="a column of counts")
    window: list[PeriodText] | None = Field(None, min_length=2, max_length=2, description="[first, last] period kept")
    crosswalk: str | None = Field(
        None, description="a csv (old, new, valid_from, share) of units that changed on one day inside the window: old and new ones are "
                          "joined to the smallest that they have in common"
    )  # fmt: skip
    constant_units: bool = Field(False, description="true: the same for an export, by the domain's own dated facts")
    exclude: list[str] = Field([], description="a list of units left out, in quotes where they look like numbers")
    decimal_mark: Literal[".", ","] | None = Field(
        None, description="'.' or ',': the decimal mark of a table, where its numbers do not say; default: told from the columns"
    )
    missing_codes: list[float | int] | None = Field(
        None, description="numbers of a table that stand for a missing value, [-999]; []: none does, whatever a number looks like"
    )
    time_zone: str | None = Field(
        None, description="where a day is meant, for periods written as stamps with a zone: Asia/Ho_Chi_Minh, UTC; default: the domain's"
    )
    complete_units: bool = Field(False, description="true: keep only units observed in every period of the window")
    weights: str | None = Field(None, description="a column, or none; default: the denominator where there is one")
    engine: Engine = Field(
        "duckdb", description="what reads and counts dossier lists: duckdb, or spark (hgdx_eval[spark], the master of Spark's own settings)"
    )
    fresh_within: int | None = Field(
        None, ge=1, description="months, of any frequency: a run of data whose newest whole period ended longer ago is refused (exit 2)"
    )
    min_count: int = Field(5, ge=1, description="cells of fewer dossiers are not shown to readers")
    round_to: Literal[5, 10] | None = Field(None, description="5 or 10: counts of dossiers are shown rounded to a multiple of it")

    treated_from: str | dict[str, PeriodText | float | None] | None = Field(
        None, description="a column with the first treated period, or a map unit: period"
    )
    treated: str | None = Field(None, description="a 0/1 column, in place of treated_from")
    treated_until: str | dict[str, PeriodText | float | None] | None = Field(
        None, description="where treatment was switched off again: a column with the last treated period, or a map unit: period"
    )
    policy: str | None = Field(
        None, description="a resolution of params/facts, or adopted (the cut on record for the study's place), in place of treated_from"
    )
    group: str | None = Field(None, description="the column that says what kind of dossier it is, and whom a policy touches")
    treated_groups: list[str] = Field([], description="with policy: the groups it touches")
    comparison_groups: list[str] = Field([], description="with policy: the groups compared; others are set aside")
    gap: bool = Field(False, description="true: set aside the months from signing up to the effect")
    apart: list[PeriodText] = Field([], description="treated periods shown apart from later ones")
    other_adopters: Literal["set_aside", "keep"] | None = Field(
        None, description="units are provinces: what to do with those known to have cut fees themselves"
    )
    dose: str | dict[str, float | int] | None = Field(
        None, description="how much: a column of numbers, or a map unit: number; with policy: the fee, of which the cut is saved"
    )
    by: list[str] = Field([], description="columns of units: effects are also told for each of their values")
    domain: str | None = Field(None, description="whose layouts, facts and calendar the study uses; default: of policy, place or layout")
    place: str | None = Field(None, description="whose dated events count as concurrent and whose units names mean: a place of the facts")

    comparison: Comparison = Field("never", description="never or not_yet")
    period_by: str | None = Field(None, description="a column: period effects are separate for each of its values")
    unit_effects: str | None = Field(None, description="a column: fixed effects of its values, in place of each unit's own")
    cluster: str = Field(description="a column: errors are correlated inside its values")
    estimator: str = Field(description="the main method, the name of a file in estimators/")
    estimators: list[str] = Field([], description="methods set side by side")
    inference_order: list[Kind] = Field(
        list(KINDS), min_length=1,
        description="kinds of interval in the order in which they are tried: the first that the gate lets through is headlined",
    )  # fmt: skip
    smallest_effect: float | None = Field(
        None, gt=0, description="the smallest meaningful effect, in points or the outcome's own unit; without it level 4 is never given"
    )
    verdict: VerdictRules = Field(VerdictRules(), description="rules of the verdict, where they differ from the default")
    cost: CostRules = Field(CostRules(), description="assumptions about another cut of fees")
    payment: PaymentRules = Field(PaymentRules(), description="against whom online payment is compared, and until when")
    words: str | None = Field(None, description="a file with the study's own words, vi and en")
    scorecard: str | None = Field(None, description="a csv of indicators of the seven tasks (docs/scorecard.md), relative to this study")
    places: str | None = Field(None, description="a csv of numbers of places (docs/places.md), relative to this study")
    plan: str | None = Field(
        None, description="a plan written by hgdx-eval plan, to which the report is held; default: STUDY.plan.yaml beside this study"
    )
    blind: bool = Field(False, description="true: nothing is estimated before a plan is there and the gate passes on the data before")
    made_by: str | None = Field(None, description="who made the report, a person or an office: one line of at most 200 letters")
    contact: str | None = Field(
        None, description="where to ask about the report: an e-mail address, a page (https://...) or a telephone number"
    )
    licence: str | None = Field(None, description="under which others may use the report (CC BY 4.0): one line of at most 200 letters")
    seed: int = Field(20230714, ge=0, description="a whole number")

    @field_validator("treated_from", "treated_until", "dose", "exclude", "treated_groups", "comparison_groups")
    @classmethod
    def names_as_seen(cls, value: object) -> object:
        """Names of units and groups as the data's are read: what no eye sees makes no other name."""
        if isinstance(value, dict):
            seen = {plain_spaces(name): what for name, what in value.items()}
            if len(seen) < len(value):
                raise ValueError("two names of it differ only by what no eye sees (spaces, invisible characters)")
            return seen
        return [plain_spaces(name) for name in value] if isinstance(value, list) else value

    @field_validator(*ABOUT_KEYS)
    @classmethod
    def one_plain_line(cls, value: str | None, info: ValidationInfo) -> str | None:
        """A line as an eye sees it, since it is printed as it is."""
        if value is None:
            return None
        seen = plain_spaces(value)
        fits = bool(seen) and len(seen) <= LONGEST and (info.field_name != "contact" or bool(CONTACT.fullmatch(seen)))
        if not fits:
            raise ValueError(f"found {told_text(value)!r}; allowed: {cls.model_fields[info.field_name].description}")
        return seen

    def __repr__(self) -> str:
        units, outcome = " x ".join(map(told_text, self.unit_columns)), told_text(self.outcome_name)
        data = told_file(self.data.replace("\\", "/").rsplit("/", 1)[-1]) if self.data else f"simulated {self.world or self.layout}"
        return in_brief(self, f"{self.study}: {data}", f"{outcome} by {units} and {told_text(self.period)}", self.estimator,
                        f"{len(self.model_fields_set)} keys set")  # fmt: skip

    __str__ = __repr__

    @property
    def unit_columns(self) -> list[str]:
        return [self.unit] if isinstance(self.unit, str) else list(self.unit)

    @property
    def outcome_name(self) -> str:
        return self.outcome or f"{self.numerator}/{self.denominator}"


def keys_told() -> list[tuple[str, str]]:
    """(key, what is allowed and what holds without it) of a study, for the command line's help."""
    return [(key, field.description + without(field)) for key, field in Study.model_fields.items()]


def schema_of() -> dict:
    """The JSON Schema (draft 2020-12) of a study's file: every key with what is allowed, estimators by name."""
    made = Study.model_json_schema()
    made["properties"]["estimator"]["enum"] = estimator_names()
    made["properties"]["estimators"]["items"] = {"type": "string", "enum": estimator_names()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "A study of hgdx_eval"}


def without(field: FieldInfo) -> str:
    """What holds without a key: " (needed)", or its default where that says something."""
    if field.is_required():
        return " (needed)"
    told = ", ".join(map(str, field.default)) if isinstance(field.default, list) else field.default
    return "" if told in (None, "", False) or isinstance(told, BaseModel) else f"  [default: {told}]"


def study_digest(p: Study) -> str:
    """What tells a study from another whatever its files are called: 32 hex digits of all of its keys but paths, and what counts them.
    Keys that are newer than published runs count where they are used, so that a study is the one that it was."""
    unused = {name for name in NEWER if getattr(p, name) == Study.model_fields[name].default}
    return sha256(p.model_dump_json(exclude={*PATH_KEYS, *ABOUT_KEYS, "blind", "engine", *unused}).encode()).hexdigest()[:32]


def named_columns(p: Study) -> dict[str, list[str]]:
    """The columns that a study names, by key; a map in place of a column names none."""
    named = {key: getattr(p, key) for key in ("period", "cluster", "period_by", "unit_effects", "group", "by", "dose", "numerator",
                                              "denominator", "outcome", "treated", "treated_from", "treated_until")}  # fmt: skip
    named = {"unit": p.unit_columns, **named, "weights": None if p.weights == "none" else p.weights}
    named = {key: columns if isinstance(columns, list) else [columns] for key, columns in named.items()}
    return {key: [column for column in columns if isinstance(column, str)] for key, columns in named.items()}


def check_columns(p: Study, file: str) -> None:
    """Raises InputError where a column cannot be all that a study makes of it: periods and what is measured are nothing else; size
    and weight may be one column, a dose or a trait too; what a table says of itself is no data, but `definition` may part units."""
    named = [(key, column, header_key(column)) for key, columns in named_columns(p).items() for column in columns]
    parted = ("unit", "definition") in {(key, own) for key, _, own in named}
    for i, (key, column, own) in enumerate(named):
        if p.layout == "table" and own in SPECIAL and (own != "definition" or not parted or key in COUNTED):
            raise InputError(f"{file}: {key}: column {column!r} says {SPECIAL[own]} and is no {key}; give the data another header")
        for other in (other for other, _, same in named[:i] if same == own):
            pair = {key, other}
            if key == other or pair & ALONE or (pair & {"denominator", "weights"} and not pair <= TOGETHER):
                raise InputError(f"{file}: {key}: column {column!r} stands there and under {other}; allowed: a column of its own")


def named_by(p: Study) -> frozenset[str]:
    """Every text that the study itself holds: what it names may be named back."""

    def texts_in(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (text for pair in value.items() for item in pair for text in texts_in(item))
        elif isinstance(value, (list, tuple)):
            yield from (text for item in value for text in texts_in(item))
        elif value is not None:
            yield str(value)

    return frozenset(texts_in(p.model_dump(exclude=set(PATH_KEYS))))


def weight_column(p: Study) -> str | None:
    """The column of weights: named, or the denominator where there is one; None = unweighted."""
    if p.weights == "none":
        return None
    return p.weights or p.denominator
