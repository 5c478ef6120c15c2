"""The least that `run-all` asks of the pooled answer, where only its own order is looked at: the mean of what counts."""

import sys
from contextlib import contextmanager
from types import ModuleType

import pandas as pd

from hgdx_eval.estimation.results import result_table


def pool(sites):
    return [site for site in sites if site.state == "counts"]


def answer(counted):
    mean = sum(site.estimate for site in counted) / len(counted) if counted else None
    return {
        "estimate": mean,
        "ci_low": None,
        "ci_high": None,
        "k": len(counted),
        "last_period": "",
        "scale": counted[0].scale if counted else "",
    }


def table(counted, name):
    rows = [{"study": site.study, "term": "overall", "estimate": site.estimate} for site in counted]
    return result_table(rows) if rows else pd.DataFrame(columns=["study"])


def pages(counted, before, titles, made):
    return {
        f"pooled.{lang}.html": f"<!doctype html>{titles[lang]}: {len(counted)} studies, {len(before)} answers before" for lang in titles
    }


@contextmanager
def in_place():
    """Both modules by these functions, whether or not the real ones are there. (Whatever else is loaded meanwhile stays loaded.)"""
    pooled, show = ModuleType("hgdx_eval.evaluation.pooled"), ModuleType("hgdx_eval.report.show_pooled")
    pooled.pool, pooled.answer, pooled.table, show.pages = pool, answer, table, pages
    before = {module.__name__: sys.modules.get(module.__name__) for module in (pooled, show)}
    sys.modules.update({module.__name__: module for module in (pooled, show)})
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})
