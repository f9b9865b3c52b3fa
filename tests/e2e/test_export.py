"""Tasks and whole clients out of one service, and into it or another."""

import json
import os
import signal
import subprocess

import pytest

import harness
from service import HELP_PAGE_TASK, Service, ticketed
from test_main_job import genuine


@pytest.fixture(scope="module")
def it():
    """A service that nobody serves, with one client."""
    s = Service()
    s.client_id = s.client("Wander", "--scope", "agency=Wander")
    yield s
    s.close()


def add(s, text, *args, client=None):
    return s.run("subscription", "add", "--client", client or s.client_id,
                 "--file", "-", *args, stdin=text)


def export(s, sub, *args):
    """The bytes, the last line's end included."""
    out = s.run("subscription", "export", sub, *args)
    assert s.last.stderr == ""
    return out + "\n"


def fails(s, *args, says="", **options):
    assert s.run(*args, check=False, **options) == "", s.last
    assert s.last.returncode == 1, s.last
    assert says in s.last.stderr, s.last
    assert "Sanitizer" not in s.last.stderr
    return s.last.stderr


def counts(s):
    return len(s.lines("client", "list")), len(s.lines("subscription", "list"))


# A task

PAGES = {
    "as the help page has it": json.dumps(HELP_PAGE_TASK, indent=0),
    "numbers, escapes and order": r'''
  { "settings" : { "rate_per_s" : 1.50, "retry_s": [5 ,300], "missing":
    "strict" },
    "httpRequest":{"jsonBody" : {"z":"{{agwID}}", "a": [1.50, -0, 1E+5, 10.0],
        "é":"\u00e9 \/ caf\u00E9 é 😀 \ud83d\ude00", "":{}, "n":null ,
        "{{pnr}}":"{{{adultsPax}}}" }
      ,"url" : "https:\/\/h.example\/a\u0062?x={{pnr}}", "method":"PUT",
      "header":{"X-Tag":{"show":true ,"value":"v\u0041"},
        "Authorization":"Basic \u0041\/Bcd",
        "content-type":"application\/vnd.a+json"}},
    "filter":[{"value":["IB","VY"],"op":"in","field":"provider"},
      {"any":[[{"op":">=","field":"totalAmount","value":1.50}],
      [ {"field":"order.vip","op":"exists"} ]]}] }''',
    "a secret in the URL": r'''{"httpRequest":{"url":
    "https://h.example/x?sig=abcdefghijkl&a=%20&token=t","method":"PATCH"},
    "name":"Çelik \"x\""}''',
    "what works a terminal": '{"httpRequest":{"url":"https://h.example/",'
    '"jsonBody":{"a":"del \x7f csi \x9b31m"}}}',
}


