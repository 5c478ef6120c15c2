"""Private folders: what this kit surely made is removed after a kill, and nothing else is touched wherever it lies."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import made_run

from hgdx_eval.base import private_folder as own_folders
from hgdx_eval.base.private_folder import MARK, base, clean_leftovers, private_folder

LEFT = "w0123abcd"


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Three candidates for a base, none of which is there: the first, second and last place."""
    found = [tmp_path / name for name in ("first", "second", "last")]
    monkeypatch.setattr(own_folders, "bases", lambda: found)
    return found


def marked(folder):
    folder.mkdir(mode=0o700)
    (folder / MARK).touch()
    return folder


def left_behind(folder):
    (folder / LEFT).mkdir(mode=0o700)
    (folder / LEFT / "spill").write_text("x", encoding="utf-8")
    return folder / LEFT


def link_to_a_users_folder(place):
    victim = place.with_name("victim")
    victim.mkdir(mode=0o700)
    place.symlink_to(victim)
    return victim


def link_to_a_marked_folder(place):
    place.symlink_to(marked(place.with_name("victim")))
    return place.with_name("victim")


def without_a_mark(place):
    place.mkdir(mode=0o700)
    return place


def open_to_others(place):
    marked(place).chmod(0o755)
    return place


def of_another_user(place):
    os.chown(marked(place), 12345, 12345)
    return place


def marked_by_another(place):
    os.chown(marked(place) / MARK, 12345, 12345)
    return place


def marked_by_a_link(place):
    place.mkdir(mode=0o700)
    (place / MARK).symlink_to("/etc/hostname")
    return place


def where_anybody_may_swap_it(place):
    place.parent.chmod(0o777)
    return marked(place)


HOSTILE = [link_to_a_users_folder, link_to_a_marked_folder, without_a_mark, open_to_others, of_another_user, marked_by_another,
           marked_by_a_link, where_anybody_may_swap_it]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_base_that_is_not_surely_ours_is_left_alone_and_the_next_one_taken(places, tmp_path, monkeypatch, hostile):
    if os.getuid() and hostile in (of_another_user, marked_by_another):
        pytest.skip("only the superuser can give a folder away")
    monkeypatch.setattr(own_folders, "bases", lambda: [tmp_path / "a" / "base", places[1]])
    (tmp_path / "a").mkdir()
    real = hostile(tmp_path / "a" / "base")
    theirs = [left_behind(real) / "spill", *(real / name for name in ("www", "website", "w0123", LEFT + "x", LEFT + ".lock"))]
    for file in theirs[1:]:
        file.write_text("of its user", encoding="utf-8")
    before = {path: path.lstat().st_mtime_ns for path in real.rglob("*")}
    with private_folder() as folder:
        assert folder.parent == places[1]
    assert {path: path.lstat().st_mtime_ns for path in real.rglob("*")} == before
    assert theirs[-1].read_text(encoding="utf-8") == "of its user"


def test_in_our_own_base_only_exact_names_of_real_private_folders_go(places, tmp_path):
    own = marked(places[0])
    gone = left_behind(own)
    victim = tmp_path / "victim"
    victim.mkdir()
    kept = [own / name for name in ("www", "website", "w0123abc", "w0123ABCD", "w0123abcde", "x0123abcd")]
    for folder in kept:
        folder.mkdir(mode=0o700)
    (own / "w1123abcd").symlink_to(victim)
    (own / "w2123abcd").write_text("a file", encoding="utf-8")
    (own / "w3123abcd").mkdir(mode=0o755)
    kept += [victim, own / "w1123abcd", own / "w2123abcd", own / "w3123abcd"]
    clean_leftovers()
    assert not gone.exists() and all(path.exists() for path in kept)


def test_a_link_in_place_of_a_lock_takes_nothing_from_the_file_behind_it(places, tmp_path):
    own, victim = marked(places[0]), tmp_path / "victim"
    victim.write_text("of its user", encoding="utf-8")
    left_behind(own)
    (own / f"{LEFT}.lock").symlink_to(victim)
    clean_leftovers()
    assert victim.read_text(encoding="utf-8") == "of its user"


def test_a_base_is_made_private_and_marked_and_taken_again(places):
    assert base() == base() == places[0]
    assert stat.S_IMODE(places[0].stat().st_mode) == 0o700 and stat.S_IMODE((places[0] / MARK).stat().st_mode) == 0o600
    (places[0] / MARK).unlink()
    assert base() == places[0] and os.listdir(base()) == [MARK]  # empty: of an earlier version


def test_without_any_place_it_is_said(places, monkeypatch):
    for place in places:
        place.write_text("a file", encoding="utf-8")
    with pytest.raises(PermissionError, match="no private folder"):
        base()


def test_a_command_in_a_shared_temporary_folder_takes_nothing_of_its_user(tmp_path):
    """The whole command: a link where its folder would be, and no cache to go to."""
    victim, shared, home = tmp_path / "victim", tmp_path / "shared", tmp_path / "home"
    for name in ("www", "website", LEFT):
        (victim / name).mkdir(parents=True)
    victim.chmod(0o700)
    shared.mkdir()
    home.write_text("", encoding="utf-8")
    (shared / f"hgdx-eval-{os.getuid()}").symlink_to(victim)
    (tmp_path / "list.csv").write_text("Mã hồ sơ,Mã thủ tục,Cơ quan thụ lý,Ngày tiếp nhận,Trực tuyến\n1,2,3,4,5\n", encoding="utf-8")
    env = {**os.environ, "TMPDIR": str(shared), "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    subprocess.run([sys.executable, "-m", "hgdx_eval", "check", "list.csv"], cwd=tmp_path, env=env, capture_output=True)
    assert sorted(os.listdir(victim)) == [LEFT, "website", "www"]


def test_verify_works_in_a_private_folder_so_that_a_killed_one_is_cleared_away(tmp_path, monkeypatch):
    from hgdx_eval.run import verify

    class Stop(Exception):
        pass

    def looked_at(study, change, langs, out, options):
        seen.append(Path(study).parent)
        assert seen[0].parent == base() and stat.S_IMODE(seen[0].stat().st_mode) == 0o700 and out.parent == seen[0]
        raise Stop

    seen = []
    run = made_run(tmp_path, "20240205T020000Z-00000001", started="2024-02-05T02:00:00Z")
    (tmp_path / "a.csv").write_text("a\n", encoding="utf-8")
    monkeypatch.setattr(verify, "run_study", looked_at)
    with pytest.raises(Stop):
        verify.verify_run(run, {"data": str(tmp_path / "a.csv")})
    assert seen and not seen[0].exists()
