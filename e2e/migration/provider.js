// The rule of mastra-auth-kinde 0.1.0, told anew from its documentation and behaviour, over
// jose, the library that verifies its tokens. It reads the provider's options and named
// tokens as JSON from standard input, and prints the status that each one gets: 401 where
// it does not verify, 403 where it does and is not authorized.
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

// Modules are found by NODE_PATH only where they are required.
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(process.argv[2]).href);

const { domain, audience, allowedOrgCodes, tokens } = JSON.parse(await text(process.stdin));
const issuer = domain.replace(/\/+$/, '');
const keys = createRemoteJWKSet(new URL(issuer + '/.well-known/jwks'));

async function claimsOf(token) {
  try {
    return (await jwtVerify(token, keys, { issuer, audience })).payload;
  } catch {
    return null;
  }
}

function mayPass({ sub, gty, org_code: org }) {
  const machine = Array.isArray(gty) && gty.includes('client_credentials') && sub == null;
  return (Boolean(sub) || machine) && (!allowedOrgCodes || allowedOrgCodes.includes(org));
}

const answers = {};
for (const [name, token] of Object.entries(tokens)) {
  const claims = token && (await claimsOf(token));
  answers[name] = !claims ? 401 : mayPass(claims) ? 200 : 403;
}
console.log(JSON.stringify(answers));
