"""Mail servers for the end-to-end tests: a real one, and one that misbehaves.

The real one is aiosmtpd (Debian's python3-aiosmtpd; tests that want it skip
themselves with needs_aiosmtpd where it is missing):

    with MailServer() as m:                 # plain, no log-in
    with MailServer(tls="starttls", context=c, users={"me": "pw"}) as m:
    with MailServer(tls="tls", context=c) as m:
        m.url                               # for [mail] url, smtp(s)://...
        m.refuse["no@b.example"] = "550 5.1.1 No such user"   # at RCPT
        m.refuse_message = "554 5.6.0 Spam"                   # at the end
        m.delay_s = 0.2                     # before the end is answered
        mails = m.wait(3)                   # until 3 have arrived, then all

A Mail has sender, recipients (a list: one each, from this service), raw (the
bytes of header and body as sent, dots undoubled), message (raw as python's
email parser reads it), ehlo, user (who logged in, or None), tls (whether it
came so) and connection (a number; the same for mails over one connection).
m.connections counts connections, m.logins lists every (user, password) tried.
context is an ssl.SSLContext with a certificate loaded; test_tls.py's Ca makes
them.

The other one is a plain socket. Steps are its words for what it answers to:
banner, EHLO, HELO, STARTTLS, AUTH (and each line after it), MAIL, RCPT, DATA,
end (of the message), QUIT:

    with Misbehaving({"RCPT": b"450 4.2.0 Greylisted\\r\\n"}) as m:
    with Misbehaving({"end": DROP}) as m:       # closes the connection
    with Misbehaving({"QUIT": SILENT}) as m:    # never answers
    with Misbehaving({"MAIL": ENDLESS}) as m:   # one line for ever
    with Misbehaving({"EHLO": LINES}) as m:     # 250-lines for ever
    with Misbehaving({"MAIL": DROP}, from_mail=1) as m:  # not the first mail
        m.answers["RCPT"] = b"550 No\\r\\n"     # may be changed meanwhile
        m.heard                                 # every command line, in order
        m.messages                              # what came after DATA, bytes
        m.connections
"""

import asyncio
import email
import email.policy
import socket
import threading
import time
from dataclasses import dataclass, field

import pytest

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    SMTP = None

needs_aiosmtpd = pytest.mark.skipif(
    SMTP is None, reason="python3-aiosmtpd is missing")

DROP, SILENT, ENDLESS, LINES = "drop", "silent", "endless", "lines"


@dataclass
class Mail:
    sender: str
    recipients: list
    raw: bytes
    ehlo: str
    user: str | None
    tls: bool
    connection: int
    message: object = field(init=False, repr=False)

    def __post_init__(self):
        self.message = email.message_from_bytes(
            self.raw, policy=email.policy.default)


class MailServer:
    """aiosmtpd on a free loopback port, in a thread of its own."""

    def __init__(self, tls=None, context=None, users=None, host="127.0.0.1"):
        self.tls, self.context, self.users = tls, context, users
        self.host, self.port = host, None
        self.refuse, self.refuse_message, self.delay_s = {}, None, 0
        self.connections, self.logins = 0, []
        self._mails, self._came = [], threading.Condition()

    @property
    def url(self):
        scheme = "smtps" if self.tls == "tls" else "smtp"
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def mails(self):
        with self._came:
            return list(self._mails)

    def wait(self, n=1, timeout_s=10.0):
        with self._came:
            if not self._came.wait_for(lambda: len(self._mails) >= n,
                                       timeout_s):
                raise AssertionError(
                    f"{len(self._mails)} of {n} mails within {timeout_s} s")
            return list(self._mails)

    # what aiosmtpd calls

    def authenticate(self, server, session, envelope, mechanism, data):
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password))
        good = (self.users or {}).get(user) == password
        if good:
            session.user = user
        return AuthResult(success=good, handled=good)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.refuse_message:
            return self.refuse_message
        mail = Mail(envelope.mail_from, envelope.rcpt_tos,
                    envelope.original_content, session.host_name,
                    getattr(session, "user", None),
                    self.tls == "tls" or session.ssl is not None,
                    server.number)
        with self._came:
            self._mails.append(mail)
            self._came.notify_all()
        return f"250 2.0.0 Queued as {len(self._mails)}"

    # its thread

    def _protocol(self):
        self.connections += 1
        server = SMTP(
            self, hostname="mail.example", loop=self._loop,
            tls_context=self.context if self.tls == "starttls" else None,
            authenticator=self.authenticate if self.users else None,
            auth_required=bool(self.users), auth_require_tls=False)
        server.number = self.connections
        return server

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        listening = self._loop.create_server(
            self._protocol, self.host, self.port or 0,
            ssl=self.context if self.tls == "tls" else None)
        self._server = asyncio.run_coroutine_threadsafe(
            listening, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _close(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._close(),
                                         self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


USUAL = {
    "banner": b"220 mail.example ESMTP\r\n",
    "EHLO": b"250-mail.example\r\n250 HELP\r\n",
    "HELO": b"250 mail.example\r\n",
    "STARTTLS": b"502 5.5.1 What?\r\n",
    "AUTH": b"334 \r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 Go on\r\n",
    "end": b"250 2.0.0 Queued\r\n",
    "QUIT": b"221 Bye\r\n",
}


class Misbehaving:
    """A thread a connection; answers are bytes or DROP, SILENT, ..."""

    def __init__(self, answers=None, from_mail=0):
        self.answers, self.from_mail = dict(answers or {}), from_mail
        self.heard, self.messages, self.connections = [], [], 0
        self._open = []

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def _answer(self, s, step, mails):
        """False: the connection is over."""
        what = self.answers.get(step) if mails >= self.from_mail else None
        if what is None:
            what = USUAL[step]
        if what == DROP:
            return False
        if what == SILENT:
            while s.recv(4096):
                pass
            return False
        while what == ENDLESS:
            s.sendall(b"x" * 4096)
        while what == LINES:
            s.sendall(b"250-more\r\n")
        s.sendall(what)
        return step != "QUIT"

    def _message(self, f):
        raw = b""
        for line in f:
            if line == b".\r\n":
                self.messages.append(raw)
                return True
            raw += line.removeprefix(b".")
        return False

    def _converse(self, s):
        mails = 0
        with s, s.makefile("rb") as f:
            if not self._answer(s, "banner", mails):
                return
            for line in f:
                self.heard.append(line)
                step = line.split(b" ")[0].strip().decode("ascii", "replace")
                step = step if step in USUAL else "AUTH"
                if not self._answer(s, step, mails):
                    return
                if step != "DATA" or (mails >= self.from_mail and
                                      "DATA" in self.answers):
                    continue
                if not self._message(f) or not self._answer(s, "end", mails):
                    return
                mails += 1

    def _guarded(self, s):
        try:
            self._converse(s)
        except OSError:
            pass                # the client has gone

    def _listen(self):
        while True:
            try:
                s, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(s)
            threading.Thread(target=self._guarded, args=(s,),
                             daemon=True).start()

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for s in self._open:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass            # it is over already

    def wait(self, n=1, timeout_s=10.0):
        until = time.monotonic() + timeout_s
        while len(self.messages) < n:
            if time.monotonic() > until:
                raise AssertionError(f"{len(self.messages)} of {n} messages "
                                     f"within {timeout_s} s")
            time.sleep(0.01)
        return list(self.messages)
