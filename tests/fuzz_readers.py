"""Spoilt exports for every reader: python tests/fuzz_readers.py [--inputs 100000] [--seed random|N] [--log FILE] [--workers 1]

Each input is a made-up export of one layout and kind of file, spoilt in one to three ways. Reading it must end in an answer in
which every row is accounted for, or in one line (InputError): no other exception, no personal value in the line, nothing left
on the disk, within SECONDS and MEMORY; where Python's csv module can parse a text as it stands, its records are the rows told. An input
that ends the process is a finding of its own.
"""

import argparse
import collections
import copy
import csv
import gzip
import io
import json
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import unicodedata
import zipfile
from multiprocessing.pool import ThreadPool
from pathlib import Path
from xml.sax.saxutils import escape

import xlwt
from made_ods import cell as opendocument_cell
from made_ods import row as opendocument_row
from made_ods import sheets as opendocument
from opened import sheet_rows
from seeds import seed as seed_of

sys.path[:0] = [str(Path(__file__).parent.parent)]
from hgdx_eval.base.errors import InputError  # noqa: E402
from hgdx_eval.base.private_folder import MARK, base  # noqa: E402
from hgdx_eval.read.database import connect, literal  # noqa: E402
from hgdx_eval.vietnam.check_export import check_file  # noqa: E402
from hgdx_eval.vietnam.layouts import reader, summary_layouts  # noqa: E402
from hgdx_eval.vietnam.made_up_world import simulate  # noqa: E402

SECONDS = 20
MEMORY = 1_000  # MB at the most of the process that reads, whose own libraries and corpus take some 250
CANARY = "Nguyễn Thị Bí Mật"
NASTY = ["", " ", "\0", "=1+1", "-1", "1e999", "999999999999999999999999", "NaN", "null", "Tổng số", "\u202eabc", "\x1b[31m", "<script>alert(1)</script>",
         "../../etc/passwd", "31/02/2023", "2023-13-45", "45108.5", "0", '"', "'", "a" * 5000, "\ud7ff", "Có\nKhông", ";;;", ",,,", "\t", "１２",
         CANARY, unicodedata.normalize("NFD", "Ngày tiếp nhận"), "Mã hồ sơ", "(1)", "1.234,5", "100%", "{}", "[]", "%s%n", "🙂", "-0", "+5"]  # fmt: skip


def corpus(folder: Path) -> list[tuple[str, Path]]:
    """(layout, file) of small made-up exports, the personal columns holding the canary."""
    found = []
    for layout in ["opencps_dossiers", "opencps_fees", *summary_layouts()]:
        kinds = {"opencps_dossiers": (".csv", ".xlsx"), "opencps_fees": ("",)}.get(layout) or (
            ("",) if getattr(reader(layout), "ONE_MONTH_A_FILE", False) else getattr(reader(layout), "WRITTEN", reader(layout).SUFFIXES)
        )
        for kind in kinds:
            out = folder / f"{layout}-2023-07{kind}"
            simulate(out, dossiers=80, layout=layout)
            files = sorted(out.glob("*.*"))[:1] + sorted(out.glob("le_phi.csv")) if out.is_dir() else [out]
            found += [(layout, file) for file in files if not file.name.endswith((".fees.csv", ".truth.csv", ".payments.csv"))]
    texts = [path for _, path in found if path.suffix == ".csv"]
    for path in texts:
        body = path.read_text(encoding="utf-8-sig")
        head, _, rest = body.partition("\n")
        path.write_text(head + "\n" + rest.replace("NGƯỜI MÔ PHỎNG", CANARY), encoding="utf-8-sig")
    for layout in ("opencps_dossiers", "opencps_monthly"):
        if (sheet := folder / f"{layout}-2023-07.xlsx").is_file():
            found.append((layout, old_workbook(sheet)))
    with_canary(folder / "opencps_dossiers-2023-07.xlsx")
    dossiers = folder / "opencps_dossiers-2023-07.csv"
    table = folder / "opencps_dossiers-2023-07.parquet"
    connect(dossiers, table).execute(f"COPY (FROM read_csv({literal(str(dossiers))}, header=true, all_varchar=true)) TO {literal(str(table))} "
                                     "(FORMAT parquet, USE_TMP_FILE false)")  # fmt: skip
    real = Path(__file__).parent.parent.parent / "shared" / "data" / "portal" / "chi_so_766_2025-10.xlsx"
    return [*found, ("opencps_dossiers", table), *other_kinds(dossiers), *([("portal_766", real)] if real.is_file() else [])]


