package extauthz_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestAttackOddCheckRequestsAreDenied(t *testing.T) {
	w := newWorld(t)
	request := envoytest.Get("/").Bearer(good(w))
	with := func(extensions map[string]string) *authv3.CheckRequest {
		request.Extensions = extensions
		return request.InMap()
	}
	holding := func(http *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
		return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
			Request: &authv3.AttributeContext_Request{Http: http},
		}}
	}
	both := request.InMap()
	both.Attributes.Request.Http.HeaderMap = request.InList().Attributes.Request.Http.HeaderMap
	for name, test := range map[string]struct {
		request *authv3.CheckRequest
		want    authz.Reason
	}{
		"U1 an empty message": {&authv3.CheckRequest{}, authz.MissingToken},
		"U1 no request":       {&authv3.CheckRequest{Attributes: &authv3.AttributeContext{}}, authz.MissingToken},
		"U1 no HTTP request":  {holding(nil), authz.MissingToken},
		"U1 no headers":       {holding(&authv3.AttributeContext_HttpRequest{}), authz.MissingToken},
		"U2 an empty list of headers": {
			holding(&authv3.AttributeContext_HttpRequest{HeaderMap: &corev3.HeaderMap{}}), authz.MissingToken,
		},
		"U2 the token in the map and in the list of headers": {both, authz.MalformedAuthorization},
		"Q14 an unknown policy": {
			with(map[string]string{"policy": "admin"}), authz.UnknownPolicy,
		},
		"Q14 an empty name":    {with(map[string]string{"policy": ""}), authz.UnknownPolicy},
		"Q14 a misspelled key": {with(map[string]string{"polcy": "default"}), authz.UnknownPolicy},
		"Q14 another key beside it": {
			with(map[string]string{"policy": "default", "x": "y"}), authz.UnknownPolicy,
		},
		"Q14 the key in another case": {with(map[string]string{"Policy": "default"}), authz.UnknownPolicy},
		"Q14 default, which is not configured": {
			with(map[string]string{"policy": "default"}), authz.UnknownPolicy,
		},
		"Q13 no policy is named": {with(nil), ""},
		"U2 a text instead of raw bytes in the list of headers": {
			holding(&authv3.AttributeContext_HttpRequest{HeaderMap: &corev3.HeaderMap{
				Headers: []*corev3.HeaderValue{{Key: "authorization", Value: "Bearer " + good(w)}},
			}}),
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := w.client.Check(t.Context(), test.request)
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				assertAllowed(t, name, response)
			} else {
				assertRefused(t, name, response, test.want)
			}
		})
	}
	t.Run("U3 5,000 identity headers", func(t *testing.T) {
		sent := bearer(good(w))
		for i := range 5000 {
			sent = sent.With(fmt.Sprintf("x-kinde-%d", i), "1")
		}
		_, remove := headersOf(t, w, sent)
		if len(remove) < 5000 {
			t.Errorf("%d names removed", len(remove))
		}
	})
	t.Run("U4 a message of 5 MiB never reaches the decision", func(t *testing.T) {
		huge := holding(&authv3.AttributeContext_HttpRequest{Body: strings.Repeat("x", 5<<20)})
		if response, err := w.client.Check(t.Context(), huge); err == nil {
			t.Errorf("got %v", response)
		}
	})
}

func TestAttackMetadataHoldsNoToken(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		token string
		want  map[string]string
	}{
		"O10 an allowed request": {good(w), map[string]string{
			"decision": "allow", "reason": "allowed", "policy": "default", "actor": "user", "user_id": kindetest.UserID,
			"client_id": kindetest.ClientID, "org_code": kindetest.Org,
		}},
		"O10 a refused token": {
			"a.b.c",
			map[string]string{"decision": "deny", "reason": "malformed_token", "policy": "default"},
		},
		"O10 a refused organization": {w.strict.Sign(w.strict.MachineClaims().With("org_code", "org_x")), map[string]string{
			"decision": "deny", "reason": "org_not_allowed", "policy": "default", "actor": "system",
			"client_id": kindetest.MachineID, "org_code": "org_x",
		}},
		"O10 neither user nor machine": {w.strict.Sign(w.strict.UserClaims().Without("sub")), map[string]string{
			"decision": "deny", "reason": "unknown_actor", "policy": "default", "client_id": kindetest.ClientID,
			"org_code": kindetest.Org,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := w.client.Check(t.Context(), bearer(test.token).InMap())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for field, value := range response.GetDynamicMetadata().GetFields() {
				got[field] = value.GetStringValue()
			}
			if len(got["decision_id"]) != 32 {
				t.Errorf("decision_id %q", got["decision_id"])
			}
			delete(got, "decision_id")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAttackHangingIssuerHoldsUpNobody(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	client := serve(t, kinde.Config{Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL}}, Timeout: 4 * time.Second},
		map[string]authz.Rules{issuer.Issuer.URL: {}})
	known := issuer.Sign(issuer.UserClaims())
	if err := issuer.Fail(kindetest.Hang); err != nil {
		t.Fatal(err)
	}
	unknown, _ := issuer.Broken("unknown-key")
	t.Run("S3 a token of an unknown key is answered before the deadline", func(t *testing.T) {
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			response, err := client.Check(ctx, bearer(unknown).InMap())
			cancel()
			if err != nil {
				t.Fatalf("no answer before the deadline: %v", err)
			}
			assertRefused(t, "map", response, kinde.KeysUnavailable)
		}
	})
	t.Run("S3 a token of a known key is not held up", func(t *testing.T) {
		response, err := client.Check(t.Context(), bearer(known).InMap())
		if err != nil {
			t.Fatal(err)
		}
		assertAllowed(t, "map", response)
	})
}
