"""Subscriptions for Slack and mail, and presets: saved, edited, exported."""

import json

import pytest

HOOK = "https://hooks.slack.com/services/T01/B02/abcdefgh1a2b"
SHOWN = "https://hooks.slack.com/••••1a2b"
PRESETS = ("slack-blocks", "teams", "discord", "google-chat")


@pytest.fixture
def s(service):
    made = service()
    made.client_id = made.client()
    return made


def add(s, task, *args):
    if not isinstance(task, str):
        task = json.dumps(task)
    return s.run("subscription", "add", "--client", s.client_id, "--file",
                 "-", *args, stdin=task)


def show(s, sub):
    return json.loads(s.run("subscription", "show", sub, "--json"))


def export(s, sub, *args):
    return json.loads(s.run("subscription", "export", sub, *args))


def edit(s, sub, task):
    s.run("subscription", "edit", sub, "--file", "-", stdin=json.dumps(task))


def refused(s, *args, says, stdin=None):
    s.run(*args, stdin=stdin, check=False)
    assert s.last.returncode == 1, s.last
    assert s.last.stdout == ""
    assert says in s.last.stderr


def slack(**more):
    return {"event": ["OrderTicketed"], "slack": {"url": HOOK, **more}}


def mail(*to, **more):
    return {"event": ["OrderTicketed"], "mail": {"to": list(to), **more}}


def test_what_is_printed_of_slack_has_no_secret_in_it(s):
    sub = add(s, slack(text="{{pnr}}"))
    for verb in ("show", "export"):
        text = s.run("subscription", verb, sub)
        assert SHOWN in text and "abcdefgh" not in text
    assert show(s, sub)["slack"] == {"url": SHOWN, "text": "{{pnr}}"}
    assert "abcdefgh" not in s.run("subscription", "list", "--json")
    preview = s.run("preview", sub, "--sample", "OrderTicketed")
    assert SHOWN.split("https://", 1)[1].split("/", 1)[1] in preview
    assert "abcdefgh" not in preview
    assert export(s, sub, "--with-secrets")["slack"]["url"] == HOOK


def test_a_text_is_ready_made_where_there_is_none(s):
    sub = add(s, {"event": ["*"], "slack": {"url": HOOK}})
    for event, begins in (
            ("OrderCanceled", "*Order AGW-JHTE1543KJ was cancelled*\n"),
            ("Strike", "*A strike disrupts order AGW-JHTE1543KJ*\n")):
        got = json.loads(s.run("preview", sub, "--sample", event, "--json"))
        assert json.loads(got["body"])["text"].startswith(begins)
    assert show(s, sub)["name"] == "All events to Slack"


def test_an_edit_keeps_the_url_that_it_brings_masked(s):
    sub = add(s, slack())
    task = export(s, sub)
    task["slack"]["text"] = "other"
    edit(s, sub, task)
    assert export(s, sub, "--with-secrets")["slack"] == {
        "url": HOOK, "text": "other"}
    edit(s, sub, slack())
    for url in ("https://evil.example/••••1a2b",
                "http://hooks.slack.com/••••1a2b",
                "https://hooks.slack.com/••••1a2c"):
        task["slack"]["url"] = url
        refused(s, "subscription", "edit", sub, "--file", "-",
                stdin=json.dumps(task), says="/slack/url: ")
        assert "the mask of a secret" in s.last.stderr
    refused(s, "subscription", "add", "--client", s.client_id, "--file", "-",
            stdin=json.dumps({"event": ["*"], "slack": {"url": SHOWN}}),
            says="/slack/url: ")
    assert export(s, sub, "--with-secrets")["slack"]["url"] == HOOK


def test_a_mail_is_saved_as_it_was_written(s):
    task = mail("ops@a.example", "{{agentEmail}}", subject="S {{pnr}}",
                text="one\ntwo")
    sub = add(s, task)
    assert export(s, sub)["mail"] == task["mail"]
    assert export(s, sub) == export(s, sub, "--with-secrets")
    assert show(s, sub)["name"] == "OrderTicketed to ops@a.example"
    edit(s, sub, {"event": ["Strike"], "mail": {"to": "one@a.example"}})
    assert export(s, sub)["mail"] == {"to": "one@a.example"}
    edit(s, sub, slack())
    assert "mail" not in export(s, sub)


def test_mail_is_saved_before_there_is_a_server_for_it(service):
    for conf, says in (("", "there is no [mail] url in "),
                       ("[mail]\nurl = smtp://127.0.0.1:1\n"
                        "from = a@b.example\n", "")):
        s = service(conf)
        s.client_id = s.client()
        sub = add(s, mail("ops@a.example"))
        assert says in s.last.stderr and bool(says) == bool(s.last.stderr)
        edit(s, sub, mail("ops@b.example"))
        assert says in s.last.stderr and bool(says) == bool(s.last.stderr)
        edit(s, sub, slack())
        assert s.last.stderr == ""


