"""A whole Skycap for the end-to-end tests, and a receiver that misbehaves.

Service makes a configuration and store with the command, serves the programs
behind lighttpd and posts events to them.  Receiver is an endpoint whose answers
a test chooses; it keeps every request it got.
"""

import fcntl
import http.server
import json
import os
import pty
import struct
import subprocess
import termios
import threading
import time

import harness

HELP_PAGE_TASK = {
    "httpRequest": {
        "url": "https://yourservices/api/order-ticketed",
        "header": {"authorization": "Basic YourPassword"},
        "jsonBody": {
            "orderID": "{{agwID}}",
            "agent": "{{agent}}",
            "agency": "{{agency}}",
            "pnr": "{{pnr}}",
            "freeText":
                "Order has been ticketed, this is your order ID: {{agwID}}",
        },
    },
}


class Service:
    def __init__(self, conf="", mode="fcgi"):
        self.dir = harness.Directory()
        self.mode = mode
        self.env = {**os.environ, "SKYCAP_CONF": self.dir("s/skycap.conf")}
        os.mkdir(self.dir("data"))
        for name in ("catalog.json", "presets.json"):
            os.symlink(os.path.join(harness.TOP, "src/shape", name),
                       self.dir("data", name))
        os.symlink(os.path.join(harness.TOP, "www/templates"),
                   self.dir("data/templates"))
        self.made = json.loads(self.run(
            "init", "--dir", self.dir("s"), "--data", self.dir("data"),
            "--json"))
        with open(self.made["conf"], "a", encoding="utf-8") as f:
            f.write("[guard]\nallow = 127.0.0.0/8\n" + conf)
        self.key = self.made["publish_key"]
        self.server = None

    def run(self, *args, stdin=None, check=True, timeout=60):
        """The command's standard output, without the last line's end."""
        done = subprocess.run(
            [harness.built("skycap"), *args], input=stdin, text=True,
            capture_output=True, env=self.env, check=False,
            timeout=timeout)
        self.last = done
        assert not check or done.returncode == 0, done
        return done.stdout.rstrip("\n")

    def on_terminal(self, columns, *args):
        """What a terminal of so many columns is shown."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            [harness.built("skycap"), *args], stdout=slave,
            stdin=subprocess.DEVNULL, env=self.env)
        os.close(slave)
        out = b""
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            out += chunk
        os.close(master)
        assert process.wait(20) == 0
        return out.decode().replace("\r\n", "\n")

    def lines(self, *args):
        out = self.run(*args, "--json")
        return [json.loads(line) for line in out.splitlines()]

    def programs(self, mode=None):
        mode = mode or self.mode
        env = {"SKYCAP_CONF": self.made["conf"]}
        return [harness.Program(f"/{name}", harness.built(f"{name}.fcgi"),
                                mode=mode, env=env)
                for name in ("intake", "admin", "sweep")]

    def start(self, settings=""):
        self.server = harness.Lighttpd(self.programs(), settings).start()
        return self

    def close(self):
        try:
            if self.server is not None:
                self.server.stop()
        finally:
            self.dir.remove()

    def client(self, *args):
        return self.run("client", "add", *(args or ("Wander", "--all")))

    def subscribe(self, url, client=None, events=("OrderTicketed",),
                  task=None, **settings):
        task = json.loads(json.dumps(task or HELP_PAGE_TASK))
        task["httpRequest"]["url"] = url
        if settings:
            task["settings"] = settings
        args = [a for e in events for a in ("--event", e)]
        return self.run("subscription", "add", "--client",
                        client or self.client(), "--file", "-", *args,
                        stdin=json.dumps(task))

    def post(self, body, key=None, kind="application/json", path="/events",
             headers=None, **options):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        return self.server.post("/intake" + path, body, {
            "Authorization": f"Bearer {key or self.key}",
            "Content-Type": kind, **(headers or {})}, **options)

    def get(self, path, key=None):
        return self.server.get("/intake" + path, {
            "Authorization": f"Bearer {key or self.key}"})

    def sweep(self):
        token = self.made["sweep_token"]
        return self.server.get(f"/sweep?token={token}").json()

    def deliveries(self, **options):
        args = [a for k, v in options.items() for a in (f"--{k}", v)]
        return self.lines("deliveries", "--limit", "100000", *args)


def ticketed(agw_id="AGW-JHTE1543KJ", **order):
    return {"event": "OrderTicketed", "order": {
        "agwID": agw_id, "pnr": "KWJ2MT", "agent": "Ana Gil",
        "agency": "Wander", **order}}


class Got:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.body = method, path, body
        self.headers = {k.lower(): v for k, v in headers}
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.body)


class Switch:
    """An answer that a test turns."""

    def __init__(self, status):
        self.status, self.lock = status, threading.Lock()

    def __call__(self, n, got):
        with self.lock:
            return self.status

    def turn(self, status):
        with self.lock:
            self.status = status


class Receiver:
    """answer(n, got) returns a status, or (status, headers, body)."""

    def __init__(self, answer=lambda n, got: 204, port=0):
        self.got = []
        self.lock = threading.Lock()
        self.answer = answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                n = int(self.headers.get("content-length", 0))
                got = Got(self.command, self.path, self.headers.items(),
                          self.rfile.read(n))
                with receiver.lock:
                    receiver.got.append(got)
                    count = len(receiver.got)
                what = receiver.answer(count, got)
                status, headers, body = what if isinstance(what, tuple) \
                    else (what, {}, b"")
                self.send_response(status)
                for k, v in headers.items():
                    self.send_header(k, v)
                if status != 204:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_PATCH = do_POST

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *args):
                pass        # a killed sender is what some tests are about

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})
        self.thread.start()

    def url(self, path="/api/order-ticketed"):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait(self, n, timeout_s=15):
        harness.wait_for(f"{n} messages arrive (got {len(self.got)})",
                         lambda: len(self.got) >= n, timeout_s)
        return self.got

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