@pytest.mark.parametrize("how", ["", "--with-secrets", "--json"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_comes_out_as_it_went_in_after_one_round_trip(it, page, how):
    sub = add(it, PAGES[page], "--event", "OrderTicketed")
    args = [how] if how else []
    plain = export(it, sub, "--with-secrets")
    a = export(it, sub, *args)
    given, kept = json.loads(PAGES[page]), json.loads(plain)
    for name in given:
        assert kept[name] == given[name]
    assert kept["event"] == ["OrderTicketed"]
    it.run("subscription", "edit", sub, "--file", "-", stdin=a)
    assert export(it, sub, *args) == a
    assert json.loads(export(it, sub, "--with-secrets")) == kept
    if how == "--with-secrets" or a == plain:
        again = add(it, a)
        assert export(it, again, *args) == a


def test_numbers_and_escapes_keep_their_characters(it):
    sub = add(it, PAGES["numbers, escapes and order"], "--event",
              "OrderTicketed")
    text = export(it, sub, "--json", "--with-secrets")
    for kept in (r'"a":[1.50,-0,1E+5,10.0]', r'"\u00e9 \/ caf\u00E9 é 😀',
                 r'"https:\/\/h.example\/a\u0062?x={{pnr}}"',
                 r'"Basic \u0041\/Bcd"', r'"rate_per_s":1.50',
                 r'"X-Tag":{"show":true,"value":"v\u0041"}'):
        assert kept in text
    assert export(it, sub, "--with-secrets") != text
    it.run("subscription", "edit", sub, "--file", "-", stdin=export(it, sub))
    assert export(it, sub, "--json", "--with-secrets") == text


def test_an_edit_of_a_masked_export_keeps_the_secrets(it):
    sub = add(it, PAGES["a secret in the URL"], "--event", "OrderTicketed")
    task = json.loads(export(it, sub))
    assert "abcdefghijkl" not in task["httpRequest"]["url"]
    task["httpRequest"]["jsonBody"] = {"id": "{{agwID}}"}
    it.run("subscription", "edit", sub, "--file", "-", stdin=json.dumps(task))
    kept = json.loads(export(it, sub, "--with-secrets"))
    assert kept["httpRequest"]["url"] == \
        "https://h.example/x?sig=abcdefghijkl&a=%20&token=t"
    assert kept["httpRequest"]["jsonBody"] == {"id": "{{agwID}}"}


def test_a_masked_export_is_no_new_subscription(it):
    sub = add(it, json.dumps(HELP_PAGE_TASK), "--event", "OrderTicketed")
    said = fails(it, "subscription", "add", "--client", it.client_id,
                 "--file", "-", stdin=export(it, sub),
                 says="is the mask of a secret")
    assert "/httpRequest/header/authorization: " in said


def test_export_and_edit_in_a_pipe_change_nothing(it):
    sub = add(it, PAGES["numbers, escapes and order"], "--event",
              "OrderTicketed")
    before = export(it, sub, "--with-secrets")
    skycap = harness.built("skycap")
    subprocess.run(f"{skycap} subscription export {sub} | "
                   f"{skycap} subscription edit {sub} --file -",
                   shell=True, env=it.env, check=True)
    assert export(it, sub, "--with-secrets") == before


def test_a_terminal_shows_the_same_without_being_worked(it):
    sub = add(it, PAGES["what works a terminal"], "--event", "OrderTicketed")
    text = it.on_terminal(80, "subscription", "export", sub)
    assert "\x7f" not in text and "\x9b" not in text
    assert r"del \u007f csi \u009b31m" in text
    assert json.loads(text) == json.loads(export(it, sub))
    assert "\x7f" in export(it, sub)


def test_a_large_task_that_is_mostly_layout_when_indented_is_a_line(it):
    body = [0] * 5000
    for _ in range(28):
        body = [body]
    sub = add(it, json.dumps({"httpRequest": {
        "url": "https://h.example/", "jsonBody": {"a": body}}}), "--event",
        "OrderTicketed")
    text = export(it, sub)
    assert add(it, text)
    wide = [[0]] * 15000
    for _ in range(26):
        wide = [wide]
    sub = add(it, json.dumps({"httpRequest": {
        "url": "https://h.example/", "jsonBody": {"a": wide}}},
        separators=(",", ":")), "--event", "OrderTicketed")
    text = export(it, sub)
    assert text.count("\n") == 1
    assert export(it, add(it, text)) == text


# A client

def client_export(s, client, *args):
    out = s.run("client", "export", client, *args)
    assert s.last.stderr == ""
    return out + "\n"


@pytest.fixture
def full(it):
    """A client with a subscription in each of two states."""
    client = it.client("Full", "--scope", "agency=Wander", "--scope",
                       "consumerIataCode=12345678", "--mail", "a@b.example")
    for page in PAGES.values():
        sub = add(it, page, "--event", "OrderTicketed", client=client)
    it.run("subscription", "pause", sub)
    it.run("key", "add", "--client", client)
    yield client
    it.run("client", "remove", client, "--cascade")


def test_a_client_exported_with_secrets_imports_as_the_same(it, full):
    a = client_export(it, full, "--with-secrets")
    made = json.loads(it.run("client", "import", "-", "--json", stdin=a))
    assert f"{full} has the same name" in it.last.stderr
    assert "fresh" not in it.last.stderr
    assert made["id"] != full and len(made["subscriptions"]) == len(PAGES)
    assert client_export(it, made["id"], "--with-secrets") == a
    listed = {s["id"]: s for s in it.lines("subscription", "list")}
    assert [listed[i]["state"] for i in made["subscriptions"]] == \
        ["active"] * (len(PAGES) - 1) + ["paused"]
    assert not [k for k in it.lines("key", "list")
                if k.get("client") == made["id"]]
    text = json.loads(a)
    assert text["format"] == 1 and text["client"]["mail"] == "a@b.example"
    for unknown_elsewhere in ("cli_", "sub_", "key_", "createdAt", "version"):
        assert unknown_elsewhere not in a
    it.run("client", "remove", made["id"], "--cascade")


def test_a_client_exported_without_secrets_has_none(it, full):
    before = counts(it)
    a = client_export(it, full)
    for secret in ("YourPassword", "Bcd", "abcdefghijkl", "whsec_"):
        assert secret not in a
    said = fails(it, "client", "import", "-", stdin=a, says="--with-secrets")
    for place in ("/subscriptions/0/task/httpRequest/header/authorization: ",
                  "/subscriptions/1/task/httpRequest/header/Authorization: ",
                  "/subscriptions/2/task/httpRequest/url: "):
        assert said.count(place) == 1
    assert counts(it) == before


def test_a_file_without_signing_secrets_gets_fresh_ones_and_says_so(it, full):
    a = json.loads(client_export(it, full, "--with-secrets"))
    was = [s.pop("secrets")[0] for s in a["subscriptions"]]
    made = json.loads(it.run("client", "import", "-", "--json",
                             stdin=json.dumps(a)))
    said = it.last.stderr
    assert "fresh signing secrets" in said
    for old, sub in zip(was, made["subscriptions"]):
        assert f"skycap secret show {sub}\n" in said
        assert it.run("secret", "show", sub) != old
    it.run("client", "remove", made["id"], "--cascade")


def test_an_import_prints_the_id_alone(it, directory):
    path = directory.write("c.json", '{"format":1,"client":'
                           '{"name":"Alone","all":true}}')
    client = it.run("client", "import", path)
    assert it.last.stderr == ""
    assert it.lines("client", "show", client)[0]["name"] == "Alone"
    assert json.loads(client_export(it, client))["subscriptions"] == []


def test_a_task_that_no_longer_holds_is_exported_as_it_is(service):
    s = service()
    s.client_id = s.client()
    sub = add(s, json.dumps(HELP_PAGE_TASK), "--event", "OrderTicketed")
    plain = export(s, sub, "--with-secrets")
    whole = client_export(s, s.client_id, "--with-secrets")
    catalog = s.dir("data/catalog.json")
    with open(catalog, encoding="utf-8") as f:
        text = f.read()
    os.unlink(catalog)
    # its own templates name the field, too: they become comments
    text = text.replace('"pnr"', '"pnr9"').replace("{{", "{{!")
    s.dir.write("data/catalog.json", text)
    fails(s, "subscription", "export", sub, says="can't be masked")
    said = fails(s, "client", "export", s.client_id, says="can't be masked")
    assert sub in said
    assert export(s, sub, "--with-secrets") == plain
    assert client_export(s, s.client_id, "--with-secrets") == whole
    fails(s, "client", "import", "-", stdin=whole,
          says="/subscriptions/0/task/httpRequest/jsonBody/pnr: ")


def test_a_fault_in_a_task_is_told_with_its_place_in_the_file(it, full):
    lines = client_export(it, full, "--with-secrets").splitlines()
    at = next(i for i, line in enumerate(lines) if "{{agent}}" in line)
    lines[at] = lines[at].replace("{{agent}}", "{{agnt}}")
    column = lines[at].index("{{agnt}}") + 1
    fails(it, "client", "import", "-", stdin="\n".join(lines),
          says="/subscriptions/0/task/httpRequest/jsonBody/agent: "
          f"line {at + 1}, column {column}: ")


def hostile():
    sub = (b'{"task":{"event":["*"],'
           b'"httpRequest":{"url":"https://a.example/"}}}')
    head = b'{"format":1,"client":{"name":"A","all":true},"subscriptions":['
    yield "100 MB", None, "more than 16777216 bytes"
    yield "no file of ours", b"\x1f\x8b\x08\x00", "line 1, column 1"
    yield "no UTF-8", head[:-1] + b'"\xff\xfe"}', "UTF-8"
    yield "deep", head + b"[" * 1_000_000, "nested more than"
    yield "twice", b'{"format":1,"format":1}', "twice"
    yield "100,000", head + b",".join([b"{}"] * 100_000) + b"]}", \
        "/subscriptions: has more than 10000 items"
    yield "many members", head + b"]," + b",".join(
        b'"%d":0' % i for i in range(300_000)) + b"}", "and 299900 more"
    yield "many tokens", head + b"0," * 8_000_000 + b"0]}", "more than 10000"
    for secret in (b"!!!", b"whsec_", b"whsec_QUFB", b"whsec_" + b"A" * 999):
        yield "secret", head + sub.replace(
            b'{"task"', b'{"secrets":["%s"],"task"' % secret, 1) + b"]}", \
            "/subscriptions/0/secrets/0: must be whsec_ and 24 to 64 bytes"
    yield "an id", head + sub.replace(
        b'{"task"', b'{"client":"cli_0000008awk118","task"') + b"]}", \
        "/subscriptions/0/client: is not known here"
    yield "a terminal", head + b'{"\x1b]0;x\x07":1}]}', "line 1"
    yield "a terminal", head + b'{"\\u001b]0;x":1}]}', "is not known here"


@pytest.mark.parametrize("name,text,says", hostile())
def test_a_hostile_file_is_refused_and_makes_nothing(
        it, directory, name, text, says):
    with open(directory("f"), "wb") as f:
        if text is None:
            f.truncate(100_000_000)
        else:
            f.write(text)
    before = counts(it)
    said = fails(it, "client", "import", directory("f"), says=says)
    assert "\x1b" not in said
    assert len(said) < 100_000
    assert counts(it) == before


def test_an_import_that_is_interrupted_leaves_nothing(it):
    task = {"task": {"event": ["*"], "httpRequest": {
        "url": "https://a.example/"}}}
    text = json.dumps({"format": 1, "client": {"name": "Gone", "all": True},
                       "subscriptions": [task] * 5000})
    before = counts(it)
    process = subprocess.Popen(
        [harness.built("skycap"), "client", "import", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=it.env)
    process.stdin.write(text)
    process.stdin.close()
    harness.wait_for("the client is there", lambda: [
        c for c in it.lines("client", "list") if c["name"] == "Gone"])
    process.send_signal(signal.SIGINT)
    assert process.stdout.read() == ""
    said = process.stderr.read()
    assert process.wait(60) == -signal.SIGINT, said
    assert "it was interrupted; what was imported has been removed" in said
    assert counts(it) == before


def test_what_was_imported_elsewhere_is_delivered_and_signed_as_before(
        service, receiver):
    here, there, r = service(), service(), receiver()
    sub = here.subscribe(r.url(), here.client("Wander", "--scope",
                                              "agency=Wander"))
    secret = here.run("secret", "show", sub)
    client = here.lines("client", "list")[0]["id"]
    with open(here.dir("s/key"), "rb") as a, \
            open(there.dir("s/key"), "rb") as b:
        assert a.read() != b.read()
    made = json.loads(there.run(
        "client", "import", "-", "--json",
        stdin=here.run("client", "export", client, "--with-secrets")))
    there.start()
    assert there.post(ticketed(agency="Else")).json()["deliveries"] == 0
    assert there.post(ticketed()).json()["deliveries"] == 1
    got = r.wait(1)[0]
    assert genuine(secret, got)
    assert got.headers["authorization"] == "Basic YourPassword"
    assert got.json()["orderID"] == "AGW-JHTE1543KJ"
    harness.wait_for("it is delivered", lambda: [
        (d["state"], d["subscription"]) for d in there.deliveries()] ==
        [("delivered", made["subscriptions"][0])])


def test_the_pages_form_keeps_the_events_of_what_it_replaces(it):
    """It names none: add needs --event, an edit and a preview do not."""
    sub = add(it, PAGES["as the help page has it"], "--event", "OrderTicketed",
              "--event", "OrderCanceled")
    page = json.loads(PAGES["as the help page has it"])
    assert "event" not in page
    page["httpRequest"]["jsonBody"] = {"n": "{{pnr}}"}
    it.run("subscription", "edit", sub, "--file", "-",
           stdin=json.dumps(page))
    kept = json.loads(it.run("subscription", "export", sub))
    assert kept["event"] == ["OrderTicketed", "OrderCanceled"]
    assert kept["httpRequest"]["jsonBody"] == {"n": "{{pnr}}"}
    page["httpRequest"]["jsonBody"] = "{{{pnr}}}"
    shown = json.loads(it.run("preview", sub, "--sample", "OrderCanceled",
                              "--file", "-", "--json",
                              stdin=json.dumps(page)))
    assert shown["body"] == '"KWJ2MT"' and shown["wanted"] is True
