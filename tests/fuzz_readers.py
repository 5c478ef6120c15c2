"""Spoilt exports for every reader: python tests/fuzz_readers.py [--inputs 100000] [--seed N] [--log FILE] [--workers 1]

Each input is a made-up export of one layout and kind of file, spoilt in one to three ways. Reading it must end in an answer in
which every row is accounted for, or in one line (InputError): no other exception, no personal value in the line, nothing left
on the disk, within SECONDS.
"""

import argparse
import collections
import copy
import io
import json
import multiprocessing
import random
import signal
import sys
import tempfile
import time
import unicodedata
import zipfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]
from hgdx_eval.check import check_file  # noqa: E402
from hgdx_eval.errors import InputError  # noqa: E402
from hgdx_eval.files import connect, literal  # noqa: E402
from hgdx_eval.readers import reader, summary_layouts  # noqa: E402
from hgdx_eval.synth import simulate  # noqa: E402
from hgdx_eval.workfolder import base  # noqa: E402

SECONDS = 20
CANARY = "Nguyễn Thị Bí Mật"
NASTY = ["", " ", "\0", "=1+1", "-1", "1e999", "999999999999999999999999", "NaN", "null", "Tổng số", "\u202eabc", "\x1b[31m", "<script>alert(1)</script>",
         "../../etc/passwd", "31/02/2023", "2023-13-45", "45108.5", "0", '"', "'", "a" * 5000, "\ud7ff", "Có\nKhông", ";;;", ",,,", "\t", "１２",
         CANARY, unicodedata.normalize("NFD", "Ngày tiếp nhận"), "Mã hồ sơ", "(1)", "1.234,5", "100%", "{}", "[]", "%s%n", "🙂", "-0", "+5"]  # fmt: skip


def corpus(folder: Path) -> list[tuple[str, Path]]:
    """(layout, file) of small made-up exports, the personal columns holding the canary."""
    found = []
    for layout in ["opencps_dossiers", "opencps_fees", *summary_layouts()]:
        kinds = {"opencps_dossiers": (".csv", ".xlsx"), "opencps_fees": ("",)}.get(layout) or (
            ("",) if getattr(reader(layout), "ONE_MONTH_A_FILE", False) else getattr(reader(layout), "WRITTEN", reader(layout).SUFFIXES))
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
    dossiers = folder / "opencps_dossiers-2023-07.csv"
    table = folder / "opencps_dossiers-2023-07.parquet"
    connect(dossiers, table).execute(f"COPY (FROM read_csv({literal(str(dossiers))}, header=true, all_varchar=true)) TO {literal(str(table))} "
                                     "(FORMAT parquet, USE_TMP_FILE false)")  # fmt: skip
    real = Path(__file__).parent.parent.parent / "shared" / "data" / "portal" / "chi_so_766_2025-10.xlsx"
    return [*found, ("opencps_dossiers", table), *([("portal_766", real)] if real.is_file() else [])]


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
    way, at = rng.randrange(9), rng.randrange(len(lines))
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
        lines[at] = '"' + lines[at]
    else:
        text = unicodedata.normalize(rng.choice(["NFC", "NFD"]), "\n".join(lines))
        return text.encode(rng.choice(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1258", "latin-1"]), "replace")
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def spoil_zip(rng: random.Random, data: bytes) -> bytes:
    """Parts of a workbook spoilt, dropped, doubled; the archive whole again."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            names = old.namelist()
            victim = rng.choice(names)
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
    own = {".csv": spoil_text, ".xlsx": spoil_zip, ".json": spoil_json}.get(path.suffix, spoil_bytes)
    for _ in range(rng.choice([1, 1, 2, 3])):
        data = own(rng, data) if rng.random() < 0.75 else spoil_bytes(rng, data)
    return data


class TooLong(BaseException):
    pass


def read(path: Path, personal: bool) -> str:
    """"read" or "refused"; raises AssertionError for what must not be. `personal`: the layout holds personal data; a summary's names
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
        answer = "read"
    assert sorted(path.parent.iterdir()) == before, "something was written beside the export"
    return answer


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
    try:
        answer, finding = read(target, layout.startswith("opencps") and layout not in summary_layouts()), ""
    except TooLong:
        answer, finding = "finding", f"longer than {SECONDS} s"
    except Exception as error:  # every kind is a finding
        late = str(error) == "Query interrupted"  # the database forgets by whom
        answer, finding = "finding", f"longer than {SECONDS} s" if late else f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.alarm(0)
        target.unlink(missing_ok=True)
    return f"{layout}{path.suffix}", answer, finding


def part(work: tuple[int, range, list]) -> tuple[collections.Counter, list[str]]:
    seed, numbers, files = work
    counts, findings = collections.Counter(), []
    with tempfile.TemporaryDirectory(prefix="hgdx-fuzz-") as folder:
        for number in numbers:
            kind, answer, finding = one(seed, number, files, Path(folder))
            counts[kind, answer] += 1
            findings += [f"input {number} ({kind}): {finding}"] if finding else []
    return counts, findings


def fuzz(inputs: int, seed: int, workers: int = 1) -> tuple[collections.Counter, list[str]]:
    """(how many inputs of each kind were read and refused, what must not be)."""
    with tempfile.TemporaryDirectory(prefix="hgdx-corpus-") as folder:
        files = corpus(Path(folder))
        works = [(seed, range(start, min(start + 250, inputs)), files) for start in range(0, inputs, 250)]
        if workers == 1:
            parts = list(map(part, works))
        else:
            with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=8) as pool:
                parts = pool.map(part, works, chunksize=1)
    left = [str(path.name) for path in base().iterdir()] if base().is_dir() else []
    findings = [finding for _, found in parts for finding in found] + [f"left behind: {name}" for name in left]
    return sum((counts for counts, _ in parts), collections.Counter()), findings


def summary(counts: collections.Counter) -> list[str]:
    kinds = sorted({kind for kind, _ in counts})
    return [f"{kind:28} read {counts[kind, 'read']:7,}  refused {counts[kind, 'refused']:7,}  findings {counts[kind, 'finding']:5,}" for kind in kinds]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--inputs", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--log", type=Path)
    given = options.parse_args()
    begun = time.monotonic()
    print(f"seed {given.seed}", flush=True)
    counts, findings = fuzz(given.inputs, given.seed, given.workers)
    lines = [f"seed {given.seed}, {given.inputs:,} inputs, {time.monotonic() - begun:.0f} s", *summary(counts), *findings]
    print("\n".join(lines))
    if given.log:
        given.log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
