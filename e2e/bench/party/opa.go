package party

import (
	"context"
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// policy is what kinde-authz decides here, in Rego: the signature, issuer,
// audience and times of the token, and its organization.
const policy = `package envoy.authz

import rego.v1

jwks := %q

default allow := false

allow if {
	[scheme, token] := split(input.attributes.request.http.headers.authorization, " ")
	lower(scheme) == "bearer"
	[valid, _, claims] := io.jwt.decode_verify(token, {"cert": jwks, "alg": "RS256", "iss": %q, "aud": %q})
	valid
	claims.org_code == %q
}
`

// OPA starts OPA-Envoy, a program, with the policy for an issuer's tokens. It
// logs errors alone, and no decisions.
func (h House) OPA(ctx context.Context, program, domain, jwks string) (*Service, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	path, err := h.write("policy.rego", fmt.Sprintf(policy, jwks, domain, kindetest.Audience, kindetest.Org))
	if err != nil {
		return nil, err
	}
	process, err := start("opa-envoy", h.log("opa"), program, "run", "--server",
		"--addr", "127.0.0.1:0", "--diagnostic-addr", "127.0.0.1:0", "--log-level", "error", "--disable-telemetry",
		"--set", "plugins.envoy_ext_authz_grpc.addr="+address,
		"--set", "plugins.envoy_ext_authz_grpc.path=envoy/authz/allow",
		"--set", "decision_logs.console=false", path)
	if err != nil {
		return nil, err
	}
	return (&Service{Process: process, Address: address, mapped: true}).up(ctx)
}
