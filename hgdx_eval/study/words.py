"""Every sentence, number and date that readers see, in one language. All modules before `Estimate` are wordless."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import yaml
from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.numbers import format_decimal

from ..base.own_files import PACKAGE
from ..base.telling import in_brief, told_text
from ..base.yaml_strict import FASTEST

if TYPE_CHECKING:
    import pandas as pd

MINUS = "\u2212"
SHAPE = re.compile(r"\((?:text|number) of \d+ \w+\)")
NOTHING = "–"  # a missing number, never 0 or NaN
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV"}


@cache
def texts(lang: str, domain: str = "") -> dict[str, str]:
    """All short texts of a language, `module.key` -> text; locale/<module>.<lang>.yaml holds a flat map per module. A domain's own stand
    in its folder, and before the general ones: it may say in its terms what these say in anybody's."""
    found = {}
    for folder in (PACKAGE / "locale", *([PACKAGE / domain / "locale"] if domain else [])):
        for file in sorted(folder.glob(f"*.{lang}.yaml")):
            own = yaml.load(file.read_text(encoding="utf-8"), FASTEST)
            found |= {f"{file.name.partition('.')[0]}.{key}": text for key, text in own.items()}
    return found


def capital(text: str) -> str:
    """A text that begins a line."""
    return text[:1].upper() + text[1:]


class Numeral(str):
    """A number as it is written. In a text `{n:case/cases}` is the word that goes with it, by the plural rules of the language."""

    one: bool

    def __new__(cls, text: str, one: bool) -> "Numeral":
        made = super().__new__(cls, text)
        made.one = one
        return made

    def __format__(self, forms: str) -> str:
        one, slash, other = forms.partition("/")
        return str(self) if not slash else one if self.one else other


