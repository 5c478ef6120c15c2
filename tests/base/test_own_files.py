"""Where notebooks and parameters are looked for: where the environment says, in the user's working folder, in the kit."""

import pytest

from hgdx_eval.base import own_files
from hgdx_eval.base.own_files import own_file, own_folders


@pytest.fixture
def places(tmp_path, monkeypatch):
    """(the user's folder, the kit's): both have parameters, the user's own lack the study `theirs`."""
    own, kit = tmp_path / "own", tmp_path / "kit"
    for folder, names in ((own, ("mine", "both")), (kit, ("theirs", "both"))):
        (folder / "params/studies").mkdir(parents=True)
        for name in names:
            (folder / "params/studies" / f"{name}.yaml").touch()
        (folder / "notebooks").mkdir()
    monkeypatch.setattr(own_files, "HOME", kit)
    monkeypatch.setattr(own_files, "SHIPPED", kit / "none")
    for name in own_files.NAMED_BY.values():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(own)
    return own, kit


def test_the_users_own_file_comes_before_the_kits(places):
    own, kit = places
    assert own_file("params", "studies", "both.yaml") == own / "params/studies/both.yaml"
    assert own_file("params", "studies", "theirs.yaml") == kit / "params/studies/theirs.yaml"
    assert own_file("params", "studies", "nobodys.yaml") == own / "params/studies/nobodys.yaml"


def test_facts_are_the_users_or_the_kits_as_a_whole(places):
    own, kit = places
    (kit / "params/facts").mkdir()
    assert own_file("params", "facts") == kit / "params/facts"
    (own / "params/facts").mkdir()
    assert own_file("params", "facts") == own / "params/facts"


def test_notebooks_of_a_working_folder_find_its_parameters(places, monkeypatch):
    own, kit = places
    monkeypatch.chdir(own / "notebooks")
    assert own_folders("params") == [own / "params", kit / "params"]


def test_a_folder_that_is_no_working_folder_gives_nothing(places, tmp_path, monkeypatch):
    (tmp_path / "other/notebooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert own_folders("notebooks") == [places[1] / "notebooks"]


def test_the_environment_says_it_alone(places, tmp_path, monkeypatch):
    monkeypatch.setenv("HGDX_PARAMS", "elsewhere")
    assert own_folders("params") == [places[0] / "elsewhere"]


def test_an_installed_kit_looks_into_itself(places, tmp_path, monkeypatch):
    shipped = tmp_path / "package/shipped"
    (shipped / "params").mkdir(parents=True)
    monkeypatch.setattr(own_files, "SHIPPED", shipped)
    assert own_folders("params")[-1] == shipped / "params"
