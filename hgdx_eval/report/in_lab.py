"""How charts, blocks and frames look in JupyterLab: in its light and its dark theme, texts to the left. A page has a style of its own."""

import re
import sys
from functools import cache
from importlib import resources
from typing import Any

from .colours import rules


@cache
def lab_style() -> str:
    """The style that travels with an output; the page's sanitiser takes it out again."""
    text = resources.files("hgdx_eval.report").joinpath("template", "lab.css").read_text(encoding="utf-8")
    drawn = re.sub(r"(\.[fs]-)", r".jp-OutputArea-output \1", rules())
    return f"<style>{text}{drawn}</style>".replace("\n", "")


def dress() -> None:
    """From here on a notebook shows pandas tables with the columns of texts to the left; nothing outside a notebook."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type_by_name("pandas", "DataFrame", left)


def left(frame: Any) -> str | None:
    """A frame as pandas shows it, its texts and dates to the left."""
    import pandas as pd

    html, most = frame._repr_html_(), pd.get_option("display.max_columns")
    if html is None or 0 < most < len(frame.columns):  # columns are left out: others are where they stood
        return html
    levels = frame.index.nlevels
    texts = [at for at, kind in enumerate(frame.dtypes, start=1) if not pd.api.types.is_any_real_numeric_dtype(kind)]
    chosen = [f"td:nth-of-type({at})" for at in texts] + [f"thead th:nth-of-type({at + levels})" for at in texts]
    mark = "left" + "-".join(map(str, texts)) + f"-{levels}"
    rule = f".jp-RenderedHTMLCommon .{mark} :is({', '.join([*chosen, 'tbody th'])}){{text-align:left}}"
    return f"<style>{rule}</style>" + html.replace('class="dataframe"', f'class="dataframe {mark}"', 1)
