from datetime import date
from pathlib import Path
from typing import Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.yaml_strict import Strict, composed_by, load_yaml, plain, read_value, validate


class Label(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    vi: str
    en: str = Field("", max_length=5)
    day: date | None = None


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    unit: str | list[str] = Field(description="a column, or a list of columns")
    start: str | dict[str, str | int | date | float | None] | None = Field(None, description="a column or a map unit: period")
    frequency: Literal["M", "Q", "Y"] = Field("M", description="M, Q or Y")
    window: list[str | int | date] | None = Field(None, min_length=2, max_length=2, description="[first, last]")
    exclude: list[str] = []
    gap: bool = False
    seed: int = Field(3, gt=0)
    labels: list[Label] = []
    named: dict[str, Label] = {}


def refusal(tmp_path, text: str | bytes) -> str:
    """The one line with which a file is refused."""
    file = tmp_path / "study.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as error:
        validate(load_yaml(file), Model, "study.yaml")
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith("study.yaml: ")
    assert str(tmp_path) not in message
    return message


def test_values_lines_and_the_text_as_written_are_kept(tmp_path):
    (tmp_path / "a.yaml").write_text('\ufeff# first\nunit: [a, "01"]\nstart:\n  Hậu Giang: 2023-08\n  p: 01.50\n', "utf-8")
    strict = load_yaml(tmp_path / "a.yaml")
    assert strict.value == {"unit": ["a", "01"], "start": {"Hậu Giang": "2023-08", "p": 1.5}}
    assert (strict.lines[("unit",)], strict.lines[("start", "p")]) == (2, 5)
    assert strict.raw[("start", "p")] == "01.50"
    assert validate(strict, Model, "a.yaml").unit == ["a", "01"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unit: a\nunit: b", "line 2: unit: this key stands already in line 1"),
        ("unit: a\nnamed:\n  q: {vi: x, vi: y}", "line 3: named.q.vi"),
        ("unit: a\nstart: {01: x, 1: y}", "start.1: this key stands already"),
        ("- a", "line 1: the file must be a map"),
        ("", "the file must be a map"),
        ("just text", "the file must be a map"),
        ("unit: [a", "line 1: not valid YAML"),
        ("unit: a\n\tgap: true", "line 2: not valid YAML"),
        ("unit: a\n---\nunit: b", "not valid YAML"),
        ("unit: a: b", "line 1: not valid YAML"),
        ("unit: \x07", "line 1: not valid YAML"),
        ("unit: *a", "aliases are not read"),
        ("unit: &a x\nstart: *a", "line 2: found *a"),
        ("<<: {unit: a}", "line 1"),
        ("unit: !!python/object:os.system a", "not valid YAML"),
        ("unit: !!set {a}", "tag"),
        ("? [a]\n: b", "a key must be"),
        ("unit: a\nwindow: [2023-02-30, 2]", "line 2: window.0: found 2023-02-30"),
        ("[" * 5000, "nested too deeply"),
        ("unit: " + "[" * 300_000 + "]" * 300_000, "nested too deeply"),
        ("unit: " + "{a: " * 300_000 + "b" + "}" * 300_000, "nested too deeply"),
    ],
)
def test_what_is_no_plain_map_is_refused_with_its_line(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


@pytest.mark.parametrize("file", sorted((Path(__file__).parent.parent.parent / "params").rglob("*.yaml")), ids=lambda file: file.stem)
def test_either_parser_reads_the_same_values_lines_and_texts(file):
    """libyaml is not in every build of PyYAML."""
    text, found = file.read_text(encoding="utf-8"), []
    for kind in (yaml.CSafeLoader, yaml.SafeLoader):
        loader, top = composed_by(kind, text, file.name)
        strict = Strict({})
        strict.value.update(plain(top, (), loader, strict, file.name))
        found.append(strict)
    assert found[0] == found[1]


def test_a_file_in_another_encoding_names_the_line(tmp_path):
    assert "line 2: not UTF-8" in refusal(tmp_path, "unit: a\nstart: Hà Nam".encode("latin-1"))


def test_no_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match=path.name):
            load_yaml(path)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("01", "a number"),
        ("1.004194", "a number"),
        ("1_000", "a number"),
        ("12:30", "a number"),
        ("0x1F", "a number"),
        ("no", "true/false"),
        ("On", "true/false"),
        ("2023-07-14", "a date"),
    ],
)
def test_text_that_yaml_takes_for_something_else_is_shown_as_written(tmp_path, value, read):
    message = refusal(tmp_path, f"unit: {value}")
    assert f"line 1: unit: found {value};" in message
    assert "a column, or a list of columns" in message
    assert f'YAML reads {value} as {read}: put it in quotes, "{value}"' in message
    assert f'put it in quotes, "{value}"' in refusal(tmp_path, f"unit: a\nexclude: [x, {value}]")


