"""The simulator against Twilio's own Python library: its client sends, lists, fetches and reads refusals, and its
validator checks the signature of every webhook the simulator sends. Not part of the tests, which need no network.

From the repository's root, with the library installed outside its tree:
    python3 -m venv /tmp/twilio-opponent && /tmp/twilio-opponent/bin/pip install twilio==9.13.0
    /tmp/twilio-opponent/bin/python crates/platform/simulators/tests/opponent/check.py
"""

import json
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

ACCOUNT, TOKEN = "AC" + "0" * 32, "sandbox-token"
BUSINESS, CALLER, OWNER = "+14155550100", "+14155550123", "+14155550199"
heard = []


class Service(BaseHTTPRequestHandler):
    """Answers with TwiML made by Twilio's library, after its validator agreed."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
        valid = RequestValidator(TOKEN).validate(url, fields, self.headers["X-Twilio-Signature"])
        heard.append((self.path.rsplit("/", 1)[1], valid, fields))
        answer = self.twiml(self.path.rsplit("/", 1)[1], fields) if valid else ""
        self.send_response(200 if valid else 401)
        self.end_headers()
        self.wfile.write(answer.encode())

    @staticmethod
    def twiml(route, fields):
        response = VoiceResponse()
        if route == "voice":
            dial = Dial(timeout=18, action="/webhooks/twilio/dial-status", method="POST")
            dial.number(OWNER, url="/webhooks/twilio/whisper")
            response.append(dial)
        elif route == "whisper":
            gather = Gather(num_digits=1, action="/webhooks/twilio/whisper-result")
            gather.say("Press 1 & talk <now>")
            response.append(gather)
            response.hangup()
        elif route == "dial-status" and fields["DialCallStatus"] != "completed":
            response.say("We will text you.")
            response.hangup()
        return str(response)

    def log_message(self, *_):
        pass


class Simulated(TwilioHttpClient):
    """The library's own HTTP client, at another address."""

    def __init__(self, base):
        super().__init__()
        self.base = base

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", self.base), *args, **kwargs)


def check(what, good):
    print(("ok   " if good else "FAIL ") + what)
    if not good:
        raise SystemExit(1)


def control(base, path, value):
    data = json.dumps(value).encode()
    request = urllib.request.Request(base + "/simulator" + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def run(base, public):
    client = Client(ACCOUNT, TOKEN, http_client=Simulated(base))
    texts = ["Hello", "¿Qué tal? 👍", "1 + 1 & 2%", " spaces "]
    sent = [client.messages.create(to=CALLER, from_=BUSINESS, body=text, status_callback=public + "/webhooks/twilio/sms-status?a=1&b=%20") for text in texts]
    check("sends", all(m.sid.startswith("SM") and m.status == "queued" for m in sent))
    check("keeps the text", [client.messages(m.sid).fetch().body for m in sent] == texts)
    for index in range(60):
        client.messages.create(to=CALLER, from_=BUSINESS, body=str(index))
    listed = client.messages.list(to=CALLER, page_size=25)
    check("lists over pages", len(listed) == 64 and len({m.sid for m in listed}) == 64)
    check("filters by sender", client.messages.list(from_=CALLER) == [])
    now = datetime.now(timezone.utc)
    check("filters by day", len(client.messages.list(date_sent_after=now - timedelta(days=1))) == 64)
    check("filters by later day", client.messages.list(date_sent_after=now + timedelta(days=2)) == [])
    for to, body, code in [("+1", "x", 21211), (CALLER, "", 21602), (CALLER, "x" * 1601, 21617), (BUSINESS, "x", 21266)]:
        try:
            client.messages.create(to=to, from_=BUSINESS, body=body)
            check(f"refuses with {code}", False)
        except TwilioRestException as refusal:
            check(f"refuses with {code}", (refusal.code, refusal.status) == (code, 400))
    transcript = control(base, "/calls", {"from": CALLER, "to": BUSINESS, "scenario": {"kind": "answered", "talk_seconds": 9}})
    said = [step["text"] for step in transcript["steps"] if step["kind"] == "said"]
    check("plays the library's TwiML", said == ["Press 1 & talk <now>"])
    transcript = control(base, "/calls", {"from": "", "to": BUSINESS, "scenario": {"kind": "busy"}})
    check("says the sentence", [s["text"] for s in transcript["steps"] if s["kind"] == "said"] == ["We will text you."])
    calls = client.calls.list(to=BUSINESS)
    check("lists calls", len(calls) == 2 and calls[0].sid == transcript["call_sid"])
    control(base, "/texts", {"from": CALLER, "to": BUSINESS, "body": "Grüße 👋", "media": [["https://m.example/1", "image/png"]]})
    deadline = time.time() + 10
    while sum(route.startswith("sms-status") for route, _, _ in heard) < 8 and time.time() < deadline:
        time.sleep(0.05)
    routes = {route.split("?")[0] for route, _, _ in heard}
    check("every route was called", routes >= {"voice", "whisper", "whisper-result", "dial-status", "voice-status", "sms-inbound", "sms-status"})
    check(f"every signature of {len(heard)} webhooks holds", all(valid for _, valid, _ in heard))


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    public = f"http://127.0.0.1:{server.server_port}"
    command = ["cargo", "run", "-q", "-p", "nmc-simulators", "--example", "twilio", "--", public]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as simulator:
        try:
            run(simulator.stdout.readline().strip(), public)
        finally:
            simulator.stdin.close()


main()
