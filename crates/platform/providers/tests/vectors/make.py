"""Writes twilio.json: request signatures made by Twilio's own Python library.

Run from anywhere, outside the repository's tree for what it installs:
    python3 -m venv /tmp/twilio-vectors && /tmp/twilio-vectors/bin/pip install twilio==9.13.0
    /tmp/twilio-vectors/bin/python make.py > twilio.json
Then `node make.mjs` (see there) checks every vector with Twilio's Node library.
"""

import json
import sys
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

TOKENS = ["12345", "0123456789abcdef0123456789abcdef", "tökén with spaces"]
BASE = "https://nmc.example/webhooks/twilio/"
CALL = [("CallSid", "CA" + "0a" * 16), ("From", "+14155550123"), ("To", "+14155550100")]
SMS = [("MessageSid", "SM" + "0b" * 16), ("From", "+14155550123"), ("To", "+14155550100")]

FORMS = {
    "no parameters": [],
    "a call": CALL + [("CallStatus", "ringing"), ("Direction", "inbound"), ("ApiVersion", "2010-04-01")],
    "out of order": list(reversed(CALL)),
    "a text": SMS + [("Body", "Hello there"), ("NumMedia", "0")],
    "an empty value": SMS + [("Body", ""), ("NumMedia", "1")],
    "spaces at both ends": SMS + [("Body", "  two spaces  ")],
    "plus and percent": SMS + [("Body", "1+1=2 & 100%25 of a%20b +")],
    "accents": SMS + [("Body", "¿Cuánto cuesta? Größe naïve")],
    "emoji": SMS + [("Body", "Thanks 👍🏽 👩‍🔧")],
    "other scripts": SMS + [("Body", "Спасибо 日本語 עברית")],
    "line ends": SMS + [("Body", "one\ntwo\r\nthree\ttab")],
    "quotes and angles": SMS + [("Body", "<b>\"it's\"</b> \\ `x`")],
    "names by capital letters first": [("a", "1"), ("B", "2"), ("_", "3"), ("A", "4"), ("b", "5"), ("10", "6"), ("9", "7")],
    "a name that begins another": [("Sid", "CA123"), ("SidAccount", "AC123"), ("Si", "x")],
    "unicode names": [("Ünï", "1"), ("日", "2"), ("z", "3")],
    "repeated values": [("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234"), ("Sid", "CA123")],
    "repeated names in between": [("b", "2"), ("a", "1"), ("b", "1"), ("a", "1")],
    "a repeated empty value": [("a", ""), ("a", ""), ("a", "x")],
    "an unknown parameter": CALL + [("SomethingNew", "42")],
    "a long text": SMS + [("Body", "x" * 1600)],
}

URLS = {
    "plain": BASE + "voice",
    "standard port": "https://nmc.example:443/webhooks/twilio/voice",
    "http": "http://nmc.example/webhooks/twilio/voice",
    "http standard port": "http://nmc.example:80/webhooks/twilio/voice",
    "other port": "https://nmc.example:8443/webhooks/twilio/voice",
    "query": BASE + "sms-status?intent=0190-aa&attempt=2",
    "encoded query": BASE + "sms-status?text=a%20b%2Bc+d&empty=&flag",
    "prefix": "https://nmc.example/some/prefix/webhooks/twilio/voice",
    "no path": "https://nmc.example?x=1",
}

BODIES = {
    "an object": '{"property": "value", "boolean": true}',
    "an empty body": "",
    "unicode": '{"text":"héllo 👍"}',
    "line ends": '{\n  "a": 1\r\n}\n',
}


class Fields(dict):
    """What the library takes for repeated names."""

    def __init__(self, pairs):
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def getall(self, name):
        return self[name]


def form(name, token, url, fields, signed_url=None):
    validator = RequestValidator(token)
    signature = validator.compute_signature(signed_url or url, Fields(fields))
    assert validator.validate(url, Fields(fields), signature), name
    return {
        "name": name, "kind": "form", "token": token, "url": url, "fields": fields,
        "body": urlencode(fields), "signature": signature,
    }


def main():
    vectors = []
    for token in TOKENS:
        for name, fields in FORMS.items():
            vectors.append(form(name, token, URLS["plain"], fields))
    for name, url in URLS.items():
        vectors.append(form("url: " + name, TOKENS[1], url, FORMS["a call"]))
    # Signed with the port, received without it, and the other way round.
    vectors.append(form("port added", TOKENS[1], URLS["plain"], FORMS["a call"], URLS["standard port"]))
    vectors.append(form("port dropped", TOKENS[1], URLS["standard port"], FORMS["a call"], URLS["plain"]))
    vectors.append(form("http port added", TOKENS[1], URLS["http"], FORMS["a call"], URLS["http standard port"]))
    for name, body in BODIES.items():
        validator = RequestValidator(TOKENS[1])
        for url in (URLS["plain"] + "?bodySHA256=", URLS["query"] + "&bodySHA256="):
            url += validator.compute_hash(body)
            signature = validator.compute_signature(url, {})
            assert validator.validate(url, body, signature), name
            vectors.append({
                "name": "json: " + name, "kind": "json", "token": TOKENS[1], "url": url, "fields": [],
                "body": body, "signature": signature,
            })
    json.dump(vectors, sys.stdout, ensure_ascii=False, indent=1)
    print()


main()
