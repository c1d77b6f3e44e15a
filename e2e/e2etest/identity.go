package e2etest

import (
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// UserIdentity and MachineIdentity are the identity headers of the sample tokens, but
// for those that differ from token to token.
var (
	UserIdentity = map[string]string{
		"x-kinde-actor": "user", "x-kinde-user-id": kindetest.UserID, "x-kinde-client-id": kindetest.ClientID,
		"x-kinde-org-code": kindetest.Org, "x-kinde-scopes": "openid profile email offline",
		"x-kinde-permissions": "agents:run,agents:read", "x-kinde-roles": "admin",
	}
	MachineIdentity = map[string]string{
		"x-kinde-actor": "system", "x-kinde-client-id": kindetest.MachineID,
		"x-kinde-org-code": kindetest.Org, "x-kinde-scopes": "jobs:run agents:read",
	}
)

// Identity is each header that an upstream must see for the claims, and no other: the
// values, and those that differ from token to token.
func Identity(claims kindetest.Claims, values map[string]string) map[string][]string {
	want := map[string][]string{
		"x-kinde-issuer":        {claims["iss"].(string)},
		"x-kinde-token-id":      {claims["jti"].(string)},
		"x-kinde-token-expires": {fmt.Sprint(claims["exp"])},
	}
	for name, value := range values {
		want[name] = []string{value}
	}
	return want
}
