// Drives the Clerk simulator with Clerk's own library: what the simulator says must be what that library reads.
//
// Needs the package index, so it is run by hand, from the repository's root:
//     cargo build --package nmc-simulators --example clerk
//     mkdir /tmp/clerk-node && (cd /tmp/clerk-node && npm init -y && npm install @clerk/backend@3.25.0)
//     NODE_PATH=/tmp/clerk-node/node_modules node crates/platform/simulators/tests/opponent/clerk.mjs
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createClerkClient, verifyToken } = require("@clerk/backend");
const { verifyWebhook } = require("@clerk/backend/webhooks");
const SECRET = "sk_test_simulator";
const WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// A service that takes webhooks as Clerk's library does.
const events = [];
const service = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const copy = new Request("http://localhost/webhooks/clerk", {
      method: "POST",
      headers: request.headers,
      body: Buffer.concat(chunks),
    });
    const event = await verifyWebhook(copy, { signingSecret: WEBHOOK_SECRET });
    events.push(event);
    response.end();
  });
}).listen(0, "127.0.0.1");
await once(service, "listening");

const target = process.env.CARGO_TARGET_DIR ?? "target";
const simulator = spawn(`${target}/debug/examples/clerk`, [`http://127.0.0.1:${service.address().port}`]);
const [line] = await once(simulator.stdout, "data");
const apiUrl = line.toString().trim();
const control = async (path, body) => {
  const answer = await fetch(`${apiUrl}/simulator${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  return answer.json();
};

try {
  const clerk = createClerkClient({ secretKey: SECRET, apiUrl });

  const first = await clerk.invitations.createInvitation({
    emailAddress: "bob@example.com",
    publicMetadata: { nmc_role: "TECH" },
    redirectUrl: "https://app.example.com/welcome",
  });
  assert.equal(first.status, "pending");
  assert.deepEqual(first.publicMetadata, { nmc_role: "TECH" });
  await assert.rejects(clerk.invitations.createInvitation({ emailAddress: "bob@example.com" }), (error) => {
    assert.equal(error.errors[0].code, "duplicate_record");
    return true;
  });
  const second = await clerk.invitations.createInvitation({ emailAddress: "eve@example.com" });
  assert.equal((await clerk.invitations.revokeInvitation(second.id)).status, "revoked");
  const pending = await clerk.invitations.getInvitationList({ status: "pending" });
  assert.equal(pending.totalCount, 1);
  assert.equal(pending.data[0].id, first.id);
  const none = await clerk.invitations.getInvitationList({ query: "eve@example.com", status: "pending" });
  assert.equal(none.data.length, 0);

  const accepted = await control(`/invitations/${first.id}/accept`);
  const user = await clerk.users.getUser(accepted.id);
  assert.equal(user.primaryEmailAddress.emailAddress, "bob@example.com");
  assert.equal(user.primaryEmailAddress.verification.status, "verified");
  assert.deepEqual(user.publicMetadata, { nmc_role: "TECH" });
  await assert.rejects(clerk.users.getUser("user_nobody"), (error) => error.status === 404);
  await assert.rejects(createClerkClient({ secretKey: "sk_test_other", apiUrl }).users.getUser(user.id), (error) => error.status === 401);

  const { jwt } = await control("/tokens", { user: user.id, role: "TECH", minutes: 5 });
  const claims = await verifyToken(jwt, { secretKey: SECRET, apiUrl, authorizedParties: ["http://localhost:5173"] });
  assert.equal(claims.sub, user.id);
  assert.equal(claims.nmc_role, "TECH");
  assert.equal(claims.sts, "active");
  await assert.rejects(verifyToken(jwt, { secretKey: SECRET, apiUrl, authorizedParties: ["https://evil.example.com"] }));

  for (let waited = 0; events.length === 0 && waited < 200; waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(events[0].type, "user.created");
  assert.equal(events[0].data.id, user.id);
  assert.equal(events[0].data.public_metadata.nmc_role, "TECH");
  console.log("the simulator and Clerk's library agree");
} finally {
  simulator.stdin.end();
  service.close();
}
