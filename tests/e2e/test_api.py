# SPDX-License-Identifier: Apache-2.0
"""The API as web/openapi.json describes it: every operation, who may use it, and hostile clients."""
import json
import os
import random
import re
import socket
import stat
import threading
import time

import jsonschema
import pytest

from desk import ROOT, Desk, build_folder

with open(os.path.join(ROOT, "web", "openapi.json"), encoding="utf-8") as description:
    OPENAPI = json.load(description)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    if build_folder() is None:
        pytest.fail("deskd is not built: tools/build tests")
    d = Desk(tmp_path_factory.mktemp("desk"))
    d.do("block 192.0.2.20")
    d.do("block 192.0.2.30")
    d.do("block 203.0.113.30")
    yield d
    assert d.stop() == 0, d.log()
    assert "ERROR" not in d.log(), d.log()


def local(desk, method, path, body=None, **headers):
    return desk.ask(method, path, body, local=True, headers={k.replace("_", "-"): v for k, v in headers.items()})


def make_token(desk, **body):
    made = local(desk, "POST", "/tokens", body)
    assert made.status == 201
    return made.json["token"]


def case_of(desk, source):
    return local(desk, "GET", f"/cases?source={source}").json["items"][0]["id"]


def checked(answer, path, method):
    """The answer fits what openapi.json says of this operation and status."""
    operation = OPENAPI["paths"][path][method]
    said = operation["responses"].get(str(answer.status), operation["responses"]["default"])
    kind = answer.headers["Content-Type"].split(";")[0]
    assert kind in said["content"], (path, method, answer.status, kind)
    schema = {**said["content"][kind]["schema"], "components": OPENAPI["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json)
    if kind == "application/problem+json":
        assert answer.json["status"] == answer.status
    return answer


def test_the_table_of_routes_and_the_description_are_the_same():
    with open(os.path.join(ROOT, "src", "daemon", "desk", "api_routes.c"), encoding="utf-8") as source:
        rows = re.findall(r'\{HTTP_(\w+), "([^"]+)", ACCESS_(\w+),', source.read())
    routes = {(path, method.lower(), access.lower()) for method, path, access in rows}
    described = {(path, method, operation["x-access"]) for path, methods in OPENAPI["paths"].items()
                 for method, operation in methods.items()}
    assert routes == described


def test_every_get_answers_as_described(desk):
    values = {"{id}": {"/cases/{id}": case_of(desk, "192.0.2.20"), "/messages/{id}": "1", "/orders/{id}": "1"},
              "{source}": "192.0.2.20"}
    case = "?case=" + case_of(desk, "192.0.2.20")
    for path, methods in OPENAPI["paths"].items():
        if "get" not in methods:
            continue
        url = path.replace("{source}", values["{source}"])
        if "{id}" in url:
            url = url.replace("{id}", values["{id}"][path])
        answer = local(desk, "GET", url + (case if path in ("/messages", "/evidence") else ""))
        assert answer.status == 200, (path, answer.body)
        checked(answer, path, "get")
    case = local(desk, "GET", "/cases/" + case_of(desk, "192.0.2.20")).json
    assert [e["kind"] for e in case["evidence"]] == ["content", "recipients"]
    assert len(case["samples"]) == 3 and case["unblock"]["policy"] == "checked"
    assert local(desk, "GET", "/messages?message_id=spam-1@b.example").json["items"][0]["message_id"] == "<spam-1@b.example>"


def test_problems_are_as_described(desk):
    for method, path, row, body, status in [
            ("GET", "/cases/999", "/cases/{id}", None, 404), ("GET", "/cases/x", "/cases/{id}", None, 404),
            ("GET", "/cases?state=nonsense", "/cases", None, 422), ("GET", "/sources?limit=0", "/sources", None, 422),
            ("GET", "/sources?cursor=zzz", "/sources", None, 422), ("GET", "/sources/hello", "/sources/{source}", None, 422),
            ("GET", "/sources/10.0.0.1", "/sources/{source}", None, 404), ("GET", "/messages/77", "/messages/{id}", None, 404),
            ("GET", "/orders/77", "/orders/{id}", None, 404), ("POST", "/orders", "/orders", {"source": "192.0.2.9"}, 422),
            ("POST", "/orders", "/orders", {"source": "192.0.2.9", "rung": "block"}, 422),
            ("POST", "/orders", "/orders", [1], 400), ("POST", "/tokens", "/tokens", {"name": "x", "role": "king"}, 422),
            ("POST", "/tokens", "/tokens", {"name": "x", "role": "owner"}, 422), ("DELETE", "/tokens/999", "/tokens/{id}", None, 404)]:
        answer = checked(local(desk, method, path, body), row, method.lower())
        assert answer.status == status, (method, path, answer.body)
    assert local(desk, "GET", "/nothing").status == 404
    assert local(desk, "DELETE", "/cases/1").status == 405
    assert local(desk, "POST", "/orders", b"{", Content_Type="application/json").status == 400
    assert local(desk, "POST", "/orders", b"a=b", Content_Type="application/x-www-form-urlencoded").status == 415
    assert local(desk, "GET", "/sources/%zz").status == 404


def test_orders_enter_the_kernel_or_say_that_they_would(desk):
    body = {"source": "192.0.2.77", "rung": "block", "reason": "a test"}
    dry = checked(local(desk, "POST", "/orders", {**body, "dry_run": True}), "/orders", "post")
    assert dry.status == 200 and local(desk, "GET", "/orders?source=192.0.2.77").json["items"] == []
    given = checked(local(desk, "POST", "/orders", body), "/orders", "post")
    assert given.status == 201
    order = local(desk, "GET", "/orders/" + given.json["id"]).json
    assert order["state"] == "installed" and order["giver"] == "staff" and order["who"]
    observed = local(desk, "POST", "/orders", {**body, "source": "198.51.100.7"}).json
    assert local(desk, "GET", "/orders/" + observed["id"]).json["state"] == "would"
    v6 = local(desk, "POST", "/orders", {**body, "source": "2001:db8:7::1"}).json
    assert v6["source"] == "2001:db8:7::/64"


def test_one_key_gives_one_order(desk):
    body = {"source": "192.0.2.78", "rung": "throttle", "reason": "once"}
    first = local(desk, "POST", "/orders", body, Idempotency_Key="k1")
    again = local(desk, "POST", "/orders", body, Idempotency_Key="k1")
    assert first.status == again.status == 201 and first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(local(desk, "GET", "/orders?source=192.0.2.78").json["items"]) == 1
    assert local(desk, "POST", "/orders", {**body, "reason": "twice"}, Idempotency_Key="k1").status == 422


def test_a_case_that_has_changed_is_not_changed_blindly(desk):
    case = case_of(desk, "192.0.2.20")
    seen = local(desk, "GET", "/cases/" + case)
    noted = local(desk, "POST", f"/cases/{case}/notes", {"text": "first"}, If_Match=seen.headers["ETag"])
    checked(noted, "/cases/{id}/notes", "post")
    assert noted.json["story"][-1]["text"] == "first"
    acked = checked(local(desk, "POST", f"/cases/{case}/acknowledge", {}), "/cases/{id}/acknowledge", "post")
    assert acked.json["state"] == "acknowledged"
    assert local(desk, "POST", f"/cases/{case}/fixing", {}, If_Match=seen.headers["ETag"]).status == 412
    fixing = checked(local(desk, "POST", f"/cases/{case}/fixing", {}), "/cases/{id}/fixing", "post")
    assert fixing.json["state"] == "fixing"
    assigned = checked(local(desk, "POST", f"/cases/{case}/assign", {"assignee": "anna"}), "/cases/{id}/assign", "post")
    assert assigned.json["assignee"] == "anna"
    shut = checked(local(desk, "POST", f"/cases/{case}/close", {"reason": "no"}), "/cases/{id}/close", "post")
    assert shut.status == 409  # the source is still shut


def test_a_premature_unblock_is_answered_with_what_is_not_proved(desk):
    case = case_of(desk, "192.0.2.20")
    desk.do("block 192.0.2.20")
    answer = checked(local(desk, "POST", f"/cases/{case}/unblock", {"cause": "a password", "fix": "changed"}),
                     "/cases/{id}/unblock", "post")
    assert answer.status == 409 and answer.json["decision"] == "refused"
    results = {c["name"]: c["result"] for c in answer.json["unblock"]["checks"]}
    assert results["cool_down"] == "failed" and results["cause_and_fix"] == "reported"
    dry = local(desk, "POST", f"/cases/{case}/unblock", {"dry_run": True})
    assert dry.json["dry_run"] is True


def test_policy_owner_warns_and_then_obeys(desk):
    case = case_of(desk, "203.0.113.30")
    plea = {"cause": "a form", "fix": "removed"}
    warned = checked(local(desk, "POST", f"/cases/{case}/unblock", plea), "/cases/{id}/unblock", "post")
    assert warned.status == 409 and warned.json["decision"] == "warned"
    opened = checked(local(desk, "POST", f"/cases/{case}/unblock", {**plea, "insist": True}), "/cases/{id}/unblock", "post")
    assert opened.status == 200 and opened.json["decision"] == "granted"
    assert local(desk, "GET", "/cases/" + case).json["state"] == "probation"
    assert checked(local(desk, "POST", f"/cases/{case}/unblock", plea), "/cases/{id}/unblock", "post").status == 409


def test_who_may_what(desk):
    mine, other = case_of(desk, "192.0.2.20"), case_of(desk, "192.0.2.30")
    owner = make_token(desk, name="b", role="owner", tenant="b")
    viewer = make_token(desk, name="look", role="observer")
    assert desk.ask("GET", "/status").status == 401
    assert desk.ask("GET", "/status", token="pt_wrong").status == 401
    assert desk.ask("GET", "/status", token="Basic eDp5").status == 401
    assert desk.ask("GET", "/status", token=viewer).status == 200
    assert desk.ask("POST", "/orders", {"source": "192.0.2.9", "rung": "block", "reason": "x"}, viewer).status == 403
    assert desk.ask("POST", f"/cases/{mine}/notes", {"text": "x"}, viewer).status in (403, 422)
    assert {c["tenant"] for c in desk.ask("GET", "/cases?tenant=c", token=owner).json["items"]} == {"b"}
    assert {s["tenant"] for s in desk.ask("GET", "/sources?tenant=c", token=owner).json["items"]} == {"b"}
    assert desk.ask("GET", "/cases/" + other, token=owner).status == 404
    assert desk.ask("POST", f"/cases/{other}/notes", {"text": "x"}, owner).status == 404
    assert desk.ask("GET", "/sources/192.0.2.30", token=owner).status == 404
    assert desk.ask("GET", "/messages?case=" + other, token=owner).status == 404
    theirs = local(desk, "GET", "/messages?case=" + other).json["items"]
    assert all(desk.ask("GET", "/messages/" + m["id"], token=owner).status == 404 for m in theirs)
    for path in ("/status", "/orders", "/audit", "/tokens", "/events"):
        assert desk.ask("GET", path, token=owner).status == 403
    token_id = [t["id"] for t in local(desk, "GET", "/tokens").json["items"] if t["name"] == "look"][0]
    checked(local(desk, "DELETE", "/tokens/" + token_id), "/tokens/{id}", "delete")
    assert desk.ask("GET", "/status", token=viewer).status == 401
    assert any(a["action"] == "token.add" for a in local(desk, "GET", "/audit").json["items"])


def test_a_wrong_link_is_nobody(desk):
    case = case_of(desk, "192.0.2.20")
    for key in (f"Link {case}:" + "0" * 32, "Link x:y", f"Link {case}", "Link 99999999999999999999:a"):
        assert desk.ask("GET", "/cases/" + case, token=key).status == 401


def test_the_cookie_needs_its_header(tmp_path):
    d = Desk(tmp_path)
    try:
        d.do("block 192.0.2.20")
        assert stat.S_IMODE(os.stat(d.first_token_path).st_mode) == 0o600
        token = d.first_token
        assert d.ask("POST", "/login", {"token": "pt_no"}).status == 401
        entered = checked(d.ask("POST", "/login", {"token": token}), "/login", "post")
        cookie = entered.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and token not in cookie
        assert not os.path.exists(d.first_token_path)
        assert d.ask("POST", "/login", {"token": token}).status == 401  # once
        jar = {"Cookie": cookie.split(";")[0]}
        who = d.ask("GET", "/session", headers=jar).json
        assert who["role"] == "staff" and who["csrf"] == entered.json["csrf"]
        assert d.ask("POST", "/cases/1/notes", {"text": "x"}, headers=jar).status == 403
        assert d.ask("POST", "/cases/1/notes", {"text": "x"}, headers={**jar, "X-CSRF-Token": "0" * 32}).status == 403
        assert d.ask("POST", "/cases/1/notes", {"text": "x"}, headers={**jar, "X-CSRF-Token": who["csrf"]}).status == 200
        # The cookie's token is for the cookie.
        assert d.ask("GET", "/status", token=jar["Cookie"].split("=")[1]).status == 401
        assert d.stop() == 0
        d.start()  # what was there is there again
        assert d.ask("GET", "/session", headers=jar).status == 200
        assert d.ask("POST", "/logout", {}, headers={**jar, "X-CSRF-Token": who["csrf"]}).status == 200
        assert d.ask("GET", "/session", headers=jar).status == 401
    finally:
        assert d.stop() == 0, d.log()


def test_lists_are_walked_with_cursors(desk):
    for n in range(5):
        local(desk, "POST", "/orders", {"source": f"192.0.2.{100 + n}", "rung": "watch", "reason": "many"})
    seen, cursor = [], ""
    while cursor is not None:
        part = local(desk, "GET", "/orders?limit=2" + (f"&cursor={cursor}" if cursor else "")).json
        assert len(part["items"]) <= 2
        seen += [o["id"] for o in part["items"]]
        cursor = part["next"]
    assert len(seen) == len(set(seen)) >= 5
    assert seen == [o["id"] for o in local(desk, "GET", "/orders?limit=1000").json["items"]]


def test_metrics_are_text_without_names_of_customers(desk):
    text = desk.ask("GET", "//metrics").body.decode()
    for line in text.splitlines():
        assert line.startswith("# ") or re.fullmatch(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"]*"\})? [0-9.e+-]+', line), line
    assert 'postern_sources{verdict="abused"}' in text and "postern_tap_frames 7" in text
    assert "192.0.2." not in text and "tenant" not in text and "b1" not in text


def test_events_come_as_they_happen(desk):
    got = []
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(desk.socket)
        s.settimeout(15)
        s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        while b"retry" not in b"".join(got):
            got.append(s.recv(65536))
        desk.do("block 192.0.2.40")
        while b"192.0.2.40" not in b"".join(got):
            got.append(s.recv(65536))
    assert b"event: " in b"".join(got)
    status, out, _ = None, None, None

    def tail():
        nonlocal status, out, _
        status, out, _ = desk.cli("tail", "--count", "1", "--json")
    thread = threading.Thread(target=tail)
    thread.start()
    deadline = time.time() + 30
    while thread.is_alive() and time.time() < deadline:
        desk.do("block 192.0.2.41")
        time.sleep(.2)
    thread.join(10)
    assert status == 0 and json.loads(out.splitlines()[0])["event"]


HEAD = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def test_hostile_requests_are_refused(desk):
    for octets, status in [
            (HEAD + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n", b"400"),
            (HEAD + b"Host: 127.0.0.1\r\n\r\n", b"400"),
            (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
            (HEAD + b"Content-Length: +0\r\n\r\n", b"400"),
            (b"GET http://127.0.0.1/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"400"),
            (b"GET /api/v1/status HTTP/1.1\r\n\r\n", b"400"),
            (b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
            (b"GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", b"421"),
            (b"POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n", b"413"),
            (HEAD + b"X: " + b"a" * 70000 + b"\r\n\r\n", b"400")]:
        got = desk.raw(octets)
        assert got == b"" or got.split(b" ")[1] == status, (octets[:120], got[:200])
        if b"evil" in octets or octets.count(b"Host") == 2:
            assert got.split(b" ")[1] == status
    assert desk.raw(b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost:1\r\n\r\n").split(b" ")[1] == b"200"
    assert desk.raw(b"GET / HTTP/1.1\r\nHost: abuse.provider.example\r\n\r\n").split(b" ")[1] == b"200"


def test_noise_does_not_hurt(desk):
    rng = random.Random(1)
    good = HEAD + b"Accept: */*\r\n\r\n"
    for _ in range(150):
        octets = bytearray(good) if rng.random() < .7 else bytearray(rng.randbytes(rng.randrange(1, 400)))
        for _ in range(rng.randrange(1, 6)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        with socket.create_connection(("127.0.0.1", desk.port), timeout=5) as s:
            try:
                s.sendall(bytes(octets))
                s.shutdown(socket.SHUT_WR)
                s.settimeout(.2)
                s.recv(65536)
            except OSError:
                pass
    assert desk.ask("GET", "/openapi.json").status == 200


def test_many_connections_do_not_shut_others_out(desk):
    held = []
    try:
        for _ in range(300):
            held.append(socket.create_connection(("127.0.0.1", desk.port), timeout=5))
        for s in held[:100]:
            s.close()
        deadline = time.time() + 30
        status = 0
        while status != 200 and time.time() < deadline:
            try:
                status = desk.ask("GET", "/openapi.json").status
            except OSError:
                time.sleep(.2)
        assert status == 200
    finally:
        for s in held:
            s.close()


@pytest.mark.slow
def test_a_request_that_never_ends_is_cut_off(desk):
    with socket.create_connection(("127.0.0.1", desk.port), timeout=60) as s:
        s.sendall(HEAD)
        begun = time.time()
        try:
            while time.time() - begun < 50:
                s.sendall(b"X-A: b\r\n")
                time.sleep(.5)
            cut = False
        except OSError:
            cut = True
    assert cut and time.time() - begun < 40


def test_the_panel_is_safe_by_its_headers(desk):
    for path in ("//", "//case/1?key=x", "//panel.js", "//panel.css", "//icon.svg", "//sources"):
        answer = desk.ask("GET", path)
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"] == "no-referrer"
    page = desk.ask("GET", "//").body.decode()
    assert "style=" not in page and "onclick" not in page and "<script>" not in page
    tag = desk.ask("GET", "//panel.js").headers["ETag"]
    assert desk.ask("GET", "//panel.js", headers={"If-None-Match": tag}).status == 304
    assert desk.ask("GET", "//../etc/passwd").status in (400, 404)
    assert desk.ask("GET", "//nothing").status == 404
    assert desk.ask("POST", "//", {}).status == 405


def test_head_has_no_body(desk):
    answer = desk.ask("HEAD", "/openapi.json")
    assert answer.status == 200 and answer.body == b""
