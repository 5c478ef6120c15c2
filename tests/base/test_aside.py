"""Files appear whole or not at all, and never through what somebody else put in their way."""

import os
import re
import stat
from pathlib import Path

import pytest

from hgdx_eval.base import aside
from hgdx_eval.base.aside import new_file, sweep, write_bytes, write_text

PACKAGE = Path(aside.__file__).parent.parent


@pytest.mark.parametrize("way", ["link", "file", "hard link", "folder of that name's .part"])
def test_what_lies_in_the_way_is_replaced_or_passed_by_and_never_followed(tmp_path, way):
    victim, target = tmp_path / "victim", tmp_path / "out" / "x.csv"
    victim.write_text("of its user", encoding="utf-8")
    target.parent.mkdir()
    if way == "link":
        target.symlink_to(victim)
    elif way == "hard link":
        target.hardlink_to(victim)
    elif way == "file":
        target.write_text("old", encoding="utf-8")
    else:
        (target.parent / "x.csv.part").mkdir()
    for name in ("x.csv.part", ".x.csv.new", ".x.csv.1"):
        if not (target.parent / name).exists():
            (target.parent / name).symlink_to(victim)
    write_text(target, "mới\n")
    assert target.read_text(encoding="utf-8") == "mới\n" and not target.is_symlink()
    assert victim.read_text(encoding="utf-8") == "of its user"


def test_a_name_that_was_guessed_is_not_opened(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("of its user", encoding="utf-8")
    monkeypatch.setattr(aside.secrets, "token_hex", lambda n: "0" * 2 * n)
    for plant in (
        lambda path: path.symlink_to(victim),
        lambda path: path.symlink_to(tmp_path / "nowhere"),
        lambda path: path.write_text("x"),
    ):
        plant(tmp_path / ".hgdx-0000000000000000.new")
        with pytest.raises(FileExistsError) as refused:
            write_bytes(tmp_path / "x", b"new")
        assert refused.value.filename == str(tmp_path / "x") and not (tmp_path / "x").exists() and not (tmp_path / "nowhere").exists()
        (tmp_path / ".hgdx-0000000000000000.new").unlink(missing_ok=True)
    assert victim.read_text(encoding="utf-8") == "of its user"


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "x", "old")
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "x") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["x"] and (tmp_path / "x").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(("private", "mode"), [(False, 0o640), (True, 0o600)])
def test_a_private_file_is_of_its_user_alone_whatever_was_there_and_others_follow_the_umask(tmp_path, private, mode):
    (tmp_path / "x").write_text("old", encoding="utf-8")
    (tmp_path / "x").chmod(0o666)
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "x", "new", private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


def test_only_what_a_killed_command_left_is_swept(tmp_path):
    left, kept = (
        tmp_path / f".hgdx-{'0' * 16}.new",
        [tmp_path / name for name in (".mine.new", f".hgdx-{'0' * 15}.new", "x.part", f".hgdx-{'1' * 16}.new")],
    )
    left.write_text("half", encoding="utf-8")
    for path in kept[:3]:
        path.write_text("of its user", encoding="utf-8")
    kept[3].mkdir()
    sweep(tmp_path)
    assert not left.exists() and all(path.exists() for path in kept)


WRITES = re.compile(r"""\.write_(?:text|bytes)\(|os\.(?:open|fdopen|replace|rename)\(|\bopen\("?[wxa]|mkstemp|mkdtemp|Named\w+|TemporaryDirectory"""
                    r"""|\.to_(?:csv|parquet|json|excel)\((?!index=|\))""")  # fmt: skip
BESIDES = {  # into a private folder, the folder being built, or nothing at all
    "cli": ["os.open("], "notebooks": [".write_text(", ".write_text(", ".write_bytes(", ".write_bytes("], "verify": [".write_text("], "memo": ["NamedTemporaryFile", "os.replace("],
    "prune": ["os.rename(", "os.rename("], "run_folders": ["os.rename(", "os.rename(", "os.open(", "os.replace("], "private_folder": ["os.open("],
    "garbled": ['open("x'], "packed": ['open("x'], "parent": ["os.open(", "os.fdopen(", "os.open("], "pool": ['open("w'], "aside": ["os.fdopen(", "os.open(", "os.replace("],
    "of_frame": [".to_csv("],
}  # fmt: skip


def test_every_file_is_written_by_the_one_function():
    """Whatever else writes or renames is listed above: a new place is looked at before it is added."""
    found = {file.stem: WRITES.findall(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}
    assert {module: calls for module, calls in found.items() if calls} == BESIDES
