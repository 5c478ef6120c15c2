"""The closed vocabulary is one: what the package compares, writes or asks for is a word of it, and no module spells a set of it again."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from hgdx_eval.release.release import WORTH
from hgdx_eval.report.blocks import MARKS
from hgdx_eval.study import vocabulary as words

PACKAGE = Path(words.__file__).parent.parent
FILES = sorted(PACKAGE.rglob("*.py"))
EMPTY = {""}  # a cell that says nothing
NAMED = {  # column or attribute -> its words
    "term": words.TERMS, "inference": words.INFERENCE, "scale": words.SCALES, "estimator": set(words.estimator_names()),
    "frequency": {*get_args(words.Frequency)}, "comparison": {*get_args(words.Comparison)}, "estimand": words.ESTIMANDS,
    "family": words.FAMILIES, "headline": {*words.KINDS, "none"}, "notes": words.NOTES,
}  # fmt: skip
CALLED = {  # function or .method -> the words of its first arguments
    "Refusal": (words.REASONS,), "Sign": (set(words.WARNINGS),), ".rows": (words.TERMS, words.INFERENCE), ".overall": (words.INFERENCE,),
    ".one": (words.FAMILIES, words.PARTS), ".of": (words.FAMILIES,), "relabelled": (None, words.TERMS), "estimate": (None, NAMED["estimator"]),
    "as_told": (None, words.FAMILIES),
}  # fmt: skip
SETS = [words.KINDS, words.TERMS, words.INFERENCE, words.SCALES, words.REASONS, words.NOTES, words.CHECKS, words.CHECK_STATES,
        words.GATE_STATES, words.WARNINGS, words.FAMILIES, words.PARTS, get_args(words.Frequency), words.estimator_names()]  # fmt: skip


def literals(node: ast.AST) -> list[str]:
    """Texts that a node may be: itself, of a choice, of a tuple, list or set."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return [text for one in node.elts for text in literals(one)] if isinstance(node, ast.Tuple | ast.List | ast.Set) else []


def name_of(node: ast.AST) -> str | None:
    """The column or attribute that a node takes: x["term"], x.term, term."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value
    return {ast.Attribute: "attr", ast.Name: "id"}.get(type(node)) and getattr(node, {ast.Attribute: "attr", ast.Name: "id"}[type(node)])


def spoken(tree: ast.AST) -> list[tuple[int, str, set[str]]]:
    """(line, text, words it must be one of) of every literal that is compared with, written to or asked of a closed column."""
    found: list[tuple[int, ast.AST, set[str] | None]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            letters = isinstance(node.ops[0], ast.In) and isinstance(node.comparators[0], ast.Constant)  # x in "YA"
            found += [(node.lineno, other, NAMED.get(name_of(one))) for one in sides for other in sides if one is not other and not letters]
        elif isinstance(node, ast.Call):
            called, method = name_of(node.func), isinstance(node.func, ast.Attribute)
            if method and called in ("isin", "eq", "ne"):
                found += [(node.lineno, text, NAMED.get(name_of(node.func.value))) for text in node.args]
            found += [(node.lineno, *pair) for pair in zip(node.args, CALLED.get(f"{'.' * method}{called}", ()), strict=False)]
            found += [(node.lineno, one.value, NAMED.get(one.arg)) for one in node.keywords]
        elif isinstance(node, ast.Dict):
            found += [(node.lineno, value, NAMED.get(literals(key)[0])) for key, value in zip(node.keys, node.values, strict=True)
                      if key is not None and literals(key) and not isinstance(value, ast.Tuple)]  # fmt: skip
    return [(line, text, allowed | EMPTY) for line, node, allowed in found if allowed for text in literals(node)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_word_of_a_closed_column_is_one_of_its_own(file):
    wrong = [(line, text) for line, text, allowed in spoken(ast.parse(file.read_text(encoding="utf-8"))) if text not in allowed]
    assert not wrong


@pytest.mark.parametrize("code", [
    'rows[rows["term"] == "overal"]', 'design.scale != "points"', 'table["inference"].isin(["wild", "hack"])', 'raise Refusal("no_donor", "")',
    'x = {"term": "event", "inference": "clusters"}', 'result_table(rows, scale="pp" if share else "levels")', 'found.rows("events")',
    'design.release.one("design", "recieved")', 'Sign("ceilings", 1.0, {})', 'found.estimator in ("grouped_logit", "logit")',
])  # fmt: skip
def test_a_misspelt_word_is_found(code):
    assert [text for _, text, allowed in spoken(ast.parse(code)) if text not in allowed]


def test_a_set_of_words_is_spelled_once():
    again = []
    for file in set(FILES) - {Path(words.__file__)}:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set) and any(same(literals(node), one) for one in SETS):
                again.append((str(file.relative_to(PACKAGE)), node.lineno))
    assert not again


def same(texts: list[str], one: set[str] | tuple[str, ...] | list[str]) -> bool:
    """Whether texts are a set of words: all of them, where their order says something in that order."""
    return set(texts) == one if isinstance(one, set) else texts == list(one)


def test_every_family_of_told_counts_has_its_worth_and_every_state_its_mark():
    assert set(WORTH) == words.FAMILIES and set(MARKS) == words.CHECK_STATES
