package authz_test

import (
	"context"
	"fmt"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

const domain = "https://yourapp.kinde.com"

// verified stands for a [kinde.Verifier] that has accepted the token.
type verified kinde.Token

func (v verified) Judge(context.Context, string) kinde.Verdict {
	token := kinde.Token(v)
	return kinde.Verdict{Token: &token}
}

func ExampleAuthorizer_Decide() {
	machine := verified{Actor: kinde.System, Issuer: domain, ClientID: "d4d3c5b7", OrgCode: "org_acme"}
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier: machine,
		Issuers:  map[string]authz.Rules{domain: {AllowedOrgs: []string{"org_acme"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	decision := authorizer.Decide(context.Background(), &authz.Request{
		Method: "GET", Path: "/", Authorization: []string{"Bearer header.payload.signature"},
	})
	fmt.Println(decision.Allowed(), decision.Reason)
	set, _ := decision.Headers()
	for _, header := range set[:3] {
		fmt.Printf("%s: %s\n", header.Name, header.Value)
	}
	// Output:
	// true allowed
	// x-kinde-actor: system
	// x-kinde-client-id: d4d3c5b7
	// x-kinde-org-code: org_acme
}
