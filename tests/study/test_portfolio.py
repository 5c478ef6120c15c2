"""A portfolio's file: what it names, and one line for whatever is wrong."""

import pytest
from made_portfolios import HEAD, STUDY

from hgdx_eval.base.errors import InputError
from hgdx_eval.study.domains import domain_of
from hgdx_eval.study.portfolio import definition_of, members_of, odd_ones, portfolio_file, read_portfolio, slug


@pytest.fixture
def folder(tmp_path):
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.yaml").write_text(STUDY.format(name=name), encoding="utf-8")
    return tmp_path


def members(folder, text, file="many.yaml"):
    path = folder / file
    path.write_text(HEAD + text, encoding="utf-8")
    return members_of(read_portfolio(path), path)


def test_names_paths_and_patterns_become_members_in_order_of_their_names(folder):
    found = members(folder, "studies: ['t*.yaml', ./one.yaml, demo]\n")
    assert [one.study for one in found] == ["demo", "one", "three", "two"]
    assert found[0].titles == {"vi": "Hậu Giang", "en": "Hậu Giang"} and found[1].titles["en"] == "Policy evaluation: one"
    assert all(one.p is not None for one in found)


def test_one_study_over_values_of_a_key_fills_in_texts_and_what_differs(folder):
    found = members(folder, "study: ./one.yaml\nfor_each: cluster\nvalues: [Miền Bắc, south]\nset: {data: 'in/{value}_{name}.csv'}\n"
                            "each: [{name: south, keys: {seed: 7}}]\n")  # fmt: skip
    assert [(one.study, one.p.cluster, one.p.seed) for one in found] == [
        ("many_mien_bac", "Miền Bắc", 20230714),
        ("many_south", "south", 7),
    ]
    assert found[0].p.data == str(folder / "in" / "Miền Bắc_mien_bac.csv") and found[0].titles == {"vi": "Miền Bắc", "en": "Miền Bắc"}


def test_places_have_the_policy_that_is_on_record_there(folder):
    found = members(folder, "study: demo\nfor_each: place\nvalues: [hau giang, Hải Dương, Cà Mau, Đồng Tháp]\n")
    told = {one.titles["en"]: one for one in found}
    assert told["Hậu Giang"].p.policy == "nq04_2023" and told["Hải Dương"].p.policy == "adopted" == told["Đồng Tháp"].p.policy
    assert told["Cà Mau"].state == "no_policy" and "no cut is on record" in told["Cà Mau"].reason
    law = domain_of(told["Đồng Tháp"].p).policy(told["Đồng Tháp"].p)
    assert (f"{law.effective}", law.cut, law.assumed) == ("2023-07-28", 0.5, False)


def test_all_places_are_asked_and_those_without_a_policy_told(folder):
    found = members(folder, "study: demo\nfor_each: place\nvalues: all\n")
    assert len(found) == 63 and 3 <= sum(one.state == "" for one in found) < 15
    assert {one.state for one in found} == {"", "no_policy"}