@pytest.mark.parametrize("task, says", [
    (mail("ops@a.example", "ops"), "/mail/to/1: line 1, column "),
    (mail("ops@a.example", "OPS@a.example"), "is there twice"),
    (mail("josé@a.example"), "SMTPUTF8 is not spoken here"),
    (mail("a@b.example", subject="{{agnt}}"), "did you mean agent?"),
    (mail("a@b.example", bcc="c@d.example"), "/mail/bcc: "),
    ({**mail("a@b.example"), "settings": {"ordered": True}},
     "mail servers keep no order"),
    (mail(*(f"a{n}@b.example" for n in range(33))), "at most 32 addresses"),
    (slack(text="{{agwId}}"), "did you mean agwID?"),
    ({**slack(), "mail": {"to": "a@b.example"}},
     "exactly one of httpRequest, slack and mail"),
])
def test_what_can_not_be_sent_is_not_saved(s, task, says):
    refused(s, "subscription", "add", "--client", s.client_id, "--file", "-",
            stdin=json.dumps(task), says=says)
    assert s.lines("subscription", "list") == []


def test_slack_and_mail_go_to_another_store_and_come_back(service, s):
    add(s, slack(text="t"))
    add(s, mail("ops@a.example", "{{agentEmail}}"))
    add(s, {"event": ["*"], "slack": {"url": HOOK},
            "settings": {"rate_per_s": 0.5, "ordered": True}})
    plain = s.run("client", "export", s.client_id, "--with-secrets")
    masked = s.run("client", "export", s.client_id)
    assert HOOK in plain and "abcdefgh" not in masked
    other = service()
    refused(other, "client", "import", "-", stdin=masked,
            says="/subscriptions/0/task/slack/url: ")
    assert "It was exported without secrets" in other.last.stderr
    assert other.lines("client", "list") == []
    client = other.run("client", "import", "-", stdin=plain)
    again = other.run("client", "export", client, "--with-secrets")
    assert json.loads(again)["subscriptions"] == \
        json.loads(plain)["subscriptions"]


def test_presets_say_what_they_are_for(s):
    lines = s.lines("preset", "list")
    assert [line["name"] for line in lines] == list(PRESETS)
    assert all(set(line) == {"name", "title", "use", "where", "note"}
               for line in lines)
    table = s.run("preset", "list")
    assert all(name in table for name in PRESETS)
    refused(s, "preset", "show", "teamz", says="did you mean teams?")
    refused(s, "preset", "show", "fax", says="skycap preset list")
    s.run("preset", "show", check=False)
    assert s.last.returncode == 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_saved_as_it_is_printed(s, name):
    url = "https://chat.example/hook?sig=abcdefgh1a2b&v=1"
    task = s.run("preset", "show", name, "--url", url, "--event",
                 "OrderTicketed", "--event", "FlightCancellation")
    assert "note" in s.last.stderr and "URL" not in s.last.stderr
    sub = add(s, task)
    got = export(s, sub, "--with-secrets")
    assert got["event"] == ["OrderTicketed", "FlightCancelation"]
    assert got["httpRequest"]["url"] == url
    assert "abcdefgh" not in s.run("subscription", "show", sub)
    preview = json.loads(s.run("preview", sub, "--sample", "OrderTicketed",
                               "--json"))
    assert "Order AGW-JHTE1543KJ is ticketed" in preview["body"]
    line = s.run("preset", "show", name, "--url", url, "--event",
                 "OrderTicketed", "--event", "FlightCancellation", "--json")
    assert "\n" not in line and json.loads(line) == json.loads(task)
    assert s.last.stderr == ""


def test_a_preset_without_its_url_is_not_saved(s):
    task = s.run("preset", "show", "teams")
    assert s.last.stderr.startswith("URL      Teams: ")
    assert json.loads(task)["event"] == ["*"]
    refused(s, "subscription", "add", "--client", s.client_id, "--file", "-",
            stdin=task, says="/httpRequest/url: ")
    refused(s, "preset", "show", "teams", "--url", "chat.example",
            says="/httpRequest/url: ")
    refused(s, "preset", "show", "teams", "--event", "OrderTicketd",
            says="did you mean OrderTicketed?")




def test_a_chats_webhook_is_masked_from_its_host_on(s):
    url = "https://discord.com/api/webhooks/1/abcdefgh1a2b"
    sub = add(s, s.run("preset", "show", "discord", "--url", url))
    shown = s.run("subscription", "show", sub)
    assert "https://discord.com/••••1a2b" in shown
    assert "abcdefgh" not in shown
    task = export(s, sub)
    task["name"] = "Other"
    edit(s, sub, task)
    assert export(s, sub, "--with-secrets")["httpRequest"]["url"] == url
