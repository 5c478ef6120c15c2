"""SHA-256 of files; those of big files are remembered in the user's private state as long as the file is the same to the system."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from platformdirs import user_state_path

from .aside import write_text
from .machine import reading
from .origin import sha256_of

BIG = 8 << 20  # bytes: less is hashed faster than looked up
MOST = 500  # files remembered


def digest(value: object) -> str:
    """Hex SHA-256 of a value that JSON holds, whatever the order of its keys."""
    return sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """Hex SHA-256 of a file's bytes; of a big one remembered by path, size, time of change (ns) and inode. Raises InputError where
    it may not be read."""
    with reading(path):
        seen = path.stat()
    if seen.st_size < BIG:
        return sha256_of(path)
    key = sha256_key(path, seen)
    known = remembered_hashes()
    if key not in known:
        known = {**dict(list(known.items())[1 - MOST :]), key: sha256_of(path)}
        if sha256_key(path, path.stat()) == key:
            remember_hashes(known)
    return known[key]


def sha256_key(path: Path, seen: os.stat_result) -> str:
    return f"{path.resolve()}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ctime_ns}|{seen.st_ino}|{seen.st_dev}"


def hashes_file() -> Path:
    return user_state_path("hgdx_eval") / "hashes.json"


def remembered_hashes() -> dict[str, str]:
    try:
        found = json.loads(hashes_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember_hashes(known: dict[str, str]) -> None:
    """Best effort, mode 0600, whole or not at all: without it a file is read again."""
    with suppress(OSError):
        hashes_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(hashes_file(), json.dumps(known), private=True)
