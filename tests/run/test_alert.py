import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from made_runs import made_run
from test_cli import call

from hgdx_eval.base.errors import Busy, InputError, RunFailed
from hgdx_eval.run import alert
from hgdx_eval.run.alert import FAILURE, VERDICT, Event, post, take_webhook, verdict_event, watched, words_of

EVENT = Event("mine", FAILURE, "mine: ValueError: vì sao", "20240205T020000Z-00000002", None, 2)
SECRET = "token-of-this-test"


@pytest.fixture
def stub():
    """A webhook that answers what `answers` says (a status, or silence until an event is set), then 200; `seen` holds what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            answer = server.answers.pop(0) if server.answers else 200
            if isinstance(answer, threading.Event):
                answer.wait(60)
                answer = 200
            self.send_response(answer)
            if answer in (301, 302, 307, 308):
                self.send_header("Location", f"http://localhost:{server.server_port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.answers = [], []
    server.address = f"http://127.0.0.1:{server.server_port}/{SECRET}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_body_is_what_is_documented(stub):
    assert post(EVENT, stub.address) == ""
    ((path, body),) = stub.seen
    assert path == f"/{SECRET}"
    assert json.loads(body) == {"study": "mine", "event": "failure", "reason": "mine: ValueError: vì sao", "run": EVENT.run,
                                "verdict": None, "previous_verdict": 2}  # fmt: skip


@pytest.mark.parametrize(("answers", "tries", "says"), [([500], 2, ""), ([500, 503], 2, "503"), ([404, 404], 2, "404"), ([204], 1, ""),
                                                       ([302, 302], 2, "302"), ([307, 308], 2, "308")])  # fmt: skip
def test_one_more_try_and_no_redirect_followed(stub, answers, tries, says):
    stub.answers = list(answers)
    problem = post(EVENT, stub.address)
    assert len(stub.seen) == tries and all(path == f"/{SECRET}" for path, _ in stub.seen)
    assert says in problem and bool(says) == bool(problem) and SECRET not in problem and "127.0.0.1" not in problem


def test_silence_and_refusal_end_soon_and_name_no_address(stub, monkeypatch):
    monkeypatch.setattr(alert, "ANSWER_SECONDS", 0.2)
    over = threading.Event()
    stub.answers = [over, over]
    problem = post(EVENT, stub.address)
    assert "in time" in problem and len(stub.seen) == 2
    over.set()
    for address in (f"http://127.0.0.1:1/{SECRET}", f"http://no-such-host.invalid/{SECRET}"):
        problem = post(EVENT, address)
        assert "could not be reached" in problem and SECRET not in problem and "invalid" not in problem and "127" not in problem


@pytest.fixture
def trickle():
    """A server that answers one byte at a time, never whole: `answer` says of what."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)
    over = threading.Event()

    def serve():
        while not over.is_set():
            try:
                taken, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(taken,), daemon=True).start()

    def drip(taken):
        head = b"HTTP/1.1 200 OK\r\n" if trickle.answer != "status" else b"HTTP/1.1 2"
        end = b"\r\n" if trickle.answer == "body" else b""
        with taken, suppress(OSError):
            taken.sendall(head + end)
            while not over.wait(0.05):
                taken.sendall(b"0" if trickle.answer != "headers" else b"x: y\r\n"[:1])

    threading.Thread(target=serve, daemon=True).start()
    trickle = SimpleNamespace(answer="headers", address=f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}")
    yield trickle
    over.set()
    server.close()


@pytest.mark.parametrize(("answer", "problem"), [("status", "in time"), ("headers", "in time"), ("body", "")])
def test_an_answer_byte_by_byte_ends_at_the_one_deadline(trickle, monkeypatch, answer, problem):
    monkeypatch.setattr(alert, "WEBHOOK_SECONDS", 0.5)
    trickle.answer = answer
    began = time.monotonic()
    found = post(EVENT, trickle.address)
    assert time.monotonic() - began < 1.5 and problem in found and bool(problem) == bool(found) and SECRET not in found


