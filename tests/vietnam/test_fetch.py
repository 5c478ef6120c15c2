import email.utils
import hashlib
import json
import math
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import load_workbook
from stub_portal import PROVINCE, ROOT, Fault, newer_data, older_row, portal_running, score_row

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.tidy import told_definition
from hgdx_eval.vietnam.portal import archive
from hgdx_eval.vietnam.portal import download as module
from hgdx_eval.vietnam.portal.archive import FolderBusy, read_cache, read_index, revisions, write_table
from hgdx_eval.vietnam.portal.download import FetchFailed, fetch, fetched_lines, retry_after
from hgdx_eval.vietnam.portal.reports import ChangedShape, number

SUM, SCORES = "report_by_month_sum_service", "report_tinh_766_service"
ONLINE, PAYMENT = "provide-online-tree", "formality-online-payment-tree"


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch):
    """No test sends a byte to any host but the stub."""
    connect = socket.socket.connect

    def guarded(self, address):
        assert address[0] in ("127.0.0.1", "::1"), f"a connection to {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded, raising=False)


@pytest.fixture
def portal():
    with portal_running() as running:
        yield running


@pytest.fixture
def waits(monkeypatch):
    """Seconds that would have been waited."""
    seconds = []
    monkeypatch.setattr(module, "wait", seconds.append)
    return seconds


@pytest.fixture
def older(portal, waits, tmp_path):
    def run(first="2025-01", last="2025-03", **options):
        return fetch(portal.url, "older", PROVINCE, first, last, tmp_path / "cache", **options)

    return run


@pytest.fixture
def newer(portal, waits, tmp_path):
    def run(first="2026-01", last="2026-01", reports=(ONLINE,), **options):
        return fetch(portal.url, "newer", ROOT, first, last, tmp_path / "cache", reports=reports, **options)

    return run


def at(monkeypatch, text):
    for part in (archive, module):
        monkeypatch.setattr(part, "clock", lambda: datetime.fromisoformat(text).replace(tzinfo=UTC))


# --- normal months -------------------------------------------------------------------------------------------------


def test_the_older_service_month_by_month(portal, older, tmp_path):
    done = older()
    assert portal.months == ["2025-01", "2025-02", "2025-03"]
    path, parameters, _ = portal.seen[0]
    assert path == "/jsp/rest.jsp"
    assert parameters == {
        "type": "ref",
        "service": SUM,
        "p_nam": "2025",
        "p_thang": 1,
        "p_tinh_id": PROVINCE,
        "p_huyen_id": "",
        "p_linhvuc": 0,
    }
    assert (done.requests, len(done.new), done.kept, done.revisions, done.unknown) == (3, 3, (), (), ())
    table = read_cache(tmp_path / "cache")
    assert table.period.tolist() == ["2025-01", "2025-02", "2025-03"]
    assert table.HS_TOTAL.tolist() == [1001, 1002, 1003]
    assert table.HTN_TRUCTUYEN.tolist() == [40.06, 40.12, 40.18] and table.HTN_TRUCTUYEN_TOTAL.tolist() == [401, 402, 403]
    assert table.GDTT.tolist() == [0.5] * 3
    assert set(table.part) == {"whole"} and set(table.unit_id) == {PROVINCE}


def test_the_newer_service_gives_the_province_and_its_units(portal, newer, tmp_path):
    done = newer(reports=())
    assert [path.rsplit("/", 1)[1] for path, *_ in portal.seen] == [ONLINE, PAYMENT]
    assert portal.seen[0][1] == {"timeType": "month", "year": 2026, "month": 1, "rootDepartmentId": ROOT, "currentPage": 1, "pageSize": 200}
    assert done.unknown == ()
    table = read_cache(tmp_path / "cache", report=ONLINE)
    assert table.part.tolist() == ["whole", "unit", "unit", "unit"]
    assert table.channelOnlineSum[0] == 420 and table.channelOnlineSum[1:].isna().all()
    assert table.channelPostalSum[0] == 0 and math.isnan(table.onlineOnTimeSum[0])  # 0 is not null
    assert table.scoreDelta.tolist()[1:] == [-0.25] * 3
    both = read_cache(tmp_path / "cache")
    assert set(both.report) == {ONLINE, PAYMENT} and len(both) == 8
    units = both[(both.report == PAYMENT) & (both.part == "unit")]
    assert (units.totalDossierOnlinePaymentSuccess == 0).all() and units.totalDossierFinancialObligation.isna().all()


