"""Writes svix.json: webhooks signed by Svix's own library, which signs Clerk's.

Run from anywhere, outside the repository's tree for what it installs:
    python3 -m venv /tmp/svix && /tmp/svix/bin/pip install svix==2.9.1
    /tmp/svix/bin/python svix.py > svix.json
"""

import base64
import json
import sys
from datetime import datetime, timezone

sys.path = sys.path[1:]  # else `import svix` finds this file
from svix.webhooks import Webhook

SECRETS = [
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_" + base64.b64encode(bytes(range(32))).decode(),
    "whsec_" + base64.b64encode(bytes(range(100, 164))).decode(),
]
USER = {"id": "user_2Nc0vUXGHzLAKXJ0BfNRwSrUjhD", "object": "user"}


def event(kind, data, **more):
    return {"type": kind, "object": "event", "data": data, "timestamp": 1790000000123, **more}


BODIES = {
    "somebody signs up": json.dumps(event("user.created", USER)),
    "somebody changes": json.dumps(event("user.updated", {**USER, "first_name": "Zoë 👩‍🔧"}), ensure_ascii=False),
    "somebody goes": json.dumps(event("user.deleted", {"deleted": True, **USER})),
    "a session ends": json.dumps(event("session.ended", {"id": "sess_1"})),
    "a word of tomorrow": json.dumps(event("brand.new", [1, None, {"a": {}}])),
    "spaces and line ends": "{\r\n  \"type\" : \"session.created\",\n\t\"data\": {}\n}\n",
    "escaped": json.dumps(event("user.created", {**USER, "first_name": "日本 \u0000 \\ \" /"})),
    "large": json.dumps(event("user.created", {**USER, "public_metadata": {"note": "x" * 4_000}})),
}

vectors = []
for index, secret in enumerate(SECRETS):
    for name, body in BODIES.items():
        for timestamp in (1790000000, 1614265330):
            id = f"msg_{index}{len(vectors)}p5jXN8AQM9LWM0D4loKWxJek"
            signature = Webhook(secret).sign(id, datetime.fromtimestamp(timestamp, timezone.utc), body)
            vectors.append({
                "name": f"{name}, secret {index}, {timestamp}",
                "secret": secret, "id": id, "timestamp": timestamp, "body": body, "signature": signature,
            })

# The library itself must take them back (at its own time, which is now: so those are signed for now).
now = datetime.now(timezone.utc)
for vector in vectors:
    wh = Webhook(vector["secret"])
    signed = wh.sign(vector["id"], now, vector["body"])
    wh.verify(vector["body"], {
        "svix-id": vector["id"], "svix-timestamp": str(int(now.timestamp())), "svix-signature": signed,
    })
json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
print()
