"""Export -> panel: counts by unit and month, from which nobody can be told. The privacy border runs through here."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..base.aside import new_file
from ..base.errors import InputError
from ..base.origin import Origin, sha256_of
from ..base.periods import told_span, written_all
from ..base.private_folder import private_folder
from ..base.telling import in_brief, told_file
from ..read.readings import Reading
from .disclosure import about, released

Merge = Callable[[pd.DataFrame, int], tuple[pd.DataFrame, int]]  # cells, min_count -> rows that can be passed on, dossiers left out of them
NOTES = ["reason", "rows", "examples"]
NAMES = ["kind", "text", "means", "how", "outside", "rows"]


@dataclass(frozen=True)
class Panel:
    """Cells and where they came from.

    `cells` of a dossier export: one row per agency x procedure x period (every period between the first and the last,
    0 where nothing came in), sorted: agency, level, cluster, procedure, fee_group, period (pandas Period), received,
    online, assisted, remote (online without assisted; counts). What the export does not tell is absent: done (dossiers with a
    day of completion), days (from receipt to it, their sum), timed (with an appointment too), on_time (of timed); with fee
    details paid (VND really paid), paying (dossiers that paid something), zero_fee (all of whose payments are 0), the same of
    dossiers filed online (filed_online_paid, filed_online_paying, filed_online_zero); where they say how, channel_told (paying
    dossiers of which that is known), paid_online (of them, online), the same of dossiers not filed online (counter_told,
    counter_paid_online). Of a summarised export: one row per
    agency x month that it tells, sorted: agency, level, cluster, period, the layout's values (received, online; or points).
    Of a tidy table: one row per unit x period, sorted: unit, period, then what the study names, each under its key and whatever the
    user calls it (numerator, denominator, outcome and more; `by_NAME` for each of `by`), text as text, numbers as floats; `label`.
    `rejected`, `corrected`: one row per reason, with the number of rows and the first row numbers.
    `names_matched`: one row per text of an agency or code of a procedure and way in which it was understood: kind (agency,
    procedure), text (its shape where it looks like no agency), means (official name, today's code; "" where unknown), how (of
    names.HOW; listed, recoded, unlisted), outside ("", ended, not_begun: not in force in those months), rows.
    `truth`: what a simulated export says of itself (period, truth_pp, treated_received and more, see `synth.truth_table`), else None.
    """

    cells: pd.DataFrame
    origin: Origin
    rejected: pd.DataFrame
    corrected: pd.DataFrame
    accepted: int
    truth: pd.DataFrame | None = None
    names: dict[str, str] = field(default_factory=dict)  # procedure code -> its name in the fee schedule
    names_matched: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=NAMES))
    readings: tuple[Reading, ...] = ()  # how the files were understood where they could have been meant otherwise
    unread_pp: float | None = None  # points that rows without a readable outcome, which are left out, could move the answer at worst
    definition: str = "online_share"  # of readers.DEFINITIONS; "" for a table that does not say

    def __repr__(self) -> str:
        """Of dossiers about how many units and cells: one more of either may be one dossier."""
        cells, counted = self.cells, not {"received", "denominator"}.isdisjoint(self.cells)
        units = cells.groupby([c for c in ("unit", "agency", "procedure") if c in cells], observed=True).ngroups
        size = f"{about(units, counted)} units x {told_span(cells['period'])}"
        return in_brief(self, f"{told_file(self.origin.file)}: {size}", f"{about(len(cells), counted)} cells",
                        "simulated" if self.origin.simulated else "")  # fmt: skip


def origin_of(paths: list[Path], rows: int, layout: str, simulated: bool) -> Origin:
    """Where one file or several came from; the hash of several is over their hashes, in order."""
    hashes = [sha256_of(path) for path in paths]
    if len(paths) == 1:
        return Origin(told_file(paths[0].name), hashes[0], rows, layout, simulated)
    digest = hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return Origin(f"{told_file(paths[0].name)} (+{len(paths) - 1})", digest, rows, layout, simulated)


def export_panel(panel: Panel, out: Path, min_count: int, release: bool, merge: Merge = released) -> int:
    """Write the cells as the file's ending says, marked internal, or released as `merge` makes them; returns the dossiers left out.

    The file says `status` (internal, released) and `min_count` (a CSV has no place for that); an internal one, which holds small counts,
    has mode 0600. Raises InputError for another ending, where there are no counts to release, or where nothing is left.
    """
    from .written import writer_of

    write = writer_of(out)
    cells = panel.cells.assign(period=written_all(panel.cells["period"]), simulated=panel.origin.simulated)
    left_out = 0
    if release:
        if not {"received", "online"} <= set(cells):
            raise InputError(f"{panel.origin.file}: --release: it holds no counts of dossiers, so nothing small has to be merged; "
                             f"leave --release out")  # fmt: skip
        cells, left_out = merge(cells, min_count)
        if cells.empty:
            raise InputError(f"{panel.origin.file}: --release: nothing is left: with --min-count {min_count} no month can be protected")
    status = "released" if release else "internal"
    with new_file(out, private=not release) as file, private_folder() as folder:
        write(cells, {"status": status, "min_count": str(min_count)}, file, folder)
    return left_out


EXAMPLES = 5  # row numbers kept for each reason
