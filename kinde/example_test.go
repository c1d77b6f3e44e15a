package kinde_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// started returns a verifier of a test issuer's tokens that has its keys, and what
// ends it.
func started(issuer *kindetest.Server) (verifier *kinde.Verifier, stop func()) {
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers:      []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{kindetest.Audience}}},
		InsecureHTTP: true, // the issuer listens on the loopback interface
	})
	if err != nil {
		panic(err)
	}
	stop = verifier.Start()
	if err := verifier.WaitReady(context.Background()); err != nil {
		panic(err)
	}
	return verifier, stop
}

func ExampleVerifier() {
	issuer := kindetest.NewServer() // in production: https://yourapp.kinde.com
	defer issuer.Close()

	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers:      []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{kindetest.Audience}}},
		InsecureHTTP: true, // the issuer above listens on the loopback interface
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go verifier.Run(ctx)
	if err := verifier.WaitReady(ctx); err != nil {
		fmt.Println(err)
		return
	}

	token, err := verifier.Verify(ctx, issuer.Token(issuer.UserClaims()))
	fmt.Println(token.Actor, token.OrgCode, err)
	// Output:
	// user org_acme <nil>
}

// A handler that lets the users of one organization pass.
func ExampleBearerToken() {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	verifier, stop := started(issuer)
	defer stop()

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearer, err := kinde.BearerToken(r.Header)
		var token *kinde.Token
		if err == nil {
			token, err = verifier.Verify(r.Context(), bearer)
		}
		var refused *kinde.Error
		switch {
		case errors.As(err, &refused):
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, string(refused.Reason), refused.HTTPStatus())
		case token.Actor != kinde.User || token.OrgCode != "org_acme":
			http.Error(w, "another organization", http.StatusForbidden)
		default:
			fmt.Fprintln(w, "hello", token.Subject)
		}
	})
	for _, claims := range []kindetest.Claims{
		issuer.UserClaims(), issuer.UserClaims().With("org_code", "org_x"), issuer.UserClaims().Without("exp"),
	} {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", "Bearer "+issuer.Token(claims))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 hello kp_0123456789abcdef
	// 403 another organization
	// 401 invalid_claims
}

// Other settings, while tokens are verified: issuers that stay keep their keys.
func ExampleVerifier_Reconfigured() {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	verifier, stop := started(issuer)

	next, err := verifier.Reconfigured(kinde.Config{
		Issuers:      []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{"https://v2.example.com"}}},
		InsecureHTTP: true,
	})
	if err != nil {
		fmt.Println(err) // the old one goes on
		return
	}
	stopNext := next.Start()
	defer stopNext()
	stop() // the old one; use next from now on

	_, err = next.Verify(context.Background(), issuer.Token(issuer.UserClaims()))
	fmt.Println(err)
	// Output:
	// wrong_audience: aud names none of the configured audiences
}

// A key that nobody has seen yet is fetched when the first token names it.
func ExampleVerifier_rotation() {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	verifier, stop := started(issuer)
	defer stop()

	issuer.Rotate()
	token, err := verifier.Verify(context.Background(), issuer.Token(issuer.MachineClaims()))
	fmt.Println(token.Actor, token.ClientID, err)
	// Output:
	// system d4d3c5b74e064badb9625a4aa6241bcc <nil>
}

func ExampleToken_Claim() {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	verifier, stop := started(issuer)
	defer stop()

	claims := issuer.UserClaims().With("application_properties", map[string]any{"model": map[string]any{"v": "m-4"}})
	token, err := verifier.Verify(context.Background(), issuer.Token(claims))
	if err != nil {
		fmt.Println(err)
		return
	}
	model, _ := token.Claim("application_properties.model")
	enabled, _ := token.Flag("agent-v2")
	fmt.Println(model, enabled == kinde.BoolFlag(true))
	// Output:
	// [m-4] true
}

func ExampleError() {
	verifier, _ := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: "https://yourapp.kinde.com"}}})
	_, err := verifier.Verify(context.Background(), "k_live_0123456789abcdef")

	var refused *kinde.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason, refused.HTTPStatus())
	}
	fmt.Println(errors.Is(err, &kinde.Error{Reason: kinde.MalformedToken}))
	// Output:
	// malformed_token 401
	// true
}
