package authz_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// protect lets those requests through to a handler that an authorizer allows, and
// answers the others.
func protect(authorizer *authz.Authorizer, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := &authz.Request{Method: r.Method, Path: r.RequestURI}
		for name, values := range r.Header {
			for _, value := range values {
				request.AddHeader(name, value)
			}
		}
		decision := authorizer.Decide(r.Context(), request)
		if !decision.Allowed() {
			for _, header := range decision.AppendAnswerHeaders(nil) {
				w.Header().Set(header.Name, header.Value)
			}
			w.WriteHeader(decision.Status())
			_, _ = w.Write(decision.AppendBody(nil))
			return
		}
		set, remove := decision.Headers()
		for _, name := range remove {
			r.Header.Del(name)
		}
		for _, header := range set {
			r.Header.Set(header.Name, header.Value)
		}
		next.ServeHTTP(w, r)
	})
}

// An adapter for another proxy, or for none, is a few lines: it says what the
// request is and does what the decision says.
func Example_middleware() {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	fetched := make(chan kinde.Refresh, 1)
	verifier, err := kinde.NewVerifier(kinde.Config{
		Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL, Audience: []string{kindetest.Audience}}}, InsecureHTTP: true,
		Observer: kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
	})
	if err != nil {
		panic(err)
	}
	defer verifier.Start()()
	<-fetched // the keys are there
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifier,
		Issuers:  map[string]authz.Rules{issuer.Issuer.URL: {}},
		Policies: map[string]authz.Policy{
			"run": {Permissions: []string{"agents:run"}},
			"own": {Permissions: []string{"agents:own"}},
		},
		Routes: []authz.Route{{Path: "/public", Public: true}, {Path: "/run", Policy: "run"}, {Path: "/own", Policy: "own"}},
	})
	if err != nil {
		panic(err)
	}
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user := r.Header.Get("x-kinde-user-id"); user != "" {
			fmt.Fprint(w, user, " of ", r.Header.Get("x-kinde-org-code"))
			return
		}
		fmt.Fprint(w, "nobody")
	})
	api := httptest.NewServer(protect(authorizer, upstream))
	defer api.Close()

	show := func(path, token string) {
		request, _ := http.NewRequest(http.MethodGet, api.URL+path, nil)
		request.Header.Set("x-kinde-user-id", "forged")
		if token != "" {
			request.Header.Set("authorization", "Bearer "+token)
		}
		response, err := api.Client().Do(request)
		if err != nil {
			panic(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != http.StatusOK {
			body = []byte(response.Header.Get("www-authenticate"))
		}
		fmt.Printf("%s %d %q\n", path, response.StatusCode, body)
	}
	token := issuer.Token(issuer.UserClaims())
	show("/public", "")
	show("/run", "")
	show("/run", token)
	show("/own", token)
	show("/run//", token)
	// Output:
	// /public 200 "nobody"
	// /run 401 "Bearer realm=\"kinde\""
	// /run 200 "kp_0123456789abcdef of org_acme"
	// /own 403 ""
	// /run// 400 ""
}
