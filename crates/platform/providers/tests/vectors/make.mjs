// Checks twilio.json with Twilio's own Node library: a second opinion on what make.py wrote.
//
// Run with the library installed outside the repository's tree:
//     mkdir /tmp/twilio-node && (cd /tmp/twilio-node && npm init -y && npm install twilio@6.2.0)
//     NODE_PATH=/tmp/twilio-node/node_modules node make.mjs
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

// Import statements do not look at NODE_PATH; require does.
const twilio = createRequire(import.meta.url)("twilio");
const vectors = JSON.parse(readFileSync(new URL("twilio.json", import.meta.url), "utf8"));

let wrong = 0;
for (const { name, kind, token, url, fields, body, signature } of vectors) {
  const params = {};
  for (const [field, value] of fields) {
    params[field] = field in params ? [].concat(params[field], value) : value;
  }
  const good =
    kind === "json"
      ? twilio.validateRequestWithBody(token, signature, url, body)
      : twilio.validateRequest(token, signature, url, params);
  if (!good) {
    console.error(`does not agree: ${name}`);
    wrong += 1;
  }
}
console.log(`${vectors.length} vectors, ${wrong} not confirmed`);
process.exit(wrong ? 1 : 0);
