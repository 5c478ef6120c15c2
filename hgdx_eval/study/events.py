"""Something dated that could move the outcome besides the policy, and where it was read."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Record(BaseModel):
    """A fact as its file says it: no key more, none of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Source(Record):
    """Where a fact was read. A fact is verified with title, link and day of reading, or says why it is not."""

    title: str | None = Field(None, description="text: the source's title")
    link: str | None = Field(None, description="text: https://...")
    read: date | None = Field(None, description="the day on which it was read")
    verified: bool = Field(description="true or false")
    reason: str | None = Field(None, description="text: why it is not verified")

    @model_validator(mode="after")
    def sourced(self) -> "Source":
        if self.verified and not (self.title and self.link and self.read):
            raise ValueError("verified: true needs title, link and read")
        if not self.verified and not self.reason:
            raise ValueError("a fact has a source, or verified: false with a reason")
        return self


class Event(Source):
    """Something dated that could move the outcome besides the policy."""

    name: str
    date: date
    until: date | None = None
    scope: str
    level: Literal["province", "district", "commune"] | None = None
    vi: str = Field(max_length=28)
    en: str = Field(max_length=28)
    what_vi: str
    what_en: str

    def label(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en
