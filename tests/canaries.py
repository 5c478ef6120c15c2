"""Made-up personal values that no other text holds, exports full of them, and a search that finds them however they are written."""

import base64
import csv
import gzip
import html
import io
import re
import unicodedata
import zipfile
from pathlib import Path
from urllib.parse import unquote_to_bytes

import duckdb
import xlsxwriter

from hgdx_eval.vietnam.layouts.opencps_fees import COLUMNS as FEE_COLUMNS
from hgdx_eval.vietnam.made_up_export import COLUMNS
from hgdx_eval.vietnam.made_up_world import simulate

NAME, PHONE, MAIL, NUMBER, NOTE = "Nguyễn Thị Quỷnhkhướu", "0977135864", "quynhkhuou@thu-kin.vn", "H30.77.31-ZQ", "Bệnhánđặckín"
KEPT = ("Mã thủ tục", "Cơ quan thụ lý", "Ngày gửi", "Ngày tiếp nhận", "Trực tuyến", "Chi tiết nội dung", "Mã hồ sơ")
TEXTS = {"Số điện thoại": PHONE, "Điện thoại liên lạc": "+84 " + PHONE, "Thư điện tử": MAIL, "Ghi chú xử lý": NOTE, "Nội dung": NOTE,
         "Mã hồ sơ gốc": NUMBER, "Diễn giải": NOTE}  # fmt: skip
WRITTEN = (str, str.upper, str.lower, lambda t: unicodedata.normalize("NFD", t), lambda t: unicodedata.normalize("NFD", t.upper()))


def plain(text: str) -> str:
    """Without marks and case, and of ASCII alone, as every token is: every form of one text is the same."""
    return unicodedata.normalize("NFD", text.casefold()).replace("đ", "d").encode("ascii", "ignore").decode()


TOKENS = tuple(plain(word) for word in ("Quỷnhkhướu", PHONE, "thu-kin.vn", NUMBER, NOTE))


def leaks(data: bytes, inside: int = 3) -> set[str]:
    """The tokens that some bytes hold: as text in UTF-8 and UTF-16, escaped for HTML, URLs, JSON or Python, in base64, gzip, zip."""
    texts = [data.decode("utf-8", "replace")]
    if re.search(rb"[0-9A-Za-z]\0[0-9A-Za-z]", data):  # two letters of UTF-16
        texts += [data[i:].decode(f"utf-16-{end}", "replace") for i in (0, 1) for end in ("le", "be")]
    found = {token for text in map(plain, texts) for token in TOKENS if token in text}
    if inside:
        parts, decoded = unpacked(data, texts[0])
        found = found.union(leaks(decoded, 0), *(leaks(part, inside - 1) for part in parts))
    return found


