"""Time zones by name: the day of a report is that of the place that it is about, not of the computer that made it."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


def is_zone(name: str) -> bool:
    """Whether a name is one of IANA's zones (Asia/Ho_Chi_Minh, UTC)."""
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (ValueError, OSError, KeyError):  # a name that leads out of the list, a folder of it, none in it
        return False


def in_zone(moment: datetime, name: str) -> datetime:
    """A moment as clocks of a zone show it; as in UTC where the zone is not known here."""
    zone: tzinfo = ZoneInfo(name) if is_zone(name) else UTC
    return moment.astimezone(zone)