def test_group_scores_of_the_newer_service(newer, tmp_path):
    newer(reports=("service-results",))
    table = read_cache(tmp_path / "cache")
    assert table.CKMB.tolist() == [18, 18, 18] and table.TTTT.isna().all() and (table.totalScore == 80).all()


def test_the_real_saved_answer_reads_as_it_is(portal, older, tmp_path, shared_data):
    rows = load_workbook(str(shared_data / "portal" / "chi_so_766_2025-10.xlsx")).get_sheet_by_name("Xã Phường").to_python()
    portal.answers[SCORES, "2025-10"] = [dict(zip(rows[0], map(str, row))) for row in rows[1:]]
    done = older("2025-10", "2025-10", reports=(SCORES,))
    table = read_cache(tmp_path / "cache")
    assert len(table) == len(rows) - 1 and done.unknown == ()
    assert table.TONG_SCORE.tolist() == [float(row[rows[0].index("TONG_SCORE")]) for row in rows[1:]]


# --- the cache -----------------------------------------------------------------------------------------------------


def test_answers_are_kept_byte_for_byte_with_hash_and_date(portal, older, tmp_path, monkeypatch):
    at(monkeypatch, "2025-06-01T03:04:05")
    body = json.dumps([older_row(1)], indent=3).encode() + b"\n "
    portal.faults = [Fault(body=body)]
    older("2025-01", "2025-01")
    entry = json.loads((tmp_path / "cache" / "index.jsonl").read_text())
    page = entry["pages"][0]
    assert (tmp_path / "cache" / "answers" / page["file"]).read_bytes() == body
    assert page["sha256"] == hashlib.sha256(body).hexdigest() and page["status"] == 200 and page["bytes"] == len(body)
    assert entry["fetched"] == "2025-06-01T03:04:05Z" and page["params"]["p_thang"] == 1 and entry["url"].endswith("/jsp/rest.jsp")
    assert not list((tmp_path / "cache" / "answers").glob(".*"))


def test_what_is_there_is_not_asked_again(portal, older):
    older("2025-01", "2025-02")
    done = older("2025-01", "2025-04")
    assert portal.months == ["2025-01", "2025-02", "2025-03", "2025-04"]
    assert len(done.kept) == 2 and len(done.new) == 2


def test_a_killed_download_goes_on_where_it_stopped(portal, older, tmp_path, monkeypatch):
    post, sent = module.post, []

    def killed(*words):
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(words)
        return post(*words)

    monkeypatch.setattr(module, "post", killed)
    with pytest.raises(KeyboardInterrupt):
        older("2025-01", "2025-05")
    assert read_cache(tmp_path / "cache").period.tolist() == ["2025-01", "2025-02"]
    monkeypatch.setattr(module, "post", post)
    older("2025-01", "2025-05")
    assert portal.months == ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]


