// Writes clerk.json: session tokens made with Clerk's own library, and what that library thinks of each.
//
// Run with the libraries installed outside of the repository's tree:
//     mkdir /tmp/clerk-node && (cd /tmp/clerk-node && npm init -y && npm install @clerk/backend@3.25.0)
//     NODE_PATH=/tmp/clerk-node/node_modules node clerk.mjs > clerk.json
// The key pair is new on each run: signatures change, verdicts must not.
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";

// Import statements do not look at NODE_PATH; require does.
const { signJwt, verifyJwt } = createRequire(import.meta.url)("@clerk/backend/jwt");

const NOW = 1_790_000_000;
const ISSUER = "https://clerk.example.com";
const PARTY = "https://app.example.com";
const TENANT = "0190a000-0000-7000-8000-000000000001";
Date.now = () => NOW * 1000;

const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const KID = "ins_vectors";
const jwk = { use: "sig", kid: KID, alg: "RS256", ...publicKey.export({ format: "jwk" }) };

// The library puts `iat` in by itself.
const base = {
  iss: ISSUER,
  sub: "user_2Nc0vUXGHzLAKXJ0BfNRwSrUjhD",
  sid: "sess_2GaMqUCB3Sc1WNAkWuNzsnYVVEy",
  azp: PARTY,
  nbf: NOW - 15,
  exp: NOW + 55,
  fva: [0, -1],
};
const v2 = { ...base, v: 2, jti: "a1b2", pla: "u:free", sts: "active" };
const without = (claims, ...names) => Object.fromEntries(Object.entries(claims).filter(([n]) => !names.includes(n)));

// Name, claims, header; where our verdict differs from the library's: why.
const cases = [
  ["version 1", base],
  ["version 1, an organisation", { ...base, org_id: "org_1", org_role: "org:admin", org_slug: "plumbers" }],
  ["version 1, an organisation without its role", { ...base, org_id: "org_1" }],
  ["version 1, said so", { ...base, v: 1 }],
  ["version 2", v2],
  ["version 2, an organisation", { ...v2, o: { id: "org_1", rol: "admin", slg: "plumbers", per: "read", fpm: "3" } }],
  ["version 2, an organisation without its role", { ...v2, o: { id: "org_1" } }],
  ["version 2, an organisation that says nothing", { ...v2, o: {} }],
  ["version 2, without a status", without(v2, "sts")],
  ["an owner", { ...v2, nmc_tenant_id: TENANT, nmc_role: "OWNER" }],
  ["a technician", { ...base, nmc_tenant_id: TENANT, nmc_role: "TECH" }],
  ["metadata that is not there", { ...v2, nmc_tenant_id: null, nmc_role: null }],
  ["no authorised party", without(v2, "azp"), {}, "Clerk leaves it out where a client sends no origin"],
  ["no begin", without(v2, "nbf")],
  ["claims of a template", { ...v2, email: "a@example.com", nested: { a: [1, { b: null }] }, name: "Zoë 👩‍🔧 \u0000" }],
  ["impersonated", { ...v2, act: { iss: "https://dashboard.clerk.com", sid: "sess_x", sub: "user_x" } }],
  ["an audience nobody asked for", { ...v2, aud: "https://elsewhere.example.com" }],
  ["over four seconds ago", { ...v2, exp: NOW - 4 }],
  ["begins in five seconds", { ...v2, nbf: NOW + 5 }],
  ["over five seconds ago", { ...v2, exp: NOW - 5 }],
  ["over since a day", { ...v2, exp: NOW - 86_400 }],
  ["begins in six seconds", { ...v2, nbf: NOW + 6 }],
  ["another party", { ...v2, azp: "https://evil.example.com" }],
  ["a party with a slash", { ...v2, azp: `${PARTY}/` }],
  ["no end", without(v2, "exp")],
  ["nobody", without(v2, "sub")],
  ["another issuer", { ...v2, iss: "https://clerk.evil.example.com" }],
  ["an issuer with a slash", { ...v2, iss: `${ISSUER}/` }],
  ["no issuer", without(v2, "iss")],
  ["another algorithm", v2, { alg: "RS384" }],
  ["an OAuth token", v2, { typ: "at+jwt" }],
  ["pending", { ...v2, sts: "pending" }, {}, "Clerk's helpers look at the status elsewhere"],
  ["an unknown version", { ...v2, v: 3 }, {}, "versions known here: 1 and 2"],
  ["a critical header", v2, { crit: ["b64"], b64: true }, "headers we do not understand"],
  ["a key of its own", v2, { jwk }, "keys come from Clerk alone"],
  ["an address of keys", v2, { jku: "https://evil.example.com/jwks.json" }, "keys come from Clerk alone"],
  ["a machine", { ...v2, sub: "mch_1" }, {}, "people sign in here"],
];

const vectors = [];
for (const [name, claims, header = {}, differs = null] of cases) {
  const signed = await signJwt(claims, privateKey.export({ format: "jwk" }), {
    algorithm: header.alg ?? "RS256",
    header: { cat: "cl_B7d4PD111AAA", kid: KID, typ: "JWT", ...header },
  });
  const token = signed.data ?? signed;
  const verdict = await verifyJwt(token, { key: jwk, authorizedParties: [PARTY], issuer: ISSUER })
    .then((result) => !result.errors)
    .catch(() => false);
  vectors.push({ name, token, clerk_accepts: verdict, we_accept: differs ? !verdict : verdict, differs });
}
const file = { now: NOW, issuer: ISSUER, authorized_party: PARTY, tenant: TENANT, jwks: { keys: [jwk] }, vectors };
console.log(JSON.stringify(file, null, 1));
