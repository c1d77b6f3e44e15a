// Who is calling, as kinde-authz tells it behind Envoy.
import {createRemoteJWKSet, jwtVerify} from "jose";

// read returns the identity that the x-kinde- headers tell, which header returns by name.
// Values are percent-encoded; a list that was left out to save room is null: not known.
function read(header) {
  const one = (name) => (header(name) ? decodeURIComponent(header(name)) : null);
  const list = (name, separator) => (header(name) ? header(name).split(separator).map(decodeURIComponent) : []);
  const omitted = list("x-kinde-omitted", ",");
  const many = (name, separator) => (omitted.includes(name) ? null : list(name, separator));
  return {
    actor: one("x-kinde-actor"),
    user: one("x-kinde-user-id"),
    client: one("x-kinde-client-id"),
    org: one("x-kinde-org-code"),
    scopes: many("x-kinde-scopes", " "),
    permissions: many("x-kinde-permissions", ","),
    roles: many("x-kinde-roles", ","),
    name: one("x-kinde-name"), // of headers.claims in the settings
  };
}

// signed returns the same of the claims of an assertion, but for the name, which is none.
function signed(claims) {
  const list = (name, values) => (claims.omitted?.includes(name) ? null : (values ?? []));
  return {
    actor: claims.actor,
    user: claims.actor === "user" ? claims.sub : null,
    client: claims.client_id ?? null,
    org: claims.org_code ?? null,
    scopes: list("scope", claims.scope?.split(" ").map(decodeURIComponent)),
    permissions: list("permissions", claims.permissions),
    roles: list("roles", claims.roles),
  };
}

// agreed returns what the headers tell and the assertion says too. A list that one of the
// two leaves out is not known.
function agreed(told, said) {
  for (const [name, value] of Object.entries(said)) {
    const list = ["scopes", "permissions", "roles"].includes(name);
    if (list && (told[name] === null || value === null)) told[name] = null;
    else if (JSON.stringify(told[name]) !== JSON.stringify(value)) throw new Error(`${name} is not what was signed`);
  }
  return told;
}

// identityVerifier returns a function that returns the identity of a request that came
// through Envoy, by its headers, and throws for every other one.
export function identityVerifier({jwks, audience, issuer = "kinde-authz"}) {
  // Fetched once, and again when an assertion names an unknown key.
  const keys = createRemoteJWKSet(new URL(jwks), {cooldownDuration: 1000});
  const expected = {
    audience,
    issuer,
    typ: "kinde-assertion+jwt",
    algorithms: ["EdDSA", "ES256"],
    requiredClaims: ["iat", "exp"],
    clockTolerance: 5, // seconds
  };
  return async (header) => {
    const {payload} = await jwtVerify(header("x-kinde-assertion") ?? "", keys, expected);
    return agreed(read(header), signed(payload));
  };
}

// requireIdentity lets nobody pass who did not come through Envoy.
export function requireIdentity(options) {
  const verify = identityVerifier(options);
  return async (req, res, next) => {
    try {
      req.identity = await verify((name) => req.headers[name]);
    } catch {
      return res.status(401).json({error: "this did not come through Envoy"});
    }
    next();
  };
}