def test_a_kill_between_two_pages_leaves_no_half_month(portal, newer, tmp_path, monkeypatch):
    portal.units = 250
    write = module.write_bytes

    def killed(path, content):
        if f"{ROOT}-2-" in path.name:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(module, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        newer()
    with pytest.raises(InputError, match="no answers"):
        read_cache(tmp_path / "cache")
    monkeypatch.setattr(module, "write_bytes", write)
    newer()
    assert len(read_cache(tmp_path / "cache")) == 251


def test_a_kill_in_the_middle_of_a_write_leaves_the_old_index(older, tmp_path, monkeypatch):
    older("2025-01", "2025-01")
    monkeypatch.setattr("os.replace", lambda *words: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError):
        older("2025-01", "2025-02")
    assert read_cache(tmp_path / "cache").period.tolist() == ["2025-01"]


def test_a_changed_answer_is_a_revision_and_the_old_one_stays(portal, older, tmp_path, monkeypatch):
    at(monkeypatch, "2025-05-01T00:00:00")
    older("2025-01", "2025-02")
    old = {file.name: file.read_bytes() for file in (tmp_path / "cache" / "answers").iterdir()}
    at(monkeypatch, "2025-08-01T00:00:00")
    portal.answers[SUM, "2025-02"] = [older_row(2, HS_TOTAL=1500, GDTT_TOTAL=None)]
    done = older("2025-01", "2025-02", refresh=True)
    assert done.requests == 2 and len(done.revisions) == 1
    found = done.revisions[0]
    index = read_index(tmp_path / "cache")
    assert (found.month, found.report, found.old, found.new) == ("2025-02", SUM, index[1].digest, index[3].digest)
    assert found.fields == ("HS_TOTAL", "GDTT_TOTAL") and revisions(tmp_path / "cache") == [found]
    assert fetched_lines(done)[1] == f"2025-02 {SUM}: revised, {found.old[:12]} then, {found.new[:12]} now; moved: HS_TOTAL, GDTT_TOTAL"
    assert all((tmp_path / "cache" / "answers" / name).read_bytes() == content for name, content in old.items())
    assert read_cache(tmp_path / "cache").HS_TOTAL.tolist() == [1001, 1500]
    assert read_cache(tmp_path / "cache", as_of="2025-07-31").HS_TOTAL.tolist() == [1001, 1002]
    assert read_cache(tmp_path / "cache", as_of=datetime(2025, 8, 1)).HS_TOTAL.tolist() == [1001, 1500]
    with pytest.raises(InputError, match="no answers up to 2025-04-30"):
        read_cache(tmp_path / "cache", as_of="2025-04-30")
    assert older("2025-01", "2025-02", refresh=True).revisions == ()


def test_other_bytes_with_the_same_numbers_name_no_field(portal, older):
    older("2025-01", "2025-01")
    portal.faults = [Fault(body=json.dumps([older_row(1)], indent=2).encode())]
    (found,) = older("2025-01", "2025-01", refresh=True).revisions
    assert found.fields == ()


def test_a_month_that_turned_empty_is_a_revision_of_every_field_it_had(portal, older):
    older("2025-01", "2025-01")
    portal.answers[SUM, "2025-01"] = []
    (found,) = older("2025-01", "2025-01", refresh=True).revisions
    assert "HS_TOTAL" in found.fields


def test_a_month_without_rows_is_asked_again_and_is_not_zero(portal, older, tmp_path):
    portal.answers[SUM, "2025-02"] = []
    done = older("2025-02", "2025-02")
    assert len(read_cache(tmp_path / "cache")) == 0 and len(pd.read_csv(write_table(tmp_path / "cache"))) == 0
    done = older("2025-01", "2025-02")
    assert done.empty == (f"2025-02 {SUM}",) and "2025-02" in fetched_lines(done)[1]
    table = read_cache(tmp_path / "cache")
    assert table.period.tolist() == ["2025-01"] and table.attrs["empty"] == [f"2025-02 {SUM}"]
    del portal.answers[SUM, "2025-02"]
    done = older("2025-01", "2025-02")
    assert done.new == (f"2025-02 {SUM}",) and done.revisions == ()
    assert read_cache(tmp_path / "cache").period.tolist() == ["2025-01", "2025-02"]


def test_a_damaged_file_is_named_and_fetched_again(portal, older, tmp_path):
    older("2025-01", "2025-02")
    file = sorted((tmp_path / "cache" / "answers").iterdir())[0]
    file.write_bytes(b"[]")
    with pytest.raises(InputError, match="2025-01.*lost or changed"):
        read_cache(tmp_path / "cache")
    older("2025-01", "2025-02")
    assert portal.months == ["2025-01", "2025-02", "2025-01"] and len(read_cache(tmp_path / "cache")) == 2


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        "1",
        '{"base": "b", "report": "x", "province": "1", "month": "2025-01", "fetched": "2025-01-01T00:00:00Z", "rows": 1, "pages": [{"file": "a.json", "sha256": "", "status": 200, "bytes": 1}]}',
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path, line):
    (tmp_path / "index.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match="line 1 is not an entry"):
        read_cache(tmp_path)


def test_an_index_cannot_point_out_of_its_folder(older, tmp_path):
    older("2025-01", "2025-01")
    index = tmp_path / "cache" / "index.jsonl"
    entry = json.loads(index.read_text())
    entry["pages"][0]["file"] = "../../secret.json"
    index.write_text(json.dumps(entry))
    with pytest.raises(InputError, match="line 1 is not an entry"):
        read_cache(tmp_path / "cache")


def test_one_folder_one_host(older, tmp_path):
    older("2025-01", "2025-01")
    with pytest.raises(InputError, match="take another folder"):
        fetch("https://dichvucong.invalid", "older", PROVINCE, "2025-01", "2025-01", tmp_path / "cache")


def test_two_downloads_into_one_folder_do_not_mix(portal, older, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LOCK_SECONDS", 0.1)
    both_seen = threading.Event()
    portal.faults = [Fault(until=both_seen)]
    first = threading.Thread(target=older)
    first.start()
    while not portal.seen:
        time.sleep(0.01)
    with pytest.raises(FolderBusy, match="another download"):
        older()
    both_seen.set()
    first.join()
    assert portal.most_at_once == 1 and len(portal.seen) == 3
    assert older().requests == 0 and len(read_cache(tmp_path / "cache")) == 3


# --- pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("announce", [True, False])
@pytest.mark.parametrize(("units", "pages"), [(199, 1), (200, None), (201, 2), (450, 3)])
def test_pages_are_read_to_the_last(portal, newer, tmp_path, announce, units, pages):
    portal.units, portal.announce = units, announce
    newer()
    asked = [parameters["currentPage"] for _, parameters, _ in portal.seen]
    assert asked == list(range(1, (pages or (1 if announce else 2)) + 1))  # a full page asks for one more, unless announced otherwise
    table = read_cache(tmp_path / "cache")
    assert table.part.value_counts().to_dict() == {"unit": units, "whole": 1} and table.unit_id.is_unique


@pytest.mark.parametrize("units", [200, 350])
def test_a_report_that_is_not_paginated_is_read_once(portal, newer, tmp_path, units):
    portal.paginate, portal.units = False, units
    newer()
    assert len(read_cache(tmp_path / "cache")) == units + 1


def test_pages_of_the_older_service(portal, older, tmp_path):
    portal.units = 1003
    older("2025-01", "2025-01", reports=(SCORES,))
    assert [parameters["pageIndex"] for _, parameters, _ in portal.seen] == [1, 2]
    assert len(read_cache(tmp_path / "cache")) == 1003


def test_units_that_the_service_announced_and_did_not_send(portal, newer):
    document = newer_data(ONLINE, {"currentPage": 1, "pageSize": 200, "rootDepartmentId": ROOT}, portal)
    document["data"]["pagination"] = {"currentPage": 1, "pageSize": 200, "total": 5, "totalPages": 1}
    portal.answers[ONLINE, "2026-01"] = document
    with pytest.raises(FetchFailed, match="3 units came of the 5"):
        newer()


def test_a_wrong_page_is_refused(portal, newer):
    document = newer_data(ONLINE, {"currentPage": 1, "pageSize": 200, "rootDepartmentId": ROOT}, portal)
    document["data"]["pagination"] = {"currentPage": 2, "pageSize": 200, "total": 3, "totalPages": 2}
    portal.answers[ONLINE, "2026-01"] = document
    with pytest.raises(FetchFailed, match="page 1 was asked for and page 2 came"):
        newer()


# --- politeness ----------------------------------------------------------------------------------------------------


def test_one_request_at_a_time_with_a_pause_between(portal, older, waits):
    older("2025-01", "2025-04")
    assert waits == [2.0] * 3 and portal.most_at_once == 1
    waits.clear()
    older("2025-05", "2025-06", pause=7)
    assert waits == [7.0]


def test_it_says_who_asks_keeps_no_cookie_and_no_secret(portal, older, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:1")
    older()
    for _, _, headers in portal.seen:
        assert headers["User-Agent"].startswith("hgdx_eval") and headers["Accept-Encoding"] == "identity"
        assert {"cookie", "authorization", "referer"}.isdisjoint(name.lower() for name in headers)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_that_passes(portal, older, waits, status):
    portal.faults = [Fault(status=status), Fault(status=status)]
    assert older("2025-01", "2025-01").requests == 3
    assert waits[0] >= 2.0 and waits[1] >= 4.0  # never below the pause


def test_back_off_doubles_jitters_and_is_capped(portal, older, waits):
    portal.faults = [Fault(status=503)] * 11
    with pytest.raises(
        FetchFailed,
        match=f"2025-01 {SUM}: HTTP status 503, after 11 tries; stopped at 1 of 3, what came before is kept in cache: run again",
    ):
        older(tries=11)
    assert len(waits) == 10 and max(waits) <= 120 and min(waits) >= 2
    assert all(0.5 * min(120, 2 * 2**i) <= seconds for i, seconds in enumerate(waits, start=1))
    assert len({module.back_off(4) for _ in range(20)}) > 1


def test_retry_after_in_seconds_and_as_a_date(portal, older, waits, monkeypatch):
    at(monkeypatch, "2026-03-01T00:00:00")
    later = email.utils.format_datetime(datetime(2026, 3, 1, 0, 1, 30, tzinfo=UTC), usegmt=True)
    portal.faults = [Fault(status=429, headers=(("Retry-After", "45"),)), Fault(status=503, headers=(("Retry-After", later),))]
    older("2025-01", "2025-01")
    assert waits == [45.0, 90.0]


def test_a_long_retry_after_ends_the_run_with_what_came_kept(portal, older, waits, tmp_path):
    portal.faults = [None, Fault(status=429, headers=(("Retry-After", "86400"),))]
    with pytest.raises(FetchFailed, match="come back in 86400 seconds; stopped at 2 of 3, "):
        older()
    assert len(portal.seen) == 2 and len(read_cache(tmp_path / "cache")) == 1


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1e9", "٣", "Wed, 99 Feb 2026"])
def test_a_retry_after_that_says_nothing(text):
    assert retry_after(text) == 0


def test_a_retry_after_in_the_past():
    assert retry_after(email.utils.format_datetime(datetime.now(UTC) - timedelta(hours=1))) == 0


def test_a_time_out_and_a_truncated_body_are_tried_again(portal, older, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    over = threading.Event()
    portal.faults = [Fault(until=over), Fault(cut=40)]
    lines = []
    assert older("2025-01", "2025-01", say=lines.append).requests == 3
    over.set()
    assert "no answer in time; try 1 of 5" in lines[0] and "the answer broke off; try 2 of 5" in lines[1]
    assert len(read_cache(tmp_path / "cache")) == 1


def test_an_answer_that_drips(portal, older, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.2)
    over = threading.Event()
    portal.faults = [Fault(until=over)]  # READ_SECONDS is longer: no single wait is too long
    with pytest.raises(FetchFailed, match="no whole answer in time"):
        older(tries=5)
    over.set()


def test_a_link_in_place_of_the_answers_is_refused_and_a_users_own_files_stay(portal, older, tmp_path):
    cache, victim = tmp_path / "cache", tmp_path / "victim"
    victim.mkdir()
    cache.mkdir()
    (cache / "answers").symlink_to(victim)
    with pytest.raises(InputError, match="answers is a link"):
        older("2025-01", "2025-01")
    (cache / "answers").unlink()
    (cache / "answers").mkdir()
    (cache / "answers" / ".mine.new").write_text("of its user", encoding="utf-8")
    (cache / ".index.jsonl.new").symlink_to(victim / "x")
    older("2025-01", "2025-01")
    assert not any(victim.iterdir()) and (cache / "answers" / ".mine.new").exists()


def test_nobody_listens(older, portal, waits, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FetchFailed, match="no connection, after 2 tries"):
        fetch(url, "older", PROVINCE, "2025-01", "2025-01", tmp_path / "other", tries=2)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(waits, tmp_path):
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", *words.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with portal_running(context) as portal:
        with pytest.raises(FetchFailed, match="certificate could not be verified"):
            fetch(portal.url, "older", PROVINCE, "2025-01", "2025-01", tmp_path / "cache")
        assert portal.url.startswith("https:") and portal.seen == [] and waits == []


# --- answers that are refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "found"), [
    (b"<!DOCTYPE html><html>B\xe1\xba\xa3o tr\xc3\xac CANARY</html>", "a web page of 45 bytes instead of JSON"),
    (b'[{"HS_TOTAL": "12", "CANARY', "no JSON or break off"),
    (b"", "an empty answer"),
    (b"\xff\xfeCANARY", "no UTF-8 text"),
])  # fmt: skip
def test_what_is_no_json_is_tried_again_and_then_refused(portal, older, tmp_path, body, found):
    portal.faults = [Fault(body=body), None]
    assert older("2025-01", "2025-01").requests == 2
    portal.faults = [Fault(body=body)] * 2
    with pytest.raises(FetchFailed, match=f"2025-02 {SUM}: .*{found}.*, after 2 tries") as error:
        older("2025-02", "2025-02", tries=2)
    assert "CANARY" not in str(error.value) and "\n" not in str(error.value)
    assert len(read_cache(tmp_path / "cache")) == 1


@pytest.mark.parametrize(("document", "found"), [
    ({"error": "CANARY"}, "an object instead of a list"),
    (None, "null instead of a list"),
    ([1], "a list instead of a list of objects"),
    ([{"HS_TOTAL": "1"}], "row 1 lacks 'HTN_TRUCTUYEN_TOTAL'; it has 'HS_TOTAL'"),
    ([older_row(1), older_row(2)], "2 rows where one was expected"),
    ([older_row(1, HS_TOTAL="1.234")], "row 1: HS_TOTAL is '1.234', which is no number"),
    ([older_row(1, HS_TOTAL="1,234")], "HS_TOTAL is '1,234'"),
    ([older_row(1, HTN_TRUCTUYEN="40,06")], "HTN_TRUCTUYEN is '40,06'"),
    ([older_row(1, HTN_TRUCTUYEN="40.06%")], "HTN_TRUCTUYEN is '40.06%'"),
    ([older_row(1, HTN_TRUCTUYEN="-1")], "out of range"),
    ([older_row(1, HS_TOTAL="12\n\x1b[31mred" + "x" * 90)], r"HS_TOTAL is '12\?\?\[31mredx+…'"),
    ([older_row(1) | {"HS_TOTAL": ["CANARY"]}], "HS_TOTAL is a list instead of a number"),
    ([older_row(1) | {"HS_TOTAL": True}], "HS_TOTAL is true or false instead of a number"),
    ([older_row(1) | {"HS_TOTAL": 12.5}], "out of range"),
    ([older_row(1) | {"TEN": "x" * 501}], "not a short text"),
    ([older_row(1, THANG="2")], "another period"),
    ([older_row(1, NAM="2024")], "another period"),
])  # fmt: skip
def test_a_changed_shape_of_the_older_service_is_refused_at_once(portal, older, waits, tmp_path, document, found):
    portal.answers[SUM, "2025-01"] = document
    with pytest.raises(FetchFailed, match=f"2025-01 {SUM}: .*{found}") as error:
        older("2025-01", "2025-01")
    assert waits == [] and "CANARY" not in str(error.value) and str(error.value).isprintable()
    assert list((tmp_path / "cache" / "answers").iterdir()) == []


@pytest.mark.parametrize(("change", "found"), [
    (lambda d: d.update(code="E\x1b500"), r"code 'E\?500'"),
    (lambda d: d.update(data=None), "null as 'data'"),
    (lambda d: d["data"].pop("children"), "'data' lacks 'children'; it has 'parent'"),
    (lambda d: d["data"].update(children={}), "an object as 'children'"),
    (lambda d: d["data"].update(parent=None), "units but null as 'parent'"),
    (lambda d: d["data"]["parent"].pop("channelTotalSum"), "parent lacks 'channelTotalSum'"),
    (lambda d: d["data"]["parent"].update(departmentId="other", departmentCode="H05"), "another unit"),
    (lambda d: d["data"]["children"][1].pop("departmentId"), "children 2 has no 'departmentId'"),
    (lambda d: d["data"]["children"].append(d["data"]["children"][0]), "a unit twice"),
    (lambda d: d["data"]["children"][0].update(score="7,5"), "children 1: score is '7,5'"),
    (lambda d: d["data"].update(pagination={"page": 1}), "'pagination' lacks"),
])  # fmt: skip
def test_a_changed_shape_of_the_newer_service_is_refused_at_once(portal, newer, waits, change, found):
    document = newer_data(ONLINE, {"currentPage": 1, "pageSize": 200, "rootDepartmentId": ROOT}, portal)
    change(document)
    portal.answers[ONLINE, "2026-01"] = document
    with pytest.raises(FetchFailed, match=f"2026-01 {ONLINE}: .*{found}"):
        newer()
    assert waits == []


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'[{"HS_TOTAL": NaN}]', b'[{"HS_TOTAL": "1", "HS_TOTAL": "2"}]', b'[{"HS_TOTAL": ' + b"9" * 5000 + b"}]"]
)
def test_json_that_is_out_to_hurt(portal, older, body):
    portal.faults = [Fault(body=body)]
    with pytest.raises(FetchFailed):
        older(tries=1)


