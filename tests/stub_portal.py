"""A made-up portal on this machine that speaks both JSON services, as far as public code that reads the real one shows them.

Every number in it is invented. `Portal.faults` is a queue: each request takes the first fault, None is a normal answer.
"""

import gzip
import json
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

PROVINCE, ROOT = "398126", "019d2be3-0000-4000-8000-00000000h030"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    until: threading.Event | None = None  # before which no byte comes
    cut: int = 0  # bytes of the announced length that never come
    gzip: bool = False


@dataclass
class Portal:
    """`url` to ask; `seen`: (path, parameters, headers) of every request; `answers`: (report, month) -> document instead of the usual."""

    url: str = ""
    faults: list = field(default_factory=list)
    seen: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    paginate: bool = True
    announce: bool = False
    units: int = 3
    most_at_once: int = 0
    at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def months(self) -> list[str]:
        return [month_of(parameters) for _, parameters, _ in self.seen]


def month_of(parameters: dict) -> str:
    return f"{parameters.get('p_nam', parameters.get('year'))}-{int(parameters.get('p_thang', parameters.get('month'))):02d}"


def older_row(month: int, **change: object) -> dict:
    """One province's month as `report_by_month_sum_service` gives it: values are text."""
    received = 1000 + month
    row = {
        "HS_TOTAL": received, "HTN_TRUCTUYEN_TOTAL": 400 + month, "HTN_TRUCTUYEN_KHONGCHUAN_TOTAL": 0, "HTN_TRUCTIEP_TOTAL": 590,
        "HTN_BUUCHINH_TOTAL": 10, "DXLTH_TOTAL": 900, "DXLQH_TOTAL": 12, "GDTT_TOTAL": 55, "GDTTQG_TOTAL": 50,
        "HTN_TRUCTUYEN": round(100 * (400 + month) / received, 2), "GDTT": ".5",
    }  # fmt: skip
    return {key: value if value is None else str(value) for key, value in (row | change).items()}


def score_row(number: int, **change: object) -> dict:
    row = {"ID": 400000 + number, "TEN": f"UBND xã Số {number}", "MA_COQUAN": f"H30.{number}", "CKMB": "18", "TDGQ": "19.05", "TTTT": "10",
           "CLGQ": "8.36", "MDHL": "17.86", "MDSH": "20.79", "TONG_SCORE": "94.06", "ROW_STT": number}  # fmt: skip
    return {key: value if value is None else str(value) for key, value in (row | change).items()}


def newer_data(report: str, parameters: dict, portal: Portal) -> dict:
    start = (parameters["currentPage"] - 1) * parameters["pageSize"] if portal.paginate else 0
    numbers = range(1, portal.units + 1)[start : start + parameters["pageSize"] if portal.paginate else None]
    children = [{"stt": i, "departmentId": f"unit-{i}", "departmentName": f"Sở Số {i}", "departmentCode": f"H30.{i:02d}", "score": 7.5,
                 "maxScore": 12, "scoreDelta": -0.25} for i in numbers]  # fmt: skip
    parent = {"departmentId": parameters["rootDepartmentId"], "departmentName": "UBND tỉnh Hậu Giang", "departmentCode": "H30",
              "totalScore": 9.1, "scoreDelta": None}  # fmt: skip
    if report == "provide-online-tree":
        parent |= {"channelOnlineSum": 420, "channelDirectSum": 570, "channelPostalSum": 0, "channelTotalSum": 990, "onlineOnTimeSum": None}
    if report == "formality-online-payment-tree":
        parent |= {"totalDossierOnlinePaymentSuccess": 61, "totalDossierFinancialObligation": 800}
        for child in children:
            child |= {"totalDossierOnlinePaymentSuccess": 0, "totalDossierFinancialObligation": None}
    data = {"parent": parent, "children": children}
    if report == "service-results":
        data = {"overview": {}, "evaluation": [child | {"totalScore": 80, "groupScores": {"CKMB": 18, "TTTT": None}} for child in children]}
    if portal.announce:
        size = parameters["pageSize"]
        data["pagination"] = {
            "currentPage": parameters["currentPage"],
            "pageSize": size,
            "total": portal.units,
            "totalPages": -(-portal.units // size),
        }
    return {"code": "OK", "data": data, "message": None}


def document_for(portal: Portal, path: str, parameters: dict) -> object:
    report = parameters.get("service") or path.rsplit("/", 1)[-1]
    if (report, month_of(parameters)) in portal.answers:
        return portal.answers[report, month_of(parameters)]
    if report == "report_by_month_sum_service":
        return [older_row(parameters["p_thang"])]
    if report == "report_tinh_766_service":
        size = parameters["pageSize"]
        return [score_row(i + 1) for i in range(portal.units)][(parameters["pageIndex"] - 1) * size :][:size]
    return newer_data(report, parameters, portal)


def handler_for(portal: Portal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with portal.lock:
                portal.at_once += 1
                portal.most_at_once = max(portal.most_at_once, portal.at_once)
            try:
                self.answer()
            finally:
                with portal.lock:
                    portal.at_once -= 1

        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            older = self.path == "/jsp/rest.jsp"
            parameters = json.loads(parse_qs(raw)["params"][0] if older else raw)
            portal.seen.append((self.path, parameters, dict(self.headers)))
            fault = (portal.faults.pop(0) if portal.faults else None) or Fault()
            body = fault.body
            if body is None:
                body = json.dumps(document_for(portal, self.path, parameters), ensure_ascii=False).encode()
            body = gzip.compress(body) if fault.gzip else body
            if fault.until:
                fault.until.wait(60)
            try:
                self.send_response(fault.status or (200 if older else 201))
                self.send_header("Content-Type", "application/json;charset=UTF-8")
                self.send_header("Set-Cookie", "JSESSIONID=kept-by-nobody")
                if fault.gzip:
                    self.send_header("Content-Encoding", "gzip")
                for name, value in fault.headers:
                    self.send_header(name, value)
                if not any(name == "Transfer-Encoding" for name, _ in fault.headers):
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) - fault.cut])
            except OSError:  # the caller has hung up
                pass
            self.close_connection = self.close_connection or bool(fault.cut)

        def log_message(self, *words: object) -> None:
            pass

    return Handler


@contextmanager
def portal_running(tls: ssl.SSLContext | None = None):
    portal = Portal()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(portal))
    server.daemon_threads = True
    server.handle_error = lambda *words: None  # a caller that hangs up is part of the play
    portal.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
