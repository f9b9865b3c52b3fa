"""Every answer of intake's contract, as FastCGI and as plain CGI."""

import json
import threading

import harness
import pytest
from service import Service, ticketed


@pytest.fixture(scope="module", params=["fcgi", "cgi"])
def up(request):
    s = Service("[intake]\nbody_max = 64K\nbatch_max = 512K\n",
                mode=request.param)
    s.start()
    s.client_id = s.client()
    s.subscribe("http://127.0.0.1:1/x", s.client_id)
    yield s
    s.close()


def is_problem(answer, status, pointer=None):
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"] and body["detail"]
    if pointer is not None:
        assert pointer in [e["pointer"] for e in body["errors"]], body
        assert all(e["detail"] for e in body["errors"])
    return body


def event(text):
    return '{"event":"OrderTicketed","order":' + text + "}"


def test_an_event_is_accepted_and_can_be_read_back(up):
    posted = {**ticketed("AGW-BACK", totalAmount="412.90",
                         big=123456789012345678901234567890),
              "id": f"back-{up.mode}", "occurredAt": "2026-11-23T10:00:00Z"}
    answer = up.post(posted)
    assert answer.status == 202, answer
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"id": answer.json()["id"], "deliveries": 1,
                             "duplicate": False}
    got = up.get("/events/" + answer.json()["id"])
    assert got.status == 200, got
    body = got.json()
    assert body["event"] == "OrderTicketed"
    assert body["occurredAt"] == "2026-11-23T10:00:00Z"
    assert body["senderId"] == f"back-{up.mode}"
    assert body["order"] == posted["order"]
    assert "123456789012345678901234567890" in got.body.decode()
    assert [d["state"] for d in body["deliveries"]] == ["pending"]
    assert body["acceptedAt"].endswith("Z")


def test_an_event_is_its_publishers_alone(up):
    event_id = up.post(ticketed()).json()["id"]
    other = up.run("key", "add", "--publish")
    is_problem(up.get("/events/" + event_id, other), 404)
    other_check = "1" if event_id[-3] != "1" else "2"
    is_problem(up.get("/events/" + event_id[:-3] + other_check +
                      event_id[-2:]), 404)
    is_problem(up.get("/events/evt_nonsense"), 404)
    operator = up.run("key", "add", "--operator")
    assert up.get("/events/" + event_id, operator).status == 200


def test_a_repeated_sender_id_is_a_duplicate_or_a_conflict(up):
    posted = {**ticketed("D1"), "id": f"dup-{up.mode}"}
    first = up.post(posted)
    assert first.status == 202
    again = up.post(json.dumps(posted, indent=3, sort_keys=True))
    assert again.status == 200, again
    assert again.json() == {**first.json(), "duplicate": True}
    is_problem(up.post({**posted, "event": "OrderCreated"}), 409, "/id")
    is_problem(up.post({**ticketed("D2"), "id": f"dup-{up.mode}"}), 409)


def test_a_key_that_was_just_made_works_and_a_revoked_one_no_more(up):
    key = up.run("key", "add", "--publish")
    assert up.post(ticketed(), key=key).status == 202
    newest = up.lines("key", "list")[-1]["id"]
    up.run("key", "revoke", newest)
    # Any change of the configuration is seen by the next event.
    is_problem(up.post(ticketed(), key=key), 401)


def test_who_may_post(up):
    answer = up.server.post("/intake/events", json.dumps(ticketed()),
                            {"Content-Type": "application/json"})
    is_problem(answer, 401)
    assert "bearer" in answer.headers["www-authenticate"].lower()
    is_problem(up.post(ticketed(), key="publish_nonsense"), 401)
    for args in (["--operator"], ["--client", up.client_id]):
        is_problem(up.post(ticketed(), key=up.run("key", "add", *args)), 403)
    is_problem(up.post(ticketed(), key=up.made["sweep_token"]), 403)
    answer = up.server.post("/intake/events", json.dumps(ticketed()), {
        "Content-Type": "application/json", "X-Skycap-Key": up.key})
    assert answer.status == 202


def test_where_and_how(up):
    is_problem(up.post(ticketed(), path="/event"), 404)
    answer = up.server.request("DELETE", "/intake/events")
    is_problem(answer, 405)
    assert "POST" in answer.headers["allow"]
    answer = up.server.get("/intake/health")
    assert (answer.status, answer.json()) == (200, {"ok": True})