def test_unknown_fields_are_named_once_and_kept_out(portal, older, tmp_path):
    for month in (1, 2):
        portal.answers[SUM, f"2025-0{month}"] = [older_row(month, MOI_TOTAL="5", LA="x")]
    assert older("2025-01", "2025-02").unknown == ("LA", "MOI_TOTAL")
    table = read_cache(tmp_path / "cache")
    assert table.attrs["unknown"] == ["LA", "MOI_TOTAL"] and "LA" not in table


def test_null_empty_and_zero_are_three_things_of_which_two_say_nothing(portal, older, tmp_path):
    portal.answers[SUM, "2025-01"] = [older_row(1, GDTT_TOTAL=None, DXLQH_TOTAL="", DXLTH_TOTAL="0", HS_TOTAL=" 12 ")]
    older("2025-01", "2025-01")
    row = read_cache(tmp_path / "cache").iloc[0]
    assert math.isnan(row.GDTT_TOTAL) and math.isnan(row.DXLQH_TOTAL) and row.DXLTH_TOTAL == 0 and row.HS_TOTAL == 12


@pytest.mark.parametrize(
    ("text", "count", "value"),
    [
        ("1234", True, 1234),
        ("1234.0", True, 1234),
        ("19.05", False, 19.05),
        (".36", False, 0.36),
        ("1.234", False, 1.234),
        (7, True, 7),
        (7.0, True, 7),
    ],
)
def test_numbers_as_the_portal_writes_them(text, count, value):
    assert number(text, count, "here") == value


