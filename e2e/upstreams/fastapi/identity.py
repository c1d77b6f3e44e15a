"""Who is calling, as kinde-authz tells it behind Envoy."""

from collections.abc import Callable, Mapping
from urllib.parse import unquote

import jwt
from fastapi import HTTPException, Request


def read(headers: Mapping[str, str]) -> dict:
    """The identity that the x-kinde- headers tell. Values are percent-encoded; a list
    that was left out to save room is None: not known."""

    def one(name: str) -> str | None:
        return unquote(headers[name], errors="strict") if name in headers else None

    def many(name: str, separator: str) -> list[str] | None:
        if name in omitted:
            return None
        return [unquote(item, errors="strict") for item in headers[name].split(separator)] if name in headers else []

    omitted = headers.get("x-kinde-omitted", "").split(",")
    return {
        "actor": one("x-kinde-actor"),
        "user": one("x-kinde-user-id"),
        "client": one("x-kinde-client-id"),
        "org": one("x-kinde-org-code"),
        "scopes": many("x-kinde-scopes", " "),
        "permissions": many("x-kinde-permissions", ","),
        "roles": many("x-kinde-roles", ","),
        "name": one("x-kinde-name"),  # of headers.claims in the settings
    }


def signed(claims: Mapping) -> dict:
    """The same of the claims of an assertion, but for the name, which is none."""

    def many(name: str, values: list[str]) -> list[str] | None:
        return None if name in claims.get("omitted", []) else values

    return {
        "actor": claims["actor"],
        "user": claims["sub"] if claims["actor"] == "user" else None,
        "client": claims.get("client_id"),
        "org": claims.get("org_code"),
        "scopes": many("scope", [unquote(scope) for scope in claims.get("scope", "").split()]),
        "permissions": many("permissions", claims.get("permissions", [])),
        "roles": many("roles", claims.get("roles", [])),
    }


def agreed(told: dict, said: dict) -> dict:
    """What the headers tell and the assertion says too. A list that one of the two
    leaves out is not known."""
    for name, value in said.items():
        if name in ("scopes", "permissions", "roles") and (told[name] is None or value is None):
            told[name] = None
        elif told[name] != value:
            raise ValueError(f"{name} is not what was signed")
    return told


def require_identity(jwks: str, audience: str, issuer: str = "kinde-authz") -> Callable[[Request], dict]:
    """A dependency that lets nobody pass who did not come through Envoy."""
    # Fetched once, and again when an assertion names an unknown key.
    keys = jwt.PyJWKClient(jwks, timeout=5, cooldown_duration=1)

    def identity(request: Request) -> dict:
        try:
            assertion = request.headers["x-kinde-assertion"]
            if jwt.get_unverified_header(assertion).get("typ") != "kinde-assertion+jwt":
                raise ValueError("another kind of token")
            claims = jwt.decode(
                assertion,
                keys.get_signing_key_from_jwt(assertion),
                algorithms=["EdDSA", "ES256"],
                audience=audience,
                issuer=issuer,
                leeway=5,  # seconds
                options={"require": ["iat", "exp", "aud", "iss"]},
            )
            return agreed(read(request.headers), signed(claims))
        except (KeyError, ValueError, jwt.PyJWTError) as fault:
            raise HTTPException(401, "this did not come through Envoy") from fault

    return identity
