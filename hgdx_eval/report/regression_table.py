"""Estimates side by side as papers print them, out of the kit with one call."""

import io
from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.telling import check_name
from ..estimation.results import Estimate

KINDS = ("text", "latex", "html", "docx")
DIGITS = 4  # significant


def etable(estimates: list[Estimate], kind: str = "text", file: str | Path | None = None) -> str:
    """Estimates as columns: the overall estimate with its error below in brackets, 95% interval, how the error was made, numbers of
    observations, units and clusters. `estimates`: a list, of one study or of several; `kind`: text, latex, html or docx; `file`: where it
    is written too (needed for docx).

    Returns a str (of docx the text). Raises InputError for another kind, an empty list, or docx without a file.
    Example: `hg.etable([result.main, *result.others], "latex")`
    """
    check_name("kind", kind, KINDS)
    if not estimates:
        raise InputError("etable: no estimate was given; allowed: a list of one or more")
    frame = pd.DataFrame([column(found.overall()) for found in estimates]).T
    frame.columns = [f"({n})" for n in range(1, len(estimates) + 1)]
    frame = frame.fillna("")
    text = {"latex": lambda: frame.to_latex(escape=True), "html": lambda: frame.to_html(border=0)}.get(kind, frame.to_string)()
    if kind == "docx":
        if file is None:
            raise InputError("etable: docx is a file: say file=")
        written_docx(frame, Path(file))
        return text
    if file is not None:
        from ..base.aside import write_text

        write_text(Path(file), text + "\n")
    return text


def column(row: pd.Series) -> dict[str, str]:
    """One estimate, from top to bottom."""

    def number(value: float) -> str:
        return "" if pd.isna(value) else f"{value:.{DIGITS}g}"

    if row["status"] != "ok":
        return {"study": row["study"], "method": row["estimator"], "estimate": f"refused: {row['reason']}"}
    interval = "" if pd.isna(row["ci_low"]) else f"[{number(row['ci_low'])}, {number(row['ci_high'])}]"
    error = "" if pd.isna(row["std_error"]) else f"({number(row['std_error'])})"
    counts = {name: f"{row[name]:,.0f}" for name in ("n_obs", "n_units", "n_clusters", "n_treated_clusters") if pd.notna(row[name])}
    told = {"estimate": number(row["estimate"]), "std_error": error, "95% interval": interval}
    mark = {"simulated": "yes"} if row["simulated"] else {}
    made = {"study": row["study"], "method": row["estimator"], **told, "inference": row["inference"], "scale": row["scale"]}
    return {**made, **counts, **mark}


def written_docx(frame: pd.DataFrame, file: Path) -> None:
    import docx

    from ..base.aside import write_bytes

    made = docx.Document()
    table = made.add_table(rows=1 + len(frame), cols=1 + len(frame.columns), style="Light List")
    for at, cells in enumerate([["", *frame.columns], *([name, *row] for name, row in zip(frame.index, frame.to_numpy(), strict=True))]):
        for cell, text in zip(table.rows[at].cells, cells, strict=True):
            cell.text = str(text)
    stream = io.BytesIO()
    made.save(stream)
    write_bytes(file, stream.getvalue())