@pytest.mark.parametrize(
    "text", ["1.234", "1,234", "1 234", "1.000", "12.00", "1e3", "+5", "-5", "٣", "0x10", "NaN", "inf", "null", "-", "9" * 16]
)
def test_a_count_that_could_be_read_in_two_ways_or_none(text):
    with pytest.raises(ChangedShape):
        number(text, True, "here")


@given(st.integers(0, 10**15 - 1))
def test_every_count_comes_back(value):
    assert number(str(value), True, "here") == value


@given(st.text(max_size=12), st.booleans())
def test_any_text_is_a_number_missing_or_refused(text, count):
    try:
        value = number(text, count, "here")
    except ChangedShape as error:
        assert str(error).isprintable()
    else:
        assert math.isnan(value) == (not text.strip()) and not (value < 0)


def test_too_large_an_answer_is_refused_with_and_without_an_announced_length(portal, older, tmp_path):
    with pytest.raises(FetchFailed, match="more than 100 bytes"):
        older(most_bytes=100)
    bomb = b"[" + b" " * 30_000_000 + b"]"
    portal.faults = [Fault(body=bomb, gzip=True)]
    with pytest.raises(FetchFailed, match="more than 100,000 bytes"):
        older(most_bytes=100_000)
    assert list((tmp_path / "cache" / "answers").iterdir()) == []


