"""Drives built programs behind real web servers, for the end-to-end tests.

Lighttpd serves any number of programs, as FastCGI or plain CGI, on a free
loopback port out of a directory of its own.  When it is stopped, everything it
has started must be gone: processes are known by a mark in their environment,
which also those inherit that have left their parent or session.  FastCgi talks
to a program directly, without a web server, for what no server can be made to
send.  Nothing here knows what a program does.

Where the built programs are: $SKYCAP_BUILD, else the top of the source tree.
"""

import http.client
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
MARK = "SKYCAP_TEST_MARK"


def built(name):
    """The path of a built program: "intake.fcgi", "tests/e2e/echo_prog"."""
    return os.path.join(os.environ.get("SKYCAP_BUILD", TOP), name)


def wait_for(what, question, timeout_s=10.0):
    """Ask until the answer is true, and return it; fail after timeout_s."""
    until = time.monotonic() + timeout_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.01)


def is_alive(pid):
    """Running, and not merely waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] not in b"ZX"
    except OSError:
        return False


def marked(mark):
    """The pids of all live processes whose environment has the mark."""
    want = f"{MARK}={mark}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as f:
                has = want in f.read().split(b"\0")
        except OSError:
            continue
        if has and is_alive(int(entry)):
            found.append(int(entry))
    return found


def end_all(mark):
    for pid in marked(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.body = body

    def json(self):
        import json
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


def parse_cgi(raw):
    """The answer a program gives to CGI or FastCGI, as a Response."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    assert separator, f"no empty line in {raw[:300]!r}"
    headers = [tuple(line.split(": ", 1))
               for line in head.decode("latin-1").split("\r\n")]
    status = int(dict(headers)["Status"].split()[0])
    return Response(status, headers, body)


class Directory:
    """A directory of its own, short enough for the name of a socket."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="skycap-e2e-")
        os.chmod(self.path, 0o755)

    def __call__(self, *parts):
        return os.path.join(self.path, *parts)

    def write(self, name, text, mode=0o644):
        with open(self(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self(name), mode)
        return self(name)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Program:
    """What Lighttpd is to serve under a URL prefix.

    mode is "fcgi" or "cgi".  env goes to the process; params go with each
    request instead.  procs is how many processes lighttpd starts.
    """

    def __init__(self, prefix, path, mode="fcgi", env=None, params=None,
                 procs=1, args=""):
        self.prefix, self.path, self.mode = prefix, path, mode
        self.env, self.params = dict(env or {}), dict(params or {})
        self.procs, self.args = procs, args


def quoted(d):
    return "( " + ", ".join(f'"{k}" => "{v}"' for k, v in d.items()) + " )"


class Lighttpd:
    """lighttpd with some programs; also a context manager."""

    def __init__(self, programs, settings="", fds=1024):
        self.programs, self.settings, self.fds = programs, settings, fds
        self.dir = Directory()
        self.mark = uuid.uuid4().hex
        self.process = None
        self.port = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *what):
        if what[0] is None:
            self.stop()
        else:
            self.abandon()

    def _fastcgi(self, i, p):
        env = {"PATH": os.environ["PATH"], MARK: self.mark, **p.env}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR"):
            if name in os.environ:
                env.setdefault(name, os.environ[name])
        return f'''
            "{p.prefix}" => (( "socket" => "{self.dir(f's{i}')}",
                "bin-path" => "{(p.path + ' ' + p.args).strip()}",
                "max-procs" => {p.procs}, "check-local" => "disable",
                "bin-environment" => {quoted(env)} )),'''

    def _config(self):
        text = f'''
            server.modules = ( "mod_alias", "mod_setenv", "mod_fastcgi",
                "mod_cgi" )
            server.document-root = "{self.dir('www')}"
            server.bind = "127.0.0.1"
            server.port = {self.port}
            server.errorlog = "{self.dir('lighttpd.log')}"
            server.max-fds = {self.fds}
            {self.settings}
            fastcgi.server = ('''
        for i, p in enumerate(self.programs):
            if p.mode == "fcgi":
                text += self._fastcgi(i, p)
        text += " )\n"
        for p in self.programs:
            if p.mode == "cgi":
                env = {MARK: self.mark, **p.env, **p.params}
                text += f'''
            $HTTP["url"] =~ "^{p.prefix}($|[/?])" {{
                alias.url = ( "{p.prefix}" => "{p.path}" )
                cgi.assign = ( "" => "" )
                setenv.add-environment = {quoted(env)}
            }}'''
            elif p.params:
                text += f'''
            $HTTP["url"] =~ "^{p.prefix}" {{
                setenv.add-environment = {quoted(p.params)}
            }}'''
        return text

    def start(self, port=None):
        """Serve, and return when it answers.  It can be started again."""
        os.makedirs(self.dir("www"), exist_ok=True)
        for _ in range(5):
            self.port = port or free_port()
            self.dir.write("lighttpd.conf", self._config())
            self.process = subprocess.Popen(
                ["lighttpd", "-D", "-f", self.dir("lighttpd.conf")],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=open(self.dir("lighttpd.err"), "ab"),
                env={**os.environ, MARK: self.mark})
            try:
                wait_for("lighttpd answers", self._is_ready)
                return self
            except ChildProcessError:
                continue        # most likely somebody else took the port
        raise AssertionError("lighttpd does not start: " + self.log())

    def _is_ready(self):
        if self.process.poll() is not None:
            raise ChildProcessError
        try:
            return self.get("/ready.txt").status > 0
        except OSError:
            return False

    def stop(self):
        """SIGTERM; nothing it has started may outlive it by 5 s."""
        if self.process is None:
            return
        self.process.terminate()
        self._ended()

    def kill(self):
        """SIGKILL to lighttpd alone: its programs are left to themselves."""
        self.process.kill()
        self.process.wait()

    def _ended(self):
        try:
            self.process.wait(10)
            wait_for("everything lighttpd started is gone",
                     lambda: not marked(self.mark), 5)
            log = self.log()
            assert "Sanitizer" not in log and "runtime error" not in log, log
        finally:
            self.abandon()

    def abandon(self):
        """End it and all it has started, without asking."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        end_all(self.mark)
        self.process = None
        self.dir.remove()

    def pids(self, program=None):
        """The live processes it has started, of one binary or of all."""
        found = [pid for pid in marked(self.mark) if pid != self.process.pid]
        if program is None:
            return found
        return [pid for pid in found if runs(pid, program)]

    def log(self):
        text = ""
        for name in ("lighttpd.err", "lighttpd.log"):
            if os.path.exists(self.dir(name)):
                with open(self.dir(name), encoding="utf-8",
                          errors="replace") as f:
                    text += f.read()
        return text

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def request(self, method, path, body=None, headers=None, chunked=False,
                timeout_s=30):
        c = http.client.HTTPConnection("127.0.0.1", self.port,
                                       timeout=timeout_s)
        try:
            c.request(method, path, body, headers or {},
                      encode_chunked=chunked)
            r = c.getresponse()
            return Response(r.status, r.getheaders(), r.read())
        finally:
            c.close()

    def get(self, path, headers=None, **options):
        return self.request("GET", path, None, headers, **options)

    def post(self, path, body, headers=None, **options):
        return self.request("POST", path, body, headers, **options)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def runs(pid, program):
    """The process was started from that file, also if it is gone since."""
    try:
        target = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return False
    return target.removesuffix(" (deleted)") == os.path.realpath(program)


