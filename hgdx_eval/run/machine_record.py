"""What this user's machine remembers of its runs, outside every published folder (mode 0600)."""

import json
from hashlib import sha256
from pathlib import Path

from platformdirs import user_state_path

from ..base.aside import write_text
from ..base.progress import warn
from ..study.study import Study


def private_record(run_dir: Path) -> Path:
    """Where this user's machine remembers a run's inputs: outside every published folder, mode 0600."""
    receipt = (run_dir / "receipt.json").read_bytes()
    return user_state_path("hgdx_eval") / "runs" / f"{sha256(receipt).hexdigest()[:32]}.json"


def remember_inputs(run_dir: Path, p: Study, file: Path) -> None:
    """Best effort: without it `verify` asks for the data."""
    try:
        path = private_record(run_dir)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(path, json.dumps({"study": p.model_dump(mode="json", exclude_defaults=True), "file": str(file)}), private=True)
    except OSError:
        warn("where the inputs lay could not be remembered: verify will ask for them")