def test_types_and_encodings(up):
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        is_problem(up.post(ticketed(), kind=kind), 415)
    assert up.post(ticketed(),
                   kind="application/json; charset=utf-8").status == 202
    is_problem(up.post(ticketed(), headers={"Content-Encoding": "gzip"}), 415)
    assert up.post(ticketed(), headers={
        "Content-Encoding": "identity"}).status == 202


def test_the_order_of_checks(up):
    big = b"x" * 70000
    is_problem(up.post(big, key="publish_x", kind="text/plain"), 401)
    is_problem(up.post(big, kind="text/plain"), 415)
    is_problem(up.post(big), 413)


@pytest.mark.parametrize("text, pointer", [
    ("", None), ("{", None), ("nonsense", None),
    (event('{"agwID":"A","x":NaN}'), "/order/x"),
    (event('{"agwID":"A","x":Infinity}'), None),
    (event("{'agwID':'A'}"), None),
    (event('{"agwID":"A","agwID":"B"}'), "/order/agwID"),
    (event('{"agwID":"A","\\u0061gwID":"B"}'), None),
    (event('{"agwID":"a\\u0000b"}'), None),
    (event('{"agwID":"\\ud800"}'), None),
    (event('{"agwID":"a\tb"}'), None),
    (event('{"agwID":"A","n":01}'), None),
    (event('{"agwID":"A",}'), None),
    (event('{"agwID":"A"}') + "x", None),
    (event('{"agwID":"A","deep":' + "[" * 40 + "]" * 40 + "}"), None),
    (b'{"event":"OrderTicketed","order":{"agwID":"\xc0\xaf"}}', None),
    (b'{"event":"OrderTicketed","order":{"agwID":"\xed\xa0\x80"}}', None),
    (b"\xef\xbb\xbf" + event('{"agwID":"A"}').encode(), None),
])
def test_what_is_not_json_is_400_and_leaves_nothing(up, text, pointer):
    before = up.lines("stats")[0]["events"]
    is_problem(up.post(text), 400, pointer)
    assert up.lines("stats")[0]["events"] == before


@pytest.mark.parametrize("change, pointer", [
    ({"event": "OrderTicketd"}, "/event"), ({"event": None}, "/event"),
    ({"event": 7}, "/event"), ({"order": None}, "/order"),
    ({"order": []}, "/order"), ({"order": {}}, "/order/agwID"),
    ({"order": {"agwID": ""}}, "/order/agwID"),
    ({"order": {"agwID": "x" * 129}}, "/order/agwID"),
    ({"order": {"agwID": ["A"]}}, "/order/agwID"),
    ({"order": {"agwID": "A", "pnr": "x" * 129}}, "/order/pnr"),
    ({"order": {"agwID": "A", "adultsPax": 1.5}}, "/order/adultsPax"),
    ({"order": {"agwID": "A", "totalAmount": "1,5"}}, "/order/totalAmount"),
    ({"order": {"agwID": "A", "createdOn": "tomorrow"}}, "/order/createdOn"),
    ({"order": {"agwID": "A", "agent": {"name": "B"}}}, "/order/agent"),
    ({"id": ""}, "/id"), ({"id": "x" * 129}, "/id"), ({"id": 7}, "/id"),
    ({"test": "yes"}, "/test"), ({"occurredAt": "now"}, "/occurredAt"),
    ({"occuredAt": "2026-11-23T10:00:00Z"}, "/occuredAt"),
])
def test_what_is_not_as_it_must_be_is_422(up, change, pointer):
    before = up.lines("stats")[0]["events"]
    is_problem(up.post({**ticketed(), **change}), 422, pointer)
    assert up.lines("stats")[0]["events"] == before


def test_the_nearest_event_type_is_named(up):
    body = is_problem(up.post({**ticketed(), "event": "OrderTicketd"}), 422)
    assert "OrderTicketed" in body["errors"][0]["detail"]


def test_forty_digits_are_kept_where_they_may_stand(up):
    n = "1" * 40
    answer = up.post(event('{"agwID":"A","x":' + n + "}"))
    assert answer.status == 202, answer
    assert n in up.get("/events/" + answer.json()["id"]).body.decode()
    is_problem(up.post(event('{"agwID":"A","totalAmount":' + n + "}")), 422,
               "/order/totalAmount")