def other_kinds(path: Path) -> list[tuple[str, Path]]:
    """The dossier list of a text in every other kind of file."""
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    made = {
        ".csv.gz": gzip.compress(path.read_bytes()), "-page.xls": page_of(rows), "-2003.xls": spreadsheetml_of(rows),
        ".ndjson": "\n".join(json.dumps(dict(zip(rows[0], row)), ensure_ascii=False) for row in rows[1:]).encode(),
    }  # fmt: skip
    found = [path.with_name(path.stem + name) for name in (*made, ".zip", ".ods")]
    for target, content in zip(found, made.values()):
        target.write_bytes(content)
    with zipfile.ZipFile(found[-2], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", path.read_bytes())
    opendocument(found[-1], ("S", "seen", "".join(opendocument_row(*map(opendocument_cell, map(escape, row))) for row in rows)))
    return [("opencps_dossiers", target) for target in found]


def page_of(rows: list[list[str]]) -> bytes:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<html><head><meta charset='utf-8'></head><body><table>{body}</table></body></html>".encode()


def spreadsheetml_of(rows: list[list[str]]) -> bytes:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    body = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{escape(cell)}</Data></Cell>' for cell in row) + "</Row>" for row in rows
    )
    return (f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="S"><Table>{body}</Table></Worksheet>'
            "</Workbook>").encode()  # fmt: skip


def with_canary(path: Path) -> None:
    """The same workbook, whose personal columns hold the canary."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name).replace("NGƯỜI MÔ PHỎNG".encode(), CANARY.encode()) for name in old.namelist()}
    assert any(CANARY.encode() in part for part in parts.values())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in parts.items():
            new.writestr(name, part)


def old_workbook(path: Path) -> Path:
    """The same as .xls, the canary in its personal columns."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("S")
    for i, row in enumerate(sheet_rows(path)):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell.replace("NGƯỜI MÔ PHỎNG", CANARY))
    book.save(str(path.with_suffix(".xls")))
    return path.with_suffix(".xls")


def spoil_bytes(rng: random.Random, data: bytes) -> bytes:
    """Bits flipped, pieces cut out, doubled, swapped or replaced, the end cut off."""
    data, at = bytearray(data), rng.randrange(max(len(data), 1))
    length = rng.choice([1, 2, 7, 100, 5000])
    way = rng.randrange(6)
    if way == 0:
        for _ in range(rng.choice([1, 3, 30])):
            place = rng.randrange(max(len(data), 1))
            data[place : place + 1] = bytes([rng.randrange(256)])
    elif way == 1:
        del data[at : at + length]
    elif way == 2:
        data[at:at] = data[at : at + length] * rng.choice([1, 2, 50])
    elif way == 3:
        data[at:] = b""
    elif way == 4:
        data[at:at] = rng.choice(NASTY).encode("utf-8", "surrogatepass")
    else:
        data[at : at + length] = bytes(rng.randrange(256) for _ in range(length))
    return bytes(data)


