"""What all end-to-end tests share; harness.py has the machinery."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402


@pytest.fixture
def directory():
    d = harness.Directory()
    yield d
    d.remove()


@pytest.fixture
def serve():
    """serve(Program(...), ..., settings="") starts a Lighttpd for the test."""
    started = []

    def start(*programs, settings=""):
        server = harness.Lighttpd(programs, settings)
        started.append(server)
        return server.start()

    yield start
    failed = None
    for server in started:
        try:
            server.stop()
        except AssertionError as error:
            failed = error
    if failed is not None:
        raise failed


@pytest.fixture
def receiver():
    """receiver(answer) starts a Receiver for the test."""
    import service as services
    started = []

    def start(*args, **options):
        started.append(services.Receiver(*args, **options))
        return started[-1]

    yield start
    for r in started:
        r.close()


@pytest.fixture
def service():
    """service(conf="", mode="fcgi") makes a Service; start() serves it."""
    import service as services
    made = []

    def make(*args, **options):
        made.append(services.Service(*args, **options))
        return made[-1]

    yield make
    for s in made:
        s.close()
