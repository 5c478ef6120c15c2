"""What documents show is true: commands and options that exist, studies that are accepted, a page for whatever there is, links that lead
somewhere. The site itself is built in test_docs_site.py."""

import ast
import re
import shlex
import sys
from pathlib import Path

import click
import pytest
import yaml

import bootstrap
import hgdx_eval as hg
from hgdx_eval.cli import cli
from hgdx_eval.study.load import check_study, read_study
from hgdx_eval.study.vocabulary import estimator_names
from hgdx_eval.study.words import texts

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "docs" / "site"))

import check_site  # noqa: E402
import code_pages  # noqa: E402
import make_pages  # noqa: E402
import repository_pages  # noqa: E402

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/decisions/*.md"), *ROOT.glob("docs/guides/*.md")])
NAMES = [file.relative_to(ROOT).as_posix() for file in DOCUMENTS]
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.M | re.S)


def commands_in(text):
    """Command lines of fenced blocks and of code in a line, as words; `hgdx-eval` alone and names of commands to come are none."""
    blocks = [line for _, block in FENCED.findall(text) for line in block.split("\n") if line.startswith("hgdx-eval ")]
    inline = re.findall(r"(?<!`)`(hgdx-eval [^`]+)`", FENCED.sub("", text).replace("\n", " "))
    return [shlex.split(line, comments=True)[1:] for line in blocks + inline]


def wrong_with(words):
    """Why the kit has no such command line; "" where it has."""
    if words[0] not in cli.commands:
        return "" if words[0].startswith("-") else f"no command {words[0]}"
    command = cli.commands[words[0]]
    try:
        _, rest, _ = command.make_parser(click.Context(command)).parse_args(list(words[1:]))
    except click.UsageError as error:
        return error.format_message()
    return f"too much: {rest}" if rest else ""


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_a_document_is_one_that_the_kit_has(name):
    found = commands_in((ROOT / name).read_text(encoding="utf-8"))
    assert [(words, why) for words in found if (why := wrong_with(words))] == []


def test_a_command_or_option_that_does_not_exist_is_seen():
    assert [bool(wrong_with(shlex.split(line))) for line in ("run demo --pdf", "run demo --pfd", "rnu demo", "list more", "--version")] == [
        0,
        1,
        1,
        1,
        0,
    ]
    assert commands_in("```\nhgdx-eval list  # all\n```\nand `hgdx-eval run\nX -p data=Y`") == [["list"], ["run", "X", "-p", "data=Y"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_script_and_target_that_a_document_names_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"`([^`]+)`", FENCED.sub("", text)), *(block for _, block in FENCED.findall(text))])
    targets = set(re.findall(r"^\s*make ([a-z-]+)", code, re.M))
    assert targets <= set(bootstrap.COMMANDS)
    scripts = [found.partition("*")[0] for found in re.findall(r"\bpython ([\w/]+(?:\*|\w)\.py)", code)]
    assert [script for script in scripts if not (ROOT / script).exists()] == []


def studies_in(name):
    return [block for kind, block in FENCED.findall((ROOT / name).read_text(encoding="utf-8")) if kind == "yaml"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("docs/guides/") and studies_in(name)])
def test_every_study_of_a_guide_is_accepted(name, tmp_path):
    for block in studies_in(name):
        file = tmp_path / "study.yaml"
        file.write_text(block, encoding="utf-8")
        p = read_study(file, {})
        check_study(p, file.name)
        assert p.estimator in estimator_names() and set(p.estimators) <= set(estimator_names())


def test_guides_for_officials_and_provinces_are_in_both_languages_alike():
    for stem in ("official", "own_policy", "own_province", "researcher"):
        vi, en = ((ROOT / "docs" / "guides" / f"{stem}.{lang}.md").read_text(encoding="utf-8") for lang in ("vi", "en"))
        for mark in (r"^#+ ", r"^\d+\. ", r"^ *\|", r"^\* ", r"^ *```"):
            assert len(re.findall(mark, vi, re.M)) == len(re.findall(mark, en, re.M)), (stem, mark)
    for lang in ("vi", "en"):
        told = (ROOT / "docs" / "guides" / f"official.{lang}.md").read_text(encoding="utf-8")
        assert all(f"| {texts(lang)[f'story.opening_{level}']} |" in told for level in range(1, 6))


def test_what_a_guide_counts_is_what_the_facts_hold():
    facts = ROOT / "params" / "facts"
    provinces = yaml.safe_load((facts / "provinces.yaml").read_text(encoding="utf-8"))["provinces"]
    before, after = (sum(key not in unit for unit in provinces) for key in ("valid_from", "valid_to"))
    levels = [unit["level"] for unit in yaml.safe_load((facts / "units.yaml").read_text(encoding="utf-8"))["units"]]
    for lang in ("vi", "en"):
        told = (ROOT / "docs" / "guides" / f"own_province.{lang}.md").read_text(encoding="utf-8")
        for number in (before, after, levels.count("district"), levels.count("commune")):
            assert re.search(rf"\b{number} ", told), (lang, number)


@pytest.fixture(scope="module")
def pages():
    """All pages but the charts, which need a run."""
    return (
        repository_pages.pages(ROOT)
        | code_pages.pages(ROOT)
        | {"gallery/index": "# Charts\n", **dict.fromkeys(("tutorial/tutorial.vi", "tutorial/tutorial.en"), "# Tutorial\n")}
    )


def test_whatever_there_is_has_a_page(pages):
    known = code_pages.anchors(pages)
    wanted = [*(f"hg.{verb}" for verb in hg.__all__), *estimator_names(), *(f"hgdx-eval {name}" for name in cli.commands),
              *(file.stem for file in ROOT.glob("params/studies/*.yaml"))]  # fmt: skip
    assert [name for name in wanted if name not in known] == []
    assert {file.relative_to(ROOT).with_suffix("").as_posix() for file in DOCUMENTS} - {"README"} <= set(pages)
    assert all(
        page.count(f"\n`{key}`\n: ") or f"\n\n`{key}`\n" in page
        for page in [pages["keys"]]
        for key in ("study", "treated_from", "other_cut_pct")
    )


def test_every_page_stands_in_a_menu_and_links_to_what_is_there(pages):
    links = repository_pages.Links(ROOT, pages, code_pages.anchors(pages))
    made = make_pages.with_menus(pages)
    named = set(re.findall(r"^[\w./-]+$", "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", made["index"], re.S)), re.M))
    heads = {name.removesuffix("index") for name in named if name.endswith("/index")}
    assert [name for name in pages if name != "index" and name not in named and not name.startswith(tuple(heads))] == []
    for name, text in made.items():
        links.of(name, text)  # raises for a link to nothing
    assert links.files and all((ROOT / file).is_file() for file in links.files)
    with pytest.raises(ValueError, match="no page and no file"):
        links.of("index", "[x](docs/nothing.md)")


def test_code_that_names_a_verb_a_command_or_a_document_leads_to_it(pages):
    links = repository_pages.Links(ROOT, pages, code_pages.anchors(pages))
    told = links.of("docs/worlds", "`hg.evaluate(design, p)` `hgdx-eval run X` `docs/bias.md` `imputation`\n```\n`hg.estimate`\n```")
    assert "{py:obj}`hg.evaluate(design, p) <hgdx_eval.evaluate>`" in told and "(../commands/run.md)" in told
    assert "[`docs/bias.md`](bias.md)" in told and "(../methods/imputation.md)" in told and told.endswith("```\n`hg.estimate`\n```")


def test_python_of_the_pages_can_be_read(pages):
    blocks = [block for text in pages.values() for kind, block in FENCED.findall(text) if kind == "python"]
    assert len(blocks) > 10
    for block in blocks:
        ast.parse(block)


def test_a_dead_link_and_what_would_be_fetched_are_told(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">b</a><a href="https://example.org/">out</a><img src="data:image/png;base64,AA=="><i id="y"></i>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<a href="a.html#y">a</a><a id="x" href="#x"></a>', encoding="utf-8")
    assert check_site.faults(tmp_path) == []
    for fault in ('<a href="c.html">', '<a href="b.html#z">', '<img src="c.png">', '<script src="https://example.org/x.js"></script>',
                  '<link rel="stylesheet" href="//example.org/x.css">', "<style>@import 'https://example.org/x.css'</style>",
                  '<p style="background:url(http://example.org/x.png)">'):  # fmt: skip
        (tmp_path / "c.htm.html").write_text(fault, encoding="utf-8")
        assert len(check_site.faults(tmp_path)) == 1, fault
    (tmp_path / "c.htm.html").unlink()
    (tmp_path / "x.css").write_text("a{background:url('https://example.org/x.png')}", encoding="utf-8")
    assert len(check_site.faults(tmp_path)) == 1