def test_a_name_that_is_looked_up_for_ever_ends_at_the_deadline_too(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(alert, "WEBHOOK_SECONDS", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(20))
    began = time.monotonic()
    assert "in time" in post(EVENT, f"http://example.invalid/{SECRET}") and time.monotonic() - began < 1.2
    over.set()


def test_the_address_is_taken_out_of_the_environment(monkeypatch):
    monkeypatch.setenv("HGDX_WEBHOOK", "https://example.org/x")
    assert take_webhook() == "https://example.org/x" and "HGDX_WEBHOOK" not in os.environ and take_webhook() == ""
    for wrong in (f"file:///{SECRET}", SECRET, f"ftp://{SECRET}", f"https://[{SECRET}"):
        monkeypatch.setenv("HGDX_WEBHOOK", wrong)
        with pytest.raises(InputError, match="HGDX_WEBHOOK") as refused:
            take_webhook()
        assert SECRET not in str(refused.value)


def test_a_command_is_words_and_no_shell_reads_it(tmp_path, monkeypatch):
    assert words_of("mail -s 'hai từ' a; rm -rf $HOME") == ["mail", "-s", "hai từ", "a;", "rm", "-rf", "$HOME"]
    for wrong in ("mail 'a", "", "  "):
        with pytest.raises(InputError, match="--on-failure"):
            words_of(wrong)
    monkeypatch.setenv("HGDX_WEBHOOK", SECRET)
    out = tmp_path / "told"
    script = f"import os; open({str(out)!r}, 'w').write(repr(sorted((k, v) for k, v in os.environ.items() if 'HGDX_' in k)))"
    assert alert.run_command(EVENT, [sys.executable, "-c", script]) == ""
    told = out.read_text(encoding="utf-8")
    assert "'HGDX_EVENT', 'failure'" in told and "vì sao" in told and "('HGDX_STUDY', 'mine')" in told and SECRET not in told
    assert "ended with 3" in alert.run_command(EVENT, [sys.executable, "-c", "raise SystemExit(3)"])
    assert "could not be started" in alert.run_command(EVENT, ["no-such-command"])
    monkeypatch.setattr(alert, "COMMAND_SECONDS", 0.3)
    assert "took more" in alert.run_command(EVENT, [sys.executable, "-c", "import time; time.sleep(9)"])


def test_a_verdict_is_told_once_when_it_changes(tmp_path):
    old = made_run(tmp_path, "20240205T020000Z-00000001", verdict=3)
    new = made_run(tmp_path, "20240305T020000Z-00000002", verdict=2)
    event = verdict_event({"mine": old.name}, new)
    assert (event.event, event.verdict, event.previous_verdict, event.run) == (VERDICT, 2, 3, new.name)
    same = made_run(tmp_path, "20240405T020000Z-00000003", verdict=2)
    assert (
        verdict_event({"mine": new.name}, same) is None
        and verdict_event({}, new) is None
        and verdict_event({"mine": new.name}, new) is None
    )


@pytest.mark.parametrize(("error", "events", "says"), [(RunFailed("mine: out of time"), 1, "out of time"), (InputError("a.csv: no rows"), 1, "a.csv: no rows"), (ZeroDivisionError("x"), 1, "ZeroDivisionError in "),
                                              (Busy("mine: busy"), 0, ""), (None, 0, "")])  # fmt: skip
def test_which_ends_are_told(stub, tmp_path, monkeypatch, error, events, says):
    made_run(tmp_path, "20240205T020000Z-00000001", verdict=3)
    monkeypatch.setenv("HGDX_WEBHOOK", stub.address)
    try:
        with watched("studies/mine.yaml", tmp_path, None) as told:
            if error:
                raise error
            told(tmp_path / "mine/20240205T020000Z-00000001")
    except (RunFailed, InputError, ZeroDivisionError, Busy) as raised:
        assert raised is error
    assert len(stub.seen) == events
    if events:
        told = json.loads(stub.seen[0][1])
        assert told["study"] == "mine" and told["previous_verdict"] == 3 and says in told["reason"] and "/" not in told["reason"]


@pytest.mark.long
def test_a_bad_study_is_told_of_with_its_one_line_and_exit_code_2(stub, tmp_path):
    (tmp_path / "mine.yaml").write_text("study: mine\nwhat: 1\n", encoding="utf-8")
    script = tmp_path / "told.py"
    script.write_text(
        "import os; open('told', 'w').write(os.environ['HGDX_REASON'] + os.environ.get('HGDX_WEBHOOK', ''))", encoding="utf-8"
    )
    done = call("run", "mine.yaml", "--out", "out", "--on-failure", f"'{sys.executable}' '{script}'", cwd=tmp_path,
                env={"HGDX_WEBHOOK": stub.address})  # fmt: skip
    line = done.stderr.strip().splitlines()[-1].removeprefix("hgdx-eval: ")
    assert done.returncode == 2 and len(stub.seen) == 1
    assert json.loads(stub.seen[0][1])["reason"] == (tmp_path / "told").read_text(encoding="utf-8") == line
    failed = call("run", "mine.yaml", "--on-failure", "no-such-command", cwd=tmp_path, env={"HGDX_WEBHOOK": f"http://127.0.0.1:1/{SECRET}"})
    assert failed.returncode == 2 and failed.stderr.count("not delivered") == 2 and SECRET not in failed.stderr
    refused = call("run", "mine.yaml", "--on-failure", "'", cwd=tmp_path)
    assert refused.returncode == 2 and len(refused.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_a_run_tells_of_a_failed_cell_and_no_kernel_sees_the_address(stub, tmp_path):
    import shutil

    import nbformat
    from test_cli import ROOT, STUDY

    rows = [f"{u},{y},{i + (u == 'a' and y >= 2021) * 2 + (i * y) % 3 / 50}" for i, u in enumerate("abcdefgh") for y in range(2015, 2025)]
    (tmp_path / "data.csv").write_text("unit,year,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    notebook = nbformat.read(ROOT / "notebooks" / "brief.ipynb", 4)
    notebook.cells[4].source = "import os; raise (ValueError if os.environ.get('HGDX_WEBHOOK') else KeyError)('untold')"
    nbformat.write(notebook, tmp_path / "notebooks" / "brief.ipynb")
    done = call("run", "mine.yaml", "--out", "out", "--lang", "vi", cwd=tmp_path,
                env={"HGDX_WEBHOOK": stub.address, "HGDX_NOTEBOOKS": str(tmp_path / "notebooks")})  # fmt: skip
    assert done.returncode == 1 and "KeyError" in done.stderr
    told = json.loads(stub.seen[0][1])
    assert told["event"] == "failure" and told["reason"].endswith("KeyError; nothing was published")
    (receipt,) = (tmp_path / "out/mine/failed").glob("*/receipt.json")
    assert told["run"] == receipt.parent.name
    assert "KeyError" in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    found = subprocess.run(["grep", "-rl", SECRET, str(tmp_path)], capture_output=True, text=True)
    assert found.stdout == "" and SECRET not in done.stderr
    assert (
        subprocess.run(["grep", "-rl", "untold", str(tmp_path / "out/mine/failed")], capture_output=True).stdout.count(b"\n") == 1
    )  # the cell