BAD = {
    "an unknown key": ("stdies: [one]\n", "stdies: no such key (did you mean 'studies'?)"),
    "a key twice": ("studies: [demo]\nstudies: [demo]\n", "studies: this key stands already"),
    "a wrong type": ("studies: demo\n", "studies: found 'demo'; allowed: studies: names, paths"),
    "no way to name members": ("", "give studies, or study with each"),
    "a study twice": ("studies: [./one.yaml, './o*.yaml']\n", "studies: one stands twice, as ./one.yaml and as ./o*.yaml"),
    "an empty pattern": ("studies: ['x*']\n", "no study is called x*"),
    "an empty pattern of paths": ("studies: ['./x*.yaml']\n", "no study is called ./x*.yaml"),
    "a member that is not there": ("studies: [dmo]\n", "study 'dmo' is not known (did you mean 'demo'?)"),
    "itself": ("studies: [./many.yaml]\n", "is the portfolio itself"),
    "an unknown key of a study": ("study: demo\neach: [{name: a, keys: {sed: 1}}]\n", "each: a: sed: no such key of a study (did you mean 'seed'?)"),
    "an empty key": ("study: demo\neach: [{name: a, keys: {data: null}}]\n", "each: a: data: found nothing"),
    "an unknown name in braces": ("study: ./one.yaml\nset: {data: '{plac}.csv'}\neach: [{name: a}]\n", "{plac} is not known"),
    "a member twice": ("study: ./one.yaml\neach: [{name: a b}, {name: a_b}]\n", "study many_a_b stands twice"),
    "a value twice": ("study: ./one.yaml\nfor_each: seed\nvalues: [1, 1]\n", "values: 1 stands twice"),
    "what differs nowhere": ("study: ./one.yaml\nfor_each: seed\nvalues: [1]\neach: [{name: '2'}]\n", "each: 2 is none of values"),
    "a place that is none": ("study: demo\nfor_each: place\nvalues: [Hậu Gian]\n", "'Hậu Gian' is no province"),
    "a code of two in turn": ("study: demo\nfor_each: place\nvalues: ['24']\n", "code 24 was of"),
    "a code that is a number": ("study: demo\nfor_each: place\nvalues: [93]\n", "allowed: text"),
    "places of no domain": ("study: ./one.yaml\nfor_each: place\nvalues: all\n", "is of no domain that knows places"),
    "nobody with a policy": ("study: demo\nfor_each: place\nvalues: [Cà Mau, Hà Giang]\n", "no member can be run, as many_ca_mau: no cut is on record"),
    "a lift of blinds": ("study: demo\nset: {blind: false}\neach: [{name: a}]\n", "set: blind: no such key"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_one_line(folder, case):
    text, says = BAD[case]
    with pytest.raises(InputError) as error:
        members(folder, text)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_two_files_of_one_study_and_one_called_as_the_portfolio_are_refused(folder):
    (folder / "copy.yaml").write_text(STUDY.format(name="one"), encoding="utf-8")
    (folder / "named.yaml").write_text(STUDY.format(name="many"), encoding="utf-8")
    with pytest.raises(InputError, match=r"study one stands twice \(one.yaml and copy.yaml\)"):
        members(folder, "studies: [./one.yaml, ./copy.yaml]\n")
    with pytest.raises(InputError, match="a member has the portfolio's own name, many"):
        members(folder, "studies: [./one.yaml, ./named.yaml]\n")


def test_a_member_that_cannot_be_read_is_refused_alone(folder):
    (folder / "two.yaml").write_text("study: two\nseeed: 1\n", encoding="utf-8")
    found = members(folder, "studies: [./one.yaml, ./two.yaml]\n")
    assert [(one.study, one.state) for one in found] == [("one", ""), ("two", "refused")] and "seeed" in found[1].reason


def test_odd_definitions_are_named_with_what_the_others_measure(folder):
    (folder / "two.yaml").write_text(STUDY.format(name="two").replace("outcome: value", "outcome: price"), encoding="utf-8")
    found = members(folder, "studies: [./one.yaml, ./two.yaml, ./three.yaml]\n")
    assert {study: str(why) for study, why in odd_ones(found, "many.yaml").items()} == {"two": "outcome is price, that of one is value"}
    with pytest.raises(InputError, match="no two members measure the same.*two: outcome is price, that of one is value"):
        odd_ones([one for one in found if one.study != "three"], "many.yaml")
    assert definition_of(found[0].p)["frequency"] == "Y"


def test_an_unknown_portfolio_is_refused_with_those_known(folder):
    with pytest.raises(InputError, match="portfolio 'portfolio_dem' is not known .*portfolio_demo"):
        portfolio_file("portfolio_dem")
    with pytest.raises(InputError, match="x.yaml: there is no such portfolio file"):
        portfolio_file("./x.yaml")


def test_names_are_folded_to_those_of_folders():
    assert slug("Thừa Thiên - Huế") == "thua_thien_hue" and slug("Đắk Lắk") == "dak_lak"