def spoil_text(rng: random.Random, data: bytes) -> bytes:
    """Cells, columns and rows of a CSV replaced, dropped, doubled, swapped; other delimiters, quotes, encodings."""
    lines = data.decode("utf-8-sig", "replace").split("\n")
    way, at = rng.randrange(10), rng.randrange(len(lines))
    if way <= 2:
        for _ in range(rng.choice([1, 5, 40])):
            at = rng.randrange(len(lines))
            cells = lines[at].split(",")
            cells[rng.randrange(len(cells))] = rng.choice(NASTY)
            lines[at] = ",".join(cells)
    elif way == 3:
        lines[at:at] = [lines[rng.randrange(len(lines))]] * rng.choice([1, 3, 200])
    elif way == 4:
        column = rng.randrange(1 + lines[0].count(","))
        lines = [",".join(cell for i, cell in enumerate(line.split(",")) if i != column) for line in lines]
    elif way == 5:
        rng.shuffle(lines)
    elif way == 6:
        lines = [line.replace(",", rng.choice([";", "\t", "|", ",,", '","'])) for line in lines]
    elif way == 7:
        place = rng.choice([0, *(i + 1 for i, letter in enumerate(lines[at]) if letter == ",")])
        lines[at] = lines[at][:place] + '"' + lines[at][place:]
    elif way == 8:
        lines[0] = near_miss(rng, lines[0])
    else:
        text = unicodedata.normalize(rng.choice(["NFC", "NFD"]), "\n".join(lines))
        return text.encode(rng.choice(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1258", "latin-1"]), "replace")
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def near_miss(rng: random.Random, header: str) -> str:
    """A header as somebody may have typed it: a letter lost, doubled or swapped, other case, spaces, marks, Unicode form."""
    names = header.split(",")
    for _ in range(rng.choice([1, 2, 5])):
        i = rng.randrange(len(names))
        name = names[i]
        at = rng.randrange(len(name) + 1)
        names[i] = rng.choice([name[:at] + name[at + 1 :], name[:at] + name[at - 1 : at] + name[at:], name.upper(), f" {name}\xa0", f"{name} (*)",
                               f'"{name}\n"', unicodedata.normalize("NFD", name), names[rng.randrange(len(names))],
                               "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))])  # fmt: skip
    return ",".join(names)


def spoil_zip(rng: random.Random, data: bytes) -> bytes:
    """Parts of a workbook spoilt, dropped, doubled; the archive whole again."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            victim = rng.choice(names or [""])  # spoilt before, an archive may be empty
            for name in names:
                part = old.read(name)
                if name == victim:
                    if rng.random() < 0.15:
                        continue
                    text = part.decode("utf-8", "replace")
                    if rng.random() < 0.6 and '="' in text:
                        at = rng.choice([i for i in range(len(text)) if text.startswith('="', i)])
                        text = text[: at + 2] + rng.choice([*NASTY, "A1:XFD1048576", "XFD1048576", "99999999", "-5"]) + text[at + 2 :]
                        part = text.encode("utf-8", "surrogatepass")
                    else:
                        part = spoil_bytes(rng, part)
                new.writestr(name, part)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, zipfile.zlib.error, EOFError):
        return spoil_bytes(rng, data)
    return out.getvalue()


def spoil_gzip(rng: random.Random, data: bytes) -> bytes:
    """The text inside spoilt, and packed again."""
    try:
        return gzip.compress(spoil_text(rng, gzip.decompress(data)))
    except (OSError, EOFError, zipfile.zlib.error):  # spoilt before
        return spoil_bytes(rng, data)


def spoil_json(rng: random.Random, data: bytes) -> bytes:
    """Values of a JSON tree replaced, keys renamed or dropped, branches nested."""
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return spoil_bytes(rng, data)
    values = [None, 0, -1, 1e300, True, [], {}, [[]], *NASTY]
    for _ in range(rng.choice([1, 3, 20])):
        node = tree
        while isinstance(node, (list, dict)) and node:
            key = rng.randrange(len(node)) if isinstance(node, list) else rng.choice(list(node))
            below = node[key]
            if not isinstance(below, (list, dict)) or not below or rng.random() < 0.2:
                if rng.random() < 0.2 and isinstance(node, dict):
                    node[rng.choice(["", "x", "answer", "data", "THANG"])] = node.pop(key)
                else:
                    node[key] = copy.deepcopy(rng.choice(values))
                break
            node = below
    return json.dumps(tree, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def spoilt(rng: random.Random, path: Path) -> bytes:
    data = path.read_bytes()
    own = {".csv": spoil_text, ".xlsx": spoil_zip, ".json": spoil_json, ".ods": spoil_zip, ".zip": spoil_zip, ".gz": spoil_gzip}.get(
        path.suffix, spoil_bytes
    )
    for _ in range(rng.choice([1, 1, 2, 3])):
        data = own(rng, data) if rng.random() < 0.75 else spoil_bytes(rng, data)
    return data


class TooLong(BaseException):
    pass


def too_long(begun: float) -> str:
    """`begun`: processor seconds; little since then is a computer that others use, or a process that waits for itself."""
    return f"longer than {SECONDS} s, {time.process_time() - begun:.1f} s of them at work"


def read(path: Path, personal: bool) -> str:
    """ "read" or "refused"; raises AssertionError for what must not be. `personal`: the layout holds personal data; a summary's names
    are agencies, whatever is written there."""
    before = sorted(path.parent.iterdir())
    try:
        found = check_file(path, None)
    except InputError as error:
        said = str(error)
        assert len(said.splitlines()) == 1, f"not one line: {said!r}"
        assert len(said) < 1_000, f"a line of {len(said)} characters"
        assert not personal or "Bí Mật" not in unicodedata.normalize("NFC", said), f"a personal value: {said!r}"
        answer = "refused"
    else:
        told = sum(item["rows"] for item in found["rejected"])
        assert found["rows"] == found["accepted"] + told, f"{found['rows']} rows, {found['accepted']} accepted, {told} rejected"
        assert not personal or "Bí Mật" not in json.dumps(found, ensure_ascii=False), "a personal value in the answer"
        records = plain_records(path, needed_headers(found["layout"])) if found["layout"] in ("opencps_dossiers", "opencps_fees") else None
        assert records is None or found["rows"] in records, f"{found['rows']} rows told of {records}"
        answer = "read"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    assert peak < MEMORY, f"{peak} MB of memory"
    assert sorted(path.parent.iterdir()) == before, "something was written beside the export"
    return answer


def needed_headers(layout: str) -> set[str]:
    """The first name of every column that a layout cannot do without."""
    return {reader(layout).HEADERS[name][0] for name in reader(layout).NEEDED}


def plain_records(path: Path, header: set[str]) -> set[int] | None:
    """How many rows a plain text (UTF-8, commas, the `header` first) has below the header, as Python's csv module counts them: those
    with any text (Python reads the file), or those of spaces or separators alone too (the database does); None for any other file."""
    if path.suffix != ".csv":
        return None
    try:
        rows = [row for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True) if row]
    except (csv.Error, UnicodeDecodeError):
        return None
    if not (rows and header <= set(rows[0])):
        return None
    return {sum(bool("".join(row).strip()) for row in rows) - 1, len(rows) - 1}


def one(seed: int, number: int, files: list[tuple[str, Path]], folder: Path) -> tuple[str, str, str]:
    """(layout and kind, answer, finding) of one input; the same for the same seed and number."""
    rng = random.Random(f"{seed}-{number}")
    layout, path = files[rng.randrange(len(files))]
    target = folder / path.name
    target.write_bytes(spoilt(rng, path))

    def stop(signal_number: int, frame: object) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    begun = time.process_time()
    try:
        answer, finding = read(target, layout.startswith("opencps") and layout not in summary_layouts()), ""
    except TooLong:
        answer, finding = "finding", too_long(begun)
    except BaseException as error:  # every kind is a finding, a panic of a library too
        if isinstance(error, KeyboardInterrupt):
            raise
        late = str(error) == "Query interrupted"  # the database forgets by whom
        answer, finding = "finding", too_long(begun) if late else f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.alarm(0)
        target.unlink(missing_ok=True)
    return f"{layout}{path.suffix}", answer, finding


def part(work: tuple[int, range, list]) -> tuple[collections.Counter, list[str]]:
    """Inputs one after the other in a process of its own, begun anew behind an input that ended it."""
    seed, numbers, files = work
    counts, findings = collections.Counter(), []
    numbers = list(numbers)
    while numbers:
        mine, other = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(target=several, args=(seed, numbers, files, other))
        process.start()
        other.close()
        try:
            for _ in range(len(numbers)):
                if not mine.poll(5 * SECONDS):  # no alarm reaches what does not come back to Python
                    process.kill()
                kind, answer, finding = mine.recv()
                number = numbers.pop(0)
                counts[kind, answer] += 1
                findings += [f"input {number} ({kind}): {finding}"] if finding else []
        except EOFError:  # nobody is left to answer
            process.join()
            number = numbers.pop(0)
            counts["", "finding"] += 1
            findings.append(f"input {number}: the process died ({process.exitcode})")
        process.join()
    return counts, findings


def several(seed: int, numbers: list[int], files: list, answers: object) -> None:
    with tempfile.TemporaryDirectory(prefix="hgdx-fuzz-") as folder:
        for number in numbers:
            answers.send(one(seed, number, files, Path(folder)))


def fuzz(numbers: range, seed: int, workers: int = 1) -> tuple[collections.Counter, list[str]]:
    """(how many inputs of each kind were read and refused, what must not be)."""
    with tempfile.TemporaryDirectory(prefix="hgdx-corpus-") as folder:
        files = corpus(Path(folder))
        works = [(seed, numbers[start : start + 250], files) for start in range(0, len(numbers), 250)]
        if workers == 1:
            parts = list(map(part, works))
        else:
            with ThreadPool(workers) as pool:
                parts = pool.map(part, works, chunksize=1)
    left = [path.name for path in base().iterdir() if path.name != MARK]
    findings = [finding for _, found in parts for finding in found] + [f"left behind: {name}" for name in left]
    return sum((counts for counts, _ in parts), collections.Counter()), findings


def summary(counts: collections.Counter) -> list[str]:
    kinds = sorted({kind for kind, _ in counts})
    return [
        f"{kind:28} read {counts[kind, 'read']:7,}  refused {counts[kind, 'refused']:7,}  findings {counts[kind, 'finding']:5,}"
        for kind in kinds
    ]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=seed_of, default="random")
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--log", type=Path)
    given = options.parse_args()
    begun = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    counts, findings = fuzz(range(given.inputs), given.seed, given.workers)
    lines = [f"seed {given.seed}, {given.inputs:,} inputs, {time.monotonic() - begun:.0f} s", *summary(counts), *findings]
    print("\n".join(lines))
    if given.log:
        given.log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