def test_an_answer_compressed_unasked_is_read(portal, older, tmp_path):
    portal.faults = [Fault(gzip=True)]
    older("2025-01", "2025-01")
    assert read_cache(tmp_path / "cache").HS_TOTAL.tolist() == [1001]


@pytest.mark.parametrize("target", ["https://elsewhere.invalid/jsp/rest.jsp", "//elsewhere.invalid/", "http://127.0.0.1:9/", "/p/home/"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(portal, older, waits, target, status):
    portal.faults = [Fault(status=status, headers=(("Location", target),))]
    with pytest.raises(FetchFailed, match="another page of the host" if target == "/p/home/" else "another host"):
        older()
    assert len(portal.seen) == 1 and waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 418, 501, 204])
def test_other_statuses_are_not_tried_again(portal, older, status):
    portal.faults = [Fault(status=status)]
    with pytest.raises(FetchFailed, match=f"HTTP status {status}"):
        older()
    assert len(portal.seen) == 1


# --- options -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "said"), [
    (dict(base_url="http://dichvucong.gov.vn"), "only https"),
    (dict(base_url="http://127.0.0.1.evil.invalid"), "only https"),
    (dict(base_url="ftp://localhost"), "write https://HOST"),
    (dict(base_url="dichvucong.gov.vn"), "write https://HOST"),
    (dict(base_url="https://x:y@host.invalid"), "no user name or password"),
    (dict(base_url="https://host.invalid/jsp/rest.jsp"), "only scheme, host and port"),
    (dict(base_url="https://host.invalid:99999"), "not an address"),
    (dict(pause=0.4), "0.5 to 3600"),
    (dict(pause=math.nan), "0.5 to 3600"),
    (dict(pause=-1), "0.5 to 3600"),
    (dict(service="oldest"), "allowed: older, newer"),
    (dict(reports=(ONLINE,)), "the older service gives"),
    (dict(province="H30"), "the portal's own number"),
    (dict(service="newer", province="../x"), "rootDepartmentId"),
    (dict(first="2025-13"), "YYYY-MM"),
    (dict(first="2025-3"), "YYYY-MM"),
    (dict(first="2025-04"), "after --to"),
    (dict(first="1990-01"), "at most 240"),
    (dict(last="2999-01", first="2999-01"), "not over yet"),
    (dict(tries=0), "at least 1"),
])  # fmt: skip
def test_wrong_options_are_refused_before_anything_is_sent_or_written(tmp_path, monkeypatch, change, said):
    monkeypatch.setattr(module, "post", lambda *words: pytest.fail("a request was sent"))
    options = (
        dict(base_url=module.PORTAL, service="older", province=PROVINCE, first="2025-01", last="2025-03", folder=tmp_path / "cache")
        | change
    )
    with pytest.raises(InputError, match=said) as error:
        fetch(**options)
    assert "\n" not in str(error.value) and not (tmp_path / "cache").exists()