@dataclass(frozen=True)
class Words:
    """One language. `words("charts.shares_title", month="8/2023")` fills a text; the study's own words
    (`outcome`, `treated`, `comparison`, `policy`, `place`, `unit`, ...) fill placeholders by themselves."""

    lang: str
    study: tuple[tuple[str, str], ...] = ()
    domain: str = ""  # whose texts come before the general ones

    def __repr__(self) -> str:
        return in_brief(self, self.lang, dict(self.study).get("study_name", ""))

    def __call__(self, key: str, **values: object) -> str:
        said = dict(self.study)
        module, _, name = key.partition(".")
        if module == "study" and name in said:  # the study's own words come before the general ones, and are filled already
            return said[name]
        given = {name: Numeral(value, False) if type(value) is str else value for name, value in values.items()}
        return self.texts[key].format_map({**said, **given})

    @property
    def texts(self) -> dict[str, str]:
        """`module.key` -> text, as it stands in the files."""
        return texts(self.lang, self.domain)

    def number(self, value: float | Decimal | None, digits: int = 0, sign: bool = False) -> Numeral:
        """1.234,5 in Vietnamese, 1,234.5 in English; a true minus; `sign` adds + to positive numbers."""
        if missing(value):
            return Numeral(NOTHING, False)
        rounded = round(float(value), digits) + 0.0  # + 0.0: never "-0"
        text = format_decimal(abs(rounded), "#,##0" + ("." + "0" * digits if digits else ""), locale=self.lang)
        one = Locale.parse(self.lang).plural_form(abs(Decimal(f"{rounded:.{digits}f}"))) == "one"
        return Numeral((MINUS if rounded < 0 else "+" if sign and rounded > 0 else "") + text, one)

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share 0-1 as 12,3%."""
        return NOTHING if missing(share) else self.number(100 * share, digits) + "%"

    def interval(self, low: float, high: float, digits: int = 1) -> str:
        """[1,1; 7,3] for charts and tables."""
        return f"[{self.number(low, digits)}; {self.number(high, digits)}]"

    def date(self, day: date | str) -> str:
        """14/7/2023 · 14 July 2023. A month "2023-08", a week "2023-W10" or a year "2023" comes out as such."""
        if len(str(day)) < len("2023-08-14"):
            from ..base.periods import period_of

            return self.period(period_of(str(day)))
        return format_date(date.fromisoformat(str(day)[:10]), "d/M/yyyy" if self.lang == "vi" else "d MMMM yyyy",
                           locale=Locale.parse(self.lang))  # fmt: skip

    def period(self, period: "pd.Period", short: bool = False) -> str:
        """tháng 8/2023 · August 2023; quý III/2023 · Q3 2023; 2023; tuần 10/2023 · week 10 of 2023; 13/3/2023 · 13 March 2023.
        Short: 8/2023 · 8/2023, III/2023 · Q3 2023, tuần 10/2023 · W10 2023, 13/3/2023 · 13 Mar 2023."""
        frequency = period.freqstr[0]
        if frequency in "YA":
            return str(period.year)
        if frequency == "Q":
            roman = f"{ROMAN[period.quarter]}/{period.year}"
            return f"Q{period.quarter} {period.year}" if self.lang == "en" else roman if short else f"quý {roman}"
        if frequency == "W":
            year, week, _ = period.start_time.isocalendar()
            return f"tuần {week}/{year}" if self.lang == "vi" else f"W{week} {year}" if short else f"week {week} of {year}"
        if frequency == "D":
            return format_date(period.start_time.date(), "d MMM yyyy", locale=Locale.parse("en")) if short and self.lang == "en" \
                else self.date(period.start_time.date())  # fmt: skip
        if short:
            return f"{period.month}/{period.year}"
        if self.lang == "vi":
            return f"tháng {period.month}/{period.year}"
        return format_date(date(period.year, period.month, 1), "MMMM yyyy", locale=Locale.parse("en"))

    def zone(self, name: str) -> str:
        """giờ Việt Nam · Vietnam Time: a time zone by its place, where its name has one."""
        if "/" not in name or name.startswith("Etc/"):
            return name.removeprefix("Etc/")
        return get_timezone_location(name, locale=self.lang).replace("Giờ", "giờ")

    def effect(self, value: float, scale: str, sign: bool = True) -> str:
        """An estimate without its unit: one decimal for points, significant digits for the outcome's own unit."""
        return self.number(value, effect_digits(value, scale), sign)

    def effect_interval(self, low: float, high: float, scale: str) -> str:
        """[low; high] with the digits of the narrower bound."""
        digits = max(effect_digits(low, scale), effect_digits(high, scale))
        return self.interval(low, high, min(digits, 4))


def missing(value: float | Decimal | None) -> bool:
    """None, NaN or NaT (this module is read also where pandas is not needed: its import takes longer than a run that has nothing to do)."""
    return value is None or bool(value != value)


def effect_digits(value: float, scale: str) -> int:
    """Decimals to print: 1 for points and money-free counts 0; for a level, enough for two significant digits."""
    if scale == "pp":
        return 1
    if scale in ("count", "VND"):
        return 0
    if missing(value) or value == 0:
        return 1
    return max(1, min(3, 1 - int(f"{abs(value):e}".split("e")[1])))


def told_shape(text: str, words: Words) -> str:
    """A text; of one that may not be told, its shape in the reader's language."""
    shape = re.fullmatch(r"\((text|number) of (\d+) \w+\)", text)
    return words("shapes." + shape[1], n=words.number(int(shape[2]))) if shape else text


def reading_text(kind: str, said: dict[str, str | int], words: Words) -> str:
    """How a file was understood (`read.readings.Reading`), as a sentence."""
    told = {name: words.number(value) if isinstance(value, int) else SHAPE.sub(lambda found: told_shape(found[0], words), told_text(value))
            for name, value in said.items()}  # fmt: skip
    if "form" in told:
        told["form"] = words("readings.form_" + re.sub(r"\W+", "_", str(said["form"])))
    if "day" in told:
        told["day"] = words.date(str(said["day"]))
    return words("readings." + kind, **told)
