"""What quickstart prints must work: the curl line makes a message arrive."""
import json
import os
import subprocess
import time
from pathlib import Path

DIR = Path(os.environ["SKYCAP_QUICKSTART_DIR"])
PORT = os.environ["SKYCAP_QUICKSTART_PORT"]
KEY = os.environ["SKYCAP_QUICKSTART_KEY"]


def test_the_printed_curl_line_makes_the_message_arrive():
    received = DIR / "received.txt"
    agw = f"AGW-{time.time_ns()}"
    event = {"event": "OrderTicketed", "order": {
        "agwID": agw, "pnr": "KWJ2MT", "agent": "Ana Gil",
        "agency": "Wander", "totalAmount": "412.90"}}
    answer = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: Bearer {KEY}",
         "-H", "Content-Type: application/json",
         f"http://127.0.0.1:{PORT}/intake/events", "-d", json.dumps(event)],
        capture_output=True, text=True, check=True, timeout=20).stdout
    assert json.loads(answer)["deliveries"] == 1, answer
    deadline = time.monotonic() + 15
    while agw not in received.read_text():
        assert time.monotonic() < deadline, "nothing arrived within 15 s"
        time.sleep(0.05)
    text = received.read_text()
    body = json.loads(text[text.rindex("{\n"):])
    assert body == {
        "orderID": agw, "agent": "Ana Gil", "agency": "Wander",
        "pnr": "KWJ2MT",
        "freeText": f"Order has been ticketed, this is your order ID: {agw}"}
    assert "(signature: genuine)" in text
    assert "authorization: Basic YourPassword" in text


def test_another_agencys_order_reaches_nobody():
    event = {"event": "OrderTicketed", "order": {
        "agwID": "AGW-OTHER", "agency": "Elsewhere"}}
    answer = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: Bearer {KEY}",
         "-H", "Content-Type: application/json",
         f"http://127.0.0.1:{PORT}/intake/events", "-d", json.dumps(event)],
        capture_output=True, text=True, check=True, timeout=20).stdout
    assert json.loads(answer)["deliveries"] == 0, answer