def unpacked(data: bytes, text: str) -> tuple[list[bytes], bytes]:
    """(what is packed or escaped in some bytes, all that could be base64 in them)."""
    parts = []
    if data.startswith(b"\x1f\x8b"):
        return [gzip.decompress(data)], b""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [name.encode() + b" " + archive.read(name) for name in archive.namelist()], b""
    if re.search("%[0-9a-fA-F]{2}", text):
        parts.append(unquote_to_bytes(text))
    if re.search("&#?[0-9a-zA-Z]+;", text):
        parts.append(html.unescape(text).encode("utf-8", "replace"))
    if re.search(r"\\[ux][0-9a-fA-F]{2}", text):
        parts.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text).encode("utf-8", "replace"))
        parts.append(re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), data))
    short = []
    for run in re.findall(r"[A-Za-z0-9+/_-]{12,}", text):
        run = run.replace("-", "+").replace("_", "/")
        for start in range(4) if len(run) < 5_000 else (0,):  # a run may begin in the middle of a group
            piece = base64.b64decode(run[start : start + (len(run) - start) // 4 * 4])
            (parts if piece.startswith((b"\x1f\x8b", b"PK")) else short).append(piece)
    return parts, b"\n".join(short)


def found_in(path: Path) -> set[str]:
    """The same of a file, its name counted, and of a Parquet file's rows and notes."""
    found = leaks(path.read_bytes()) | leaks(path.name.encode(), 0)
    if path.suffix == ".parquet":
        rows = duckdb.sql(f"SELECT * FROM '{path}'").fetchall()
        notes = duckdb.sql(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}')").fetchall()
        found |= leaks(repr((rows, notes)).encode(), 0)
    return found


def everything(*folders: Path) -> dict[str, set[str]]:
    """File -> tokens, of all files that hold one."""
    files = [file for folder in folders if folder.exists() for file in folder.rglob("*") if file.is_file()]
    assert files, "nothing was produced"
    return {str(file): hits for file in files if (hits := found_in(file))}


# --- exports full of them ------------------------------------------------------------------------------------------


def canary(column: str, number: int) -> str:
    return WRITTEN[number % len(WRITTEN)](TEXTS.get(column, f"{NAME} {column}")) + f" {number}"


def export_rows(folder: Path, dossiers: int) -> list[list[str]]:
    """A simulated export's rows, header first, with a canary in every personal cell; dossier numbers are canaries too."""
    simulate(folder / "plain.csv", seed=5, dossiers=dossiers)
    with (folder / "plain.csv").open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    numbers: dict[str, str] = {}
    made = [header]
    for i, row in enumerate(rows):
        cells = dict(zip(header, row, strict=True))
        cells |= {column: canary(column, i) for column in header if column not in KEPT}
        cells["Ghi chú nộp"] = ("Cán bộ nộp thay: " if i % 3 == 0 else "") + canary("Ghi chú nộp", i)
        cells["Mã hồ sơ"] = numbers.setdefault(cells["Mã hồ sơ"], f"{WRITTEN[i % 3](NUMBER)}-{i}")
        made.append([cells[column] for column in header])
    return made


def bad_rows(good: list[str]) -> list[list[str]]:
    """Rows that cannot be used, with canaries where something else belongs."""

    def row(**other: str) -> list[str]:
        told = dict(zip(COLUMNS, good, strict=True)) | {name.replace("_", " "): text for name, text in other.items()}
        return [told[column] for column in COLUMNS]

    return [
        row(Mã_hồ_sơ=f"{NUMBER}-b1", Ngày_tiếp_nhận=f"{NAME} 1/1"), row(Mã_hồ_sơ=f"{NUMBER}-b2", Trực_tuyến=NAME.upper()),
        row(Mã_hồ_sơ=f"{NUMBER}-b3", Ngày_tiếp_nhận=PHONE), row(Mã_hồ_sơ="", Mã_thủ_tục=""), row(Mã_hồ_sơ=f"Tổng số {NAME}"),
        list(COLUMNS), [f"{NUMBER}-b4", NAME, PHONE], [*good[:8], NAME, *good[8:]], [*good, NAME, PHONE],
        [*row(Mã_hồ_sơ=f"{NUMBER}-b5")[:2], *good[3:]], [NAME] * len(COLUMNS),
    ]  # fmt: skip


def payments(rows: list[list[str]]) -> list[list[str]]:
    """The fee detail of a dossier list."""
    return [list(FEE_COLUMNS)] + [[row[0], canary("Người đăng ký", i), canary("Địa chỉ", i), row[12], "20000", "0", "20000", canary("Diễn giải", i)]
                                  for i, row in enumerate(rows[1:])]  # fmt: skip


def write(path: Path, rows: list[list[str]], fees: Path | None = None) -> Path:
    """Rows as CSV, XLSX (canaries in the sheet's name, comments and properties) or Parquet (in its notes)."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    elif path.suffix == ".xlsx":
        with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
            book.set_properties({"title": NAME, "author": MAIL, "comments": NOTE})
            sheet = book.add_worksheet("Quỷnhkhướu")
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
            sheet.write_comment(1, 3, f"{NAME} {PHONE}", {"author": NAME})
            book.add_worksheet("Bệnhánđặckín 2").write(0, 0, NAME)
    else:
        source = write(path.with_suffix(".parquet.csv"), rows)
        told = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(rows[0])))
        names = ", ".join(f'c{i} AS "{name}"' for i, name in enumerate(rows[0]))
        duckdb.execute(f"""COPY (SELECT {names} FROM read_csv('{source}', columns={{{told}}}, header=false, skip=1,
                           auto_detect=false, null_padding=true, ignore_errors=true)) TO '{path}' (FORMAT parquet, KV_METADATA {{made_by: '{NAME}'}})""")  # fmt: skip
        source.unlink()
    if fees is not None:
        (path.parent / (path.name + ".fees.csv")).write_bytes(fees.read_bytes())
    return path
