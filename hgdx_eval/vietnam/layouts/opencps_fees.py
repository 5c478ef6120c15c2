"""The OpenCPS fee detail: one row a payment, by dossier number; who paid and where they live is never looked at.

It is no panel of its own: beside a dossier list, in one folder or named LIST.payments.csv, it says what was really paid for
each dossier. Dossier numbers are hashed where they are read and never leave. How a fee was paid stands, if anywhere, in the
free text "Diễn giải": only the words of ONLINE_WORDS and COUNTER_WORDS, alone but for a full stop or something in brackets,
are understood; of any other text the channel is not known.
"""

import duckdb

from ...base.errors import InputError
from ...base.safe_text import header_key
from ...read.database import nfc
from ...read.headers import find_header
from ...read.spool import keyed
from ...read.tables import Opening
from ..dossier_dates import DAY_FIRST, day_sql, first_form
from . import TOTAL_WORDS
from .opencps_dossiers import either, one_of

HEADERS = {
    "dossier": ("Mã hồ sơ",),
    "paid_on": ("Ngày thu",),
    "fee": ("Lệ phí", "paymentFee"),
    "charge": ("Phí", "paymentAmount"),
    "total": ("Tổng", "Tổng cộng", "Tổng số tiền"),
    "note": ("Diễn giải",),
}
ONLINE_WORDS = ("thanh toán trực tuyến", "nộp trực tuyến", "nộp phí trực tuyến", "nộp lệ phí trực tuyến", "thu trực tuyến",
                "thanh toán qua cổng dịch vụ công quốc gia", "thanh toán trên cổng dịch vụ công quốc gia")  # fmt: skip
COUNTER_WORDS = ("nộp tại quầy", "thanh toán tại quầy", "thu tại quầy", "nộp trực tiếp", "thanh toán trực tiếp", "thu trực tiếp",
                 "nộp tiền mặt", "thanh toán tiền mặt", "thanh toán bằng tiền mặt", "thu tiền mặt")  # fmt: skip
LEAST_PAYMENT = 500  # VND: nobody pays less, so that a payment in thousands is seen
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


def only(column: str, words: tuple[str, ...]) -> str:
    """SQL: whether a text is one of `words` and nothing else, but for a full stop or something in brackets."""
    plain = f"trim(regexp_replace(lower({column}), '\\s*(\\([^()]*\\))?\\s*[.;]?\\s*$', ''))"
    return f"{plain} IN {one_of(words)}"


def kept(con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], file: str) -> str:
    """SQL over a spool's relation `text`, one row per row of the file: place, dossier (keyed hash), day, amount (VND), paid_online
    (NULL where the file does not say), fault (why a row is left out, else NULL).

    Raises InputError where the header is not this layout's.
    """
    if missing := [HEADERS[column][0] for column in NEEDED if column not in columns]:
        raise InputError(f"{file}: no known header: the columns {', '.join(missing)} are missing; "
                         f"opencps_fees needs {', '.join(HEADERS[c][0] for c in NEEDED)}")  # fmt: skip
    day = day_sql("paid_on", first_form(con, "paid_on", DAY_FIRST), DAY_FIRST)
    start = f"'^({'|'.join(either(*TOTAL_WORDS))})'"
    said = f"CASE WHEN {only('note', ONLINE_WORDS)} THEN true WHEN {only('note', COUNTER_WORDS)} THEN false END"
    return f"""
    WITH typed AS (
      SELECT place, {nfc("dossier")} AS number, regexp_matches(lower(coalesce(dossier, '')), {start}) OR
          (dossier IS NULL AND paid_on IS NULL) AS is_total,
        coalesce({day}, DATE '1900-01-01') AS day, total IS NOT NULL AS told,
        {amount_sql("fee")} AS fee, {amount_sql("charge")} AS charge, {amount_sql("total")} AS total,
        {said if "note" in columns else "CAST(NULL AS BOOLEAN)"} AS paid_online FROM text)
    SELECT place, {keyed("number")} AS dossier, day, fee + charge AS amount, paid_online, CASE WHEN is_total THEN 'total_row'
      WHEN number IS NULL THEN 'no_dossier_number' WHEN fee IS NULL OR charge IS NULL OR total IS NULL THEN 'unreadable_amount'
      WHEN told AND total != fee + charge THEN 'parts_differ'
      WHEN fee + charge BETWEEN 1 AND {LEAST_PAYMENT - 1} THEN 'small_amount' END AS fault
    FROM typed"""