def run_cgi(program, env, body=b"", args=(), timeout_s=30):
    """One request to a program as plain CGI, without a web server."""
    done = subprocess.run(
        [program, *args], input=body, timeout=timeout_s, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**keep_sanitizers(), "GATEWAY_INTERFACE": "CGI/1.1",
             "REQUEST_METHOD": "GET", **env})
    assert done.returncode == 0, done
    return parse_cgi(done.stdout)


def keep_sanitizers():
    return {k: os.environ[k] for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "PATH")
            if k in os.environ}


# FastCGI 1.0, as much of it as a responder needs.
BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


def record(kind, content=b""):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def begin_record(keep):
    return record(BEGIN, struct.pack(">HB5x", 1, 1 if keep else 0))


def params_record(params):
    content = b""
    for name, value in params.items():
        for part in (name, value):
            n = len(part.encode())
            content += struct.pack(">B", n) if n < 128 else \
                struct.pack(">I", n | 1 << 31)
        content += name.encode() + value.encode()
    return record(PARAMS, content) + record(PARAMS)


class Connection:
    """A connection to a FastCGI program, as a web server would hold one."""

    def __init__(self, address):
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.settimeout(30)
        self.socket.connect(address)

    def _read(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            if not more:
                return None
            got += more
        return got

    def send(self, params, body=b"", keep=False):
        data = begin_record(keep) + params_record(params)
        for i in range(0, len(body), 32768):
            data += record(STDIN, body[i:i + 32768])
        self.socket.sendall(data + record(STDIN))

    def answer(self):
        """The answer to what was sent, or None if the program hung up."""
        out = b""
        while True:
            head = self._read(8)
            if head is None:
                return None
            _, kind, _, n, pad, _ = struct.unpack(">BBHHBB", head)
            content = self._read(n + pad) if n + pad else b""
            if content is None:
                return None
            if kind == STDOUT:
                out += content[:n]
            elif kind == END:
                return parse_cgi(out)

    def is_closed(self):
        """The program closes it, sooner or later."""
        return self.socket.recv(1) == b""

    def close(self):
        self.socket.close()


class FastCgi:
    """A program with a listening socket on descriptor 0, no web server."""

    def __init__(self, program, env=None, args=(), tcp=False):
        self.dir = Directory()
        self.mark = uuid.uuid4().hex
        self.address = ("127.0.0.1", free_port()) if tcp else self.dir("s")
        listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        listener.bind(self.address)
        listener.listen(64)
        self.listener = listener
        self.process = subprocess.Popen(
            [program, *args], stdin=listener, stdout=subprocess.DEVNULL,
            stderr=open(self.dir("err"), "wb"),
            env={**keep_sanitizers(), MARK: self.mark, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        end_all(self.mark)
        self.listener.close()
        self.dir.remove()

    def log(self):
        with open(self.dir("err"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def connect(self):
        return Connection(self.address)

    def request(self, params, body=b""):
        c = self.connect()
        try:
            c.send({"REQUEST_METHOD": "GET", **params}, body)
            return c.answer()
        finally:
            c.close()
