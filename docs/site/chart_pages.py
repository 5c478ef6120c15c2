"""Every chart that the notebooks draw, by a run of the demonstration on few made-up dossiers, and that run's report as an example."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from code_pages import raw
from repository_pages import listed

DOSSIERS = 40_000
TITLE = re.compile(r'<div class="ft">(.*?)</div>', re.S)
MADE_UP = f"Drawn when this site was built, by a run of the demonstration on {DOSSIERS:,} made-up dossiers: no result for Hậu Giang."
SHOWN = [f"{name}.{lang}.{kind}" for lang in ("vi", "en") for name, kind in (("report", "html"), ("brief", "html"), ("report", "xlsx"))]


def pages(home: Path, work: Path, target: Path) -> dict[str, str]:
    """A page for every notebook that draws a chart: the charts and the cells that draw them. `work`: the folder of runs, in which an
    unchanged one is found again; `target`: where example reports are laid, under `extra/demonstration`."""
    run = demonstration(home, work)
    (target / "extra" / "demonstration").mkdir(parents=True)
    for name in SHOWN:
        shutil.copy(run / name, target / "extra" / "demonstration" / name)
    found = {}
    for file in sorted((run / "notebooks").glob("*.en.ipynb")):
        name, notebook = file.name.partition(".")[0], json.loads(file.read_text(encoding="utf-8"))
        if charts := drawn(notebook):
            found[f"gallery/{name}"] = f"# Charts: {name}\n\n{MADE_UP}\n\n" + "\n".join(charts)
    about = f'{MADE_UP} Every chart is drawn twice, for a phone and for a wide page; `figure.save("chart.png")` or `.svg` takes it out.'
    return found | {"gallery/index": listed("Charts", about, found, "gallery/")}


def demonstration(home: Path, work: Path) -> Path:
    """The folder of a run of the demonstration on few dossiers."""
    command = [sys.executable, "-P", "-m", "hgdx_eval", "run", "demo", "-p", f"dossiers={DOSSIERS}", "--out", str(work)]
    environ = {**os.environ, "PYTHONPATH": str(home), "HGDX_PARAMS": str(home / "params"), "HGDX_NOTEBOOKS": str(home / "notebooks")}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode:
        sys.exit(f"the demonstration ended with exit code {done.returncode}")
    return Path(done.stdout.strip().split("\n")[-1])


def drawn(notebook: dict) -> list[str]:
    """Markdown of every chart of an executed notebook, with its cell."""
    found = []
    for cell in notebook["cells"]:
        shown = ["".join(output.get("data", {}).get("text/html", "")) for output in cell.get("outputs", [])]
        figures = [figure for html in shown for figure in re.findall(r'<figure class="chart">.*?</figure>', html, re.S)]
        for number, figure in enumerate(figures):
            head = TITLE.search(figure)
            code = f"```python\n{''.join(cell['source']).strip()}\n```\n" if number == 0 else ""
            found.append(f"## {re.sub(r'<[^>]+>', '', head[1])}\n\n{raw(one_size(figure.replace(head[0], '')))}\n{code}")
    return found


def one_size(figure: str) -> str:
    """The figure in both sizes, of which the page's own style shows one, without links to what lies beside the report."""
    return re.sub(r"\n\s*\n", "\n", figure.replace(' style="display:none"', ""))