def test_items_of_an_array_stand_alone(up):
    good = {**ticketed("B1"), "id": f"batch-{up.mode}"}
    answer = up.post([good, {"event": "Nonsense", "order": {"agwID": "x"}},
                      good, {**good, "event": "OrderCreated"},
                      ticketed("B2")])
    assert answer.status == 207, answer
    body = answer.json()
    assert (body["accepted"], body["duplicates"], body["rejected"]) == \
        (2, 1, 2)
    assert [r["status"] for r in body["results"]] == [202, 422, 200, 409, 202]
    assert body["results"][2]["id"] == body["results"][0]["id"]
    assert body["results"][2]["duplicate"] is True
    assert body["results"][1]["errors"][0]["pointer"] == "/event"
    assert up.post([ticketed("B3")]).status == 202


def test_lines_of_ndjson_stand_alone(up):
    lines = [json.dumps(ticketed("N1")), "", "  \r", '{"event":',
             json.dumps(ticketed("N2")) + "\r"]
    answer = up.post("\n".join(lines), kind="application/x-ndjson")
    assert answer.status == 207, answer
    assert [r["status"] for r in answer.json()["results"]] == [202, 400, 202]


def test_limits_of_a_batch(up):
    is_problem(up.post([]), 422)
    is_problem(up.post("\n \n", kind="application/x-ndjson"), 422)
    is_problem(up.post("[" + json.dumps(ticketed()) + ","), 400)
    many = [ticketed(f"L{i}") for i in range(1500)]
    assert len(json.dumps(many)) > 64 * 1024
    answer = up.post(many)
    assert answer.status == 202, answer.status
    assert answer.json()["accepted"] == 1500
    is_problem(up.post(b"[" + b" " * 600000 + b"]"), 413)
    tiny = "{}\n" * 10001
    is_problem(up.post(tiny, kind="application/x-ndjson"), 413)


def test_a_malformed_array_keeps_nothing(up):
    before = up.lines("stats")[0]["events"]
    is_problem(up.post("[" + json.dumps(ticketed()) + ', {"event"]'), 400)
    assert up.lines("stats")[0]["events"] == before


def test_a_body_that_ends_early_is_400_and_a_client_may_hang_up(up):
    before = up.lines("stats")[0]["events"]
    body = json.dumps(ticketed())
    with up.server.connect() as c:
        c.sendall((f"POST /intake/events HTTP/1.1\r\nHost: x\r\n"
                   f"Authorization: Bearer {up.key}\r\n"
                   "Content-Type: application/json\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n"
                   + body[:-5]).encode())
    assert up.post(ticketed()).status == 202
    assert up.lines("stats")[0]["events"] == before + 1


def test_the_same_sender_id_at_one_moment_is_taken_once(up):
    posted = {**ticketed("RACE"), "id": f"race-{up.mode}"}
    answers = []

    def post():
        answers.append(up.post(posted))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(a.status for a in answers) == [200] * 7 + [202]
    assert len({a.json()["id"] for a in answers}) == 1


def test_two_processes_take_one_sender_id_once(up):
    posted = {**ticketed("RACE2"), "id": f"race2-{up.mode}"}
    command = threading.Thread(target=up.run, args=("send", "-"), kwargs={
        "stdin": json.dumps(posted)})
    command.start()
    answer = up.post(posted)
    command.join()
    assert answer.status in (200, 202)
    assert json.loads(json.dumps(up.post(posted).json()))["duplicate"] is True
    assert answer.json()["id"] == up.last.stdout.strip()


def test_a_changed_subscription_counts_from_the_next_event_on(up):
    sub = up.subscribe("http://127.0.0.1:1/y", up.client_id,
                       events=["SeatsAddition"])
    posted = {**ticketed("S"), "event": "SeatsAddition"}
    assert up.post(posted).json()["deliveries"] == 1
    up.run("subscription", "remove", sub)
    assert up.post(posted).json()["deliveries"] == 0


def test_a_full_store_is_503_and_takes_events_again_when_there_is_room():
    s = Service("[store]\nlow_space = 1000G\n").start()
    try:
        is_problem(s.post(ticketed()), 503)
        answer = s.post(ticketed())
        assert int(answer.headers["retry-after"]) >= 1
        assert s.server.get("/intake/health").status == 503
        assert s.lines("stats")[0]["events"] == 0
    finally:
        s.close()
