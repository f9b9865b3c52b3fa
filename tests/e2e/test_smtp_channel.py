"""Mail to real servers: TLS, logging in, bytes, and what [mail] may say."""

import json
import os
import shutil
import socket
import subprocess
import time

import harness
import pytest
from smtp_server import (DROP, SILENT, MailServer, Misbehaving,
                         needs_aiosmtpd)
from test_tls import Ca, context

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl command is missing")

TEXT = b"Subject: x\r\n\r\n.\r\n..dots\r\nHello\r\n"
TO = "ops@b.example"


def send(url, *to, user="", password="", ca="", text=TEXT, connections=4,
         timeout_ms=5000):
    """The results of sending text to each, and how long letting go took."""
    done = subprocess.run(
        [harness.built("tests/e2e/mail_prog"), url, user, password, ca,
         str(connections), str(timeout_ms), "skycap@a.example", *to],
        input=text, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert int(lines[-1]) < 1000
    return [json.loads(line) for line in lines[:-1]]


def send_one(url, **more):
    return send(url, TO, **more)[0]


@needs_aiosmtpd
def test_mails_arrive_byte_for_byte_one_recipient_each():
    with MailServer() as m:
        m.refuse["no@b.example"] = "550 5.1.1 No such user"
        got = send(m.url, "a@b.example", "no@b.example", "c@b.example",
                   connections=1)
        assert [r["word"] for r in got] == ["ok", "smtp", "ok"]
        assert got[1]["fault"] == "rejected" and got[1]["status"] == 550
        assert got[1]["sentence"] == \
            "The server refuses the recipient: 550 5.1.1 No such user"
        mails = m.wait(2)
    assert [x.recipients for x in mails] == [["a@b.example"],
                                             ["c@b.example"]]
    for x in mails:
        assert x.raw == TEXT and x.sender == "skycap@a.example"
        assert x.message["Subject"] == "x" and not x.tls


@needs_aiosmtpd
def test_one_connection_serves_many_mails():
    with MailServer() as m:
        got = send(m.url, *[f"u{i}@b.example" for i in range(20)],
                   connections=2)
        assert all(r["word"] == "ok" for r in got)
        assert m.connections == 2 and len(m.wait(20)) == 20


@needs_aiosmtpd
def test_a_slow_answer_to_one_mail_holds_no_other_up():
    with MailServer() as m:
        m.delay_s = 1
        begun = time.monotonic()
        send(m.url, *[f"u{i}@b.example" for i in range(4)])
        assert time.monotonic() - begun < 3


@needs_aiosmtpd
@needs_openssl
def test_tls_from_the_first_byte_is_verified(directory):
    ca = Ca(directory, "ca")
    good = context(ca.issue("good"))
    with MailServer(tls="tls", context=good) as m:
        got = send_one(m.url, ca=ca.file)
        assert got["word"] == "ok" and got["tls_us"] > 0
        assert m.wait()[0].tls
        got = send_one(m.url)
        assert got["word"] == "tls" and got["fault"] == "server"
        assert got["sentence"].startswith("The server's certificate")
    with MailServer(tls="tls", context=context(
            ca.issue("other", san="DNS:other.example"))) as m:
        got = send_one(m.url, ca=ca.file)
        assert got["sentence"] == "The server's certificate is for another " \
            "name"
    with MailServer(tls="tls", context=context(
            ca.issue("old", end="20210101000000Z"))) as m:
        assert send_one(m.url, ca=ca.file)["sentence"] == \
            "The server's certificate has expired"
        assert m.mails == []


@needs_aiosmtpd
@needs_openssl
def test_starttls_is_used_where_it_is_offered(directory):
    ca = Ca(directory, "ca")
    with MailServer(tls="starttls", context=context(ca.issue("good"))) as m:
        got = send_one(m.url, ca=ca.file)
        assert got["word"] == "ok" and got["tls_us"] > 0, got
        assert m.wait()[0].tls
        # nobody stands between us and ourselves
        assert send_one(m.url)["word"] == "ok"
        assert m.wait(2)[1].tls


def outside_name():
    """A name of this machine that does not say that it is this machine."""
    name = socket.gethostname()
    try:
        return name, socket.gethostbyname(name)
    except OSError:
        return None


@needs_aiosmtpd
@needs_openssl
@pytest.mark.skipif(outside_name() is None,
                    reason="this machine's name has no address")
def test_starttls_of_other_machines_is_verified(directory):
    ca = Ca(directory, "ca")
    name, address = outside_name()
    good = context(ca.issue("good", san=f"DNS:{name}"))
    with MailServer(tls="starttls", context=good, host=address,
                    users={"me": "pw"}) as m:
        url = f"smtp://{name}:{m.port}"
        got = send_one(url, ca=ca.file, user="me", password="pw")
        assert got["word"] == "ok", got
        assert m.wait()[0].tls and m.wait()[0].user == "me"
        got = send_one(url, user="me", password="pw")
        assert got["word"] == "tls" and got["fault"] == "server"
    with MailServer(host=address, users={"me": "pw"}) as m:
        got = send_one(f"smtp://{name}:{m.port}", user="me", password="pw")
        assert got["word"] == "tls" and "does not offer TLS" in \
            got["sentence"]
        assert m.logins == [] and m.mails == []


@needs_aiosmtpd
@needs_openssl
def test_logging_in_leaves_no_trace(directory):
    ca = Ca(directory, "ca")
    with MailServer(tls="tls", context=context(ca.issue("good")),
                    users={"me": "pass word"}) as m:
        got = send(m.url, "a@b.example", "c@b.example", ca=ca.file,
                   user="me", password="pass word", connections=1)
        assert [r["word"] for r in got] == ["ok", "ok"]
        assert m.logins == [("me", "pass word")]
        assert "C: AUTH ...\n" in got[0]["head"]
        assert "cGFzcyB3b3Jk" not in got[0]["head"]
        assert [x.user for x in m.wait(2)] == ["me", "me"]
        got = send_one(m.url, ca=ca.file, user="me", password="wrong")
        assert got["word"] == "login" and got["fault"] == "server"
        assert got["sentence"].startswith(
            "The server refuses user or password: 535")
        got = send_one(m.url, ca=ca.file)
        assert got["word"] == "login" and got["status"] == 530
        assert got["sentence"].startswith("The server wants a log-in: 530")


@needs_aiosmtpd
def test_a_server_that_comes_back_is_found_again():
    with MailServer() as m:
        port = m.port
        assert send_one(m.url)["word"] == "ok"
    got = send_one(f"smtp://127.0.0.1:{port}")
    assert got["word"] == "refused" and got["fault"] == "server"


@pytest.mark.parametrize("step", ["banner", "EHLO", "MAIL", "RCPT", "DATA",
                                  "end"])
def test_a_server_that_leaves_or_says_nothing_is_at_fault(step):
    for answer, word in ((DROP, "reset"), (SILENT, "timeout")):
        with Misbehaving({step: answer}) as m:
            got = send_one(m.url, timeout_ms=500)
            assert (got["word"], got["fault"]) == (word, "server"), got


def test_silence_after_quit_changes_nothing():
    with Misbehaving({"QUIT": SILENT, "RCPT": b"550 No\r\n"}) as m:
        begun = time.monotonic()
        got = send(m.url, *[f"u{i}@b.example" for i in range(5)],
                   connections=1)
        assert time.monotonic() - begun < 3
        assert all(r["fault"] == "rejected" for r in got)
        assert m.connections == 5


def test_bytes_that_are_no_text_are_kept_from_people():
    with Misbehaving({"RCPT": b"550 n\0o \xff\x1b[2J\r\n"}) as m:
        got = send_one(m.url)
        assert got["fault"] == "rejected"
        assert got["sentence"] == \
            "The server refuses the recipient: 550 n?o ??[2J"
    with Misbehaving({"MAIL": b"\0\0\0\r\n"}) as m:
        assert send_one(m.url)["word"] == "protocol"


# What [mail] may say.

@pytest.fixture
def config(directory):
    def run(mail, *args):
        text = "[site]\nurl = https://a.example\n[mail]\n" + mail
        path = directory.write("skycap.conf", text)
        return subprocess.run(
            [harness.built("skycap"), "config", "--conf", path, *args],
            capture_output=True, text=True, check=False)
    return run


def password_file(directory, text="secret\n", mode=0o600):
    path = directory.write("password", text)
    os.chmod(path, mode)
    return path


def test_config_says_what_is_wrong_with_mail(directory, config):
    url = "url = smtp://mail.example:587\n"
    whole = url + "from = skycap@a.example\n"
    for mail, say in (
            (url, "[mail] url is set, but not from"),
            (url + "from = Skycap a@b.example\n", "is not an address"),
            (url + "from = nobody\n", "is not an address"),
            (whole + "user = me\n", "user is set, but not password_file"),
            (whole + "password_file = password\n",
             "password_file is set, but not user"),
            (whole + "user = me\npassword_file = nothing\n",
             "No such file"),
            (whole + "user = me\npassword_file = .\n", "is not a file"),
            ("url = smtp://me:pw@mail.example\nfrom = a@b.example\n",
             "[mail] user and password_file are for logging in"),
            ("url = smtp://mail.example/a_b\nfrom = a@b.example\n",
             "the name to say EHLO with"),
            ("url = http://mail.example\n", "not an smtp:// or smtps:// URL"),
            (whole + "connections = 0\n", "a whole number from 1 to 64"),
            (whole + "connections = 65\n", "a whole number from 1 to 64")):
        got = config(mail)
        assert got.returncode != 0 and say in got.stderr, (mail, got)
        assert "secret" not in got.stdout + got.stderr
    login = whole + "user = me\npassword_file = password\n"
    for text, mode, say in (
            ("secret\n", 0o640, "is open to others (mode 0640): chmod 600"),
            ("secret\n", 0o604, "is open to others"),
            ("", 0o600, "is empty"), ("\n", 0o600, "is empty"),
            ("secret\nmore\n", 0o600, "must hold one line"),
            ("x" * 600, 0o600, "is longer than")):
        password_file(directory, text, mode)
        got = config(login)
        assert got.returncode != 0 and say in got.stderr, (text, mode, got)
        assert "secret" not in got.stdout + got.stderr


def test_config_is_content_with_what_is_right(directory, config):
    password_file(directory, "secret\r\n")
    login = "url = smtps://mail.example\nfrom = a@b.example\nuser = me\n" \
        "password_file = password\n"
    for mail in ("", "from = a@b.example\nuser = me\n",
                 "url = smtp://localhost\nfrom = Skycap <a@b.example>\n",
                 "url = smtp://localhost\nfrom = a@b.example\n", login):
        got = config(mail)
        assert got.returncode == 0 and got.stderr == "", (mail, got)
    got = config(login, "--json")
    assert json.loads(got.stdout)["mail"] == {
        "url": "smtps://mail.example", "user": "me",
        "password_file": directory("password"), "from": "a@b.example",
        "connections": 4}
