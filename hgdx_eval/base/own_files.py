"""Where the kit's own files lie: the package; notebooks and parameters beside it in a checkout, inside it where it is installed."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
HOME = PACKAGE.parent  # the checkout, where there is one
SHIPPED = PACKAGE / "shipped"  # copies of the checkout's folders, made when a wheel is built
NAMED_BY = {"params": "HGDX_PARAMS", "notebooks": "HGDX_NOTEBOOKS"}


def working_folder() -> Path | None:
    """The user's own: the current folder or, from its notebooks, the one above, where it holds `params/studies`; None elsewhere."""
    here = Path.cwd()
    return next((folder for folder in (here, here.parent) if (folder / "params" / "studies").is_dir()), None)


def kits_own(name: str) -> Path:
    """The kit's own folder of `params`, `notebooks` or `tutorial`, whatever a working folder holds."""
    return (SHIPPED if SHIPPED.is_dir() else HOME) / name


def own_folders(name: str) -> list[Path]:
    """Where files of `params` or `notebooks` are looked for, first of all where the environment says, and then nowhere else; else in the
    user's working folder, then in the kit's own."""
    if given := os.environ.get(NAMED_BY[name]):
        return [Path(given).absolute()]
    own = kits_own(name)
    working = working_folder()
    return [own] if working is None or working == own.parent or not (working / name).is_dir() else [working / name, own]


def own_file(name: str, *parts: str) -> Path:
    """The first file or folder of that name in `own_folders`; where it would be looked for first, if there is none."""
    places = [folder.joinpath(*parts) for folder in own_folders(name)]
    return next((place for place in places if place.exists()), places[0])
