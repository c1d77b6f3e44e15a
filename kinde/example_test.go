package kinde_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func ExampleVerifier() {
	issuer := kindetest.NewServer() // in production: https://yourapp.kinde.com
	defer issuer.Close()

	fetched := make(chan kinde.Refresh, 1)
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers:      []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{kindetest.Audience}}},
		InsecureHTTP: true, // the issuer above listens on the loopback interface
		Observer:     kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go verifier.Run(ctx)
	fmt.Println("keys:", (<-fetched).Keys)

	token, err := verifier.Verify(ctx, issuer.Token(issuer.UserClaims()))
	fmt.Println(token.Actor, token.OrgCode, err)
	// Output:
	// keys: 1
	// user org_acme <nil>
}

func ExampleError() {
	verifier, _ := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: "https://yourapp.kinde.com"}}})
	_, err := verifier.Verify(context.Background(), "k_live_0123456789abcdef")

	var refused *kinde.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason)
	}
	fmt.Println(errors.Is(err, &kinde.Error{Reason: kinde.MalformedToken}))
	// Output:
	// malformed_token
	// true
}
