"""The OpenCPS fee detail: one row a payment, by dossier number; who paid and where they live is never looked at.

It is no panel of its own: beside a dossier list, in one folder, it says what was really paid for each dossier. Dossier
numbers are hashed where they are read and never leave.
"""

from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..files import Opening, RawTable, find_header, header_key, open_table
from . import TOTAL_WORDS, need_columns
from .opencps_dossiers import DATE_FORMS

HEADERS = {
    "dossier": ("Mã hồ sơ",),
    "paid_on": ("Ngày thu",),
    "fee": ("Lệ phí", "paymentFee"),
    "charge": ("Phí", "paymentAmount"),
    "total": ("Tổng", "Tổng cộng", "Tổng số tiền"),
}
COLUMNS = ("Mã hồ sơ", "Người đăng ký", "Địa chỉ người nộp", "Ngày thu", "Lệ phí", "Phí", "Tổng", "Diễn giải")
NEEDED = ("dossier", "paid_on", "fee", "charge", "total")


def recognise(opening: Opening) -> bool:
    """True where a header holds every needed column."""
    names = {header_key(header): name for name, headers in HEADERS.items() for header in headers}
    return set(NEEDED) <= set(find_header(opening.rows, names)[2])


def amount_sql(column: str) -> str:
    """VND of a text, thousands grouped or not, with or without the unit; 0 where empty, NULL where unreadable."""
    plain = f"trim(regexp_replace(lower({column}), '\\s*(đồng|vnđ|vnd|đ)$', ''))"
    return (f"CASE WHEN {column} IS NULL THEN 0 "
            f"WHEN regexp_full_match({plain}, '\\d{{1,12}}([.,]0{{1,2}})?|\\d{{1,3}}([., ]\\d{{3}}){{1,3}}') "
            f"THEN CAST(regexp_replace(regexp_replace({plain}, '[.,]0{{1,2}}$', ''), '[., ]', '', 'g') AS BIGINT) END")  # fmt: skip


def open_payments(path: Path) -> RawTable:
    """The export with a view `payments`: row, dossier (hash), day, amount (VND), reason (why a row is left out, else NULL).

    Raises InputError where the header is not this layout's, and what `open_table` raises.
    """
    raw = open_table(path, HEADERS)
    need_columns(raw, HEADERS, NEEDED, path.name, "opencps_fees")
    forms = "[" + ", ".join(f"'{form}'" for form in DATE_FORMS) + "]"
    raw.con.execute(f"""CREATE VIEW payments AS
        WITH typed AS (
          SELECT row, hash(dossier) AS dossier, dossier IS NULL AS nameless,
            regexp_matches(lower(coalesce(dossier, '')), '^({"|".join(TOTAL_WORDS)})') OR
              (dossier IS NULL AND paid_on IS NULL) AS is_total,
            coalesce(CAST(TRY_STRPTIME(paid_on, {forms}) AS DATE), DATE '1900-01-01') AS day, total IS NOT NULL AS told,
            {amount_sql("fee")} AS fee, {amount_sql("charge")} AS charge, {amount_sql("total")} AS total FROM raw)
        SELECT row, dossier, day, fee + charge AS amount, CASE WHEN is_total THEN 'total_row'
            WHEN nameless THEN 'no_dossier_number' WHEN fee IS NULL OR charge IS NULL OR total IS NULL THEN 'unreadable_amount'
            WHEN told AND total != fee + charge THEN 'parts_differ' END AS reason
        FROM typed""")
    return raw


def read_payments(paths: list[Path]) -> tuple[pd.DataFrame, dict[str, int]]:
    """(one row per dossier: dossier (hash), paid (VND), lines; rows left out by reason).

    A dossier may have several payments; one told by two files (same day, same amount) counts once.
    Raises InputError like `open_payments`, and for a row that does not fit the header.
    """
    parts, noted = [], {}
    for path in paths:
        raw = open_payments(path)
        if raw.broken:
            raise InputError(f"{path.name}: row {raw.broken[0]} has more cells than the header")
        parts.append(raw.con.sql("""SELECT dossier, day, amount, count(*) AS lines FROM payments WHERE reason IS NULL
                                    GROUP BY ALL ORDER BY ALL""").df())  # fmt: skip
        for reason, rows in raw.con.sql("SELECT reason, count(*) FROM payments WHERE reason IS NOT NULL GROUP BY reason").fetchall():
            noted[reason] = noted.get(reason, 0) + rows
        raw.con.close()
    lines = pd.concat(parts, ignore_index=True).groupby(["dossier", "day", "amount"], as_index=False)["lines"].max()
    lines["paid"] = lines["amount"] * lines["lines"]
    return lines.groupby("dossier", as_index=False)[["paid", "lines"]].sum(), noted