def test_the_running_month_by_the_portals_clock(monkeypatch):
    at(monkeypatch, "2025-02-28T16:59:00")
    with pytest.raises(InputError, match="not over yet"):
        module.months_between("2025-01", "2025-02")
    at(monkeypatch, "2025-02-28T17:00:00")  # midnight in Hà Nội
    assert module.months_between("2025-01", "2025-02") == ["2025-01", "2025-02"]


def test_a_file_where_the_folder_should_be(portal, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        fetch(portal.url, "older", PROVINCE, "2025-01", "2025-01", tmp_path / "cache")


# --- the table -----------------------------------------------------------------------------------------------------


def test_the_csv_is_tidy_and_harmless_in_a_spreadsheet(portal, older, tmp_path):
    portal.answers[SCORES, "2025-01"] = [score_row(1, TEN="=1+1", MA_COQUAN="@H30"), score_row(2, TEN="Sở  Tư\u200b\npháp", TTTT=None)]
    older("2025-01", "2025-01", reports=(SCORES, SUM))
    path = write_table(tmp_path / "cache")
    assert path == tmp_path / "cache" / "months.csv"
    text = path.read_bytes().decode()
    assert "\r" not in text and "1001," in text and "1001.0" not in text
    table = pd.read_csv(path, dtype={"unit_id": str})
    assert table[table.report == SCORES].unit_name.tolist() == ["'=1+1", "Sở Tư pháp"]
    assert table[table.report == SCORES].unit_code.tolist() == ["'@H30", "H30.2"]
    assert table[table.report == SCORES].TTTT.isna().tolist() == [False, True]
    assert table[table.report == SUM].HTN_TRUCTUYEN_KHONGCHUAN_TOTAL.tolist() == [0]
    assert set(zip(table.report, table.definition)) == {(SCORES, "index_766"), (SUM, "online_share")}
    with pytest.raises(InputError, match="two definitions are not one series"):
        told_definition(path)
    assert table.groupby(["report", "period", "part", "unit_id"]).size().max() == 1