@pytest.mark.parametrize(("value", "read"), [("010", 8), ("0x1F", 31), ("12:30", 750), ("007", 7), ("0b11", 3)])
def test_a_number_that_yaml_reads_as_another_is_refused(tmp_path, value, read):
    said = refusal(tmp_path, f"unit: a\nseed: {value}")
    assert f'line 2: seed: found {value}, which YAML reads as {read}; a code goes in quotes, "{value}"' in said
    with pytest.raises(InputError, match=f"-p window: found {value}, which YAML reads as {read};"):
        read_value(f"[2011, {value}]", "-p window")
    assert read_value("[1_000, +5, 0, -3]", "-p window") == [1000, 5, 0, -3]


@pytest.mark.parametrize("key", ["93", "01", "no", "2023-07-14", "1.5"])
def test_a_key_that_is_no_text_is_shown_as_written(tmp_path, key):
    assert f'found the key {key}; allowed: text, so put it in quotes, "{key}"' in refusal(tmp_path, f"unit: a\nstart:\n  {key}: x")
    assert f"found the key {key}" in refusal(tmp_path, f"unit: a\n{key}: x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unti: a", "line 1: unti: no such key (did you mean 'unit'?); allowed: unit, start, frequency"),
        (
            "unit: a\nlabels:\n  - vi: x\n  - {vi: x, dya: 2}",
            "line 4: labels.1.dya: no such key (did you mean 'day'?); allowed: vi, en, day",
        ),
        ("gap: true", "unit: is missing: a column, or a list of columns"),
        ("unit: a\nlabels:\n  - en: b", "line 3: labels.0.vi: is missing"),
        ("unit: a\ngap: maybe", "line 2: gap: found 'maybe'; allowed: true or false"),
        ("unit: a\nseed: true", "seed: found true"),
        ("unit: a\nseed: 0", "greater than 0"),
        ("unit: a\nfrequency: m", "found 'm'; allowed: M, Q, Y"),
        ("unit: a\nwindow: [2011]", "at least 2"),
        ("unit: a\nstart:\n  x: [1]", "line 3: start.x: found a list of 1; allowed: a column or a map"),
        ("unit: {a: b}", "found a map of 1"),
        ("unit:", "found nothing"),
        ("unit: [a,\n  1.5]", "line 2: unit.1: found 1.5"),
        ("unit: a\nlabels:\n  - {vi: x, en: longer}", "at most 5"),
        ("unit: a\nnamed:\n  q: {vi: x, day: soon}", "line 3: named.q.day: found 'soon'"),
    ],
)
def test_the_first_error_says_key_found_and_allowed(tmp_path, text, says):
    assert says in refusal(tmp_path, text)


def test_a_value_put_in_afterwards_shows_itself_and_no_stale_text():
    strict = Strict({"unit": "a", "seed": "x"}, {("unit",): 1}, {("unit",): "a", ("seed",): "7"})
    with pytest.raises(InputError) as error:
        validate(strict, Model, "study.yaml with seed=x")
    assert str(error.value) == "study.yaml with seed=x: seed: found 'x'; allowed: a whole number"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    ),
    st.sampled_from(["unit", "start", "frequency", "window", "exclude", "gap", "seed", "labels", "named", "other"]),
)
def test_whatever_is_wrong_is_one_line(value, key):
    try:
        validate(Strict({"unit": "a", key: value}, {(key,): 1}), Model, "study.yaml")
    except InputError as error:
        assert str(error).startswith("study.yaml: ")
        assert len(str(error).splitlines()) == 1
