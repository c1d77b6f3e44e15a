package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// probe is a request, and the one answer that it must get.
type probe struct {
	kind          string
	authorization string
	status        int
	reason        string
	identity      map[string][]string // what the agent must see, nil for a denial
}

func (p probe) good() bool { return p.identity != nil }

// probes are sent in turns.
type probes struct{ good, bad []probe }

// distinct good tokens are minted anew for each fault: none is remembered yet.
const distinct = 50

// goodProbes are a machine and users, with tokens that nobody has seen yet.
func goodProbes(i *kindetest.Issuer) []probe {
	claims := i.MachineClaims()
	all := []probe{{
		kind: "machine", authorization: "Bearer " + i.Token(claims), status: http.StatusOK,
		identity: e2etest.Identity(claims, e2etest.MachineIdentity),
	}}
	for range distinct {
		claims := i.UserClaims()
		all = append(all, probe{
			kind: "user", authorization: "Bearer " + i.Token(claims), status: http.StatusOK,
			identity: e2etest.Identity(claims, e2etest.UserIdentity),
		})
	}
	return all
}

// badProbes are all kinds of bad tokens, and what is none.
func badProbes(t *testing.T, i *kindetest.Issuer) []probe {
	t.Helper()
	good := i.Token(i.UserClaims())
	all := []probe{
		{kind: "none", status: http.StatusUnauthorized, reason: "missing_token"},
		{kind: "basic", authorization: "Basic eDp5", status: http.StatusUnauthorized, reason: "missing_token"},
		{kind: "two", authorization: "Bearer " + good + ",Bearer " + good, status: http.StatusUnauthorized,
			reason: "malformed_authorization"},
	}
	for _, kind := range kindetest.BrokenKinds {
		token, err := i.Broken(kind.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, probe{
			kind: kind.Name, authorization: "Bearer " + token, status: kind.Status, reason: kind.Reason,
		})
	}
	return all
}

// request is the probe as it is sent: with an identity that the client made up.
func (p probe) request(url string) *http.Request {
	request, err := http.NewRequest(http.MethodGet, url+"/api/agents/weather", nil)
	if err != nil {
		panic(err) // Envoy's address is one
	}
	request.Header.Set("X-Kinde-User-Id", "kp_admin")
	if p.authorization != "" {
		request.Header.Set("Authorization", p.authorization)
	}
	return request
}

// answer is what came back, from the agent, from kinde-authz or from Envoy alone.
type answer struct {
	status int
	agent.Seen
	Reason string `json:"reason"`
	err    error
}

func (a answer) String() string {
	if a.err != nil {
		return a.err.Error()
	}
	return fmt.Sprintf("%d %s", a.status, a.Reason)
}

func ask(client *http.Client, request *http.Request) (a answer) {
	response, err := client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	a.status = response.StatusCode
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{err: err}
	}
	_ = json.Unmarshal(body, &a) // Envoy's own answers are no JSON
	return a
}

// outcome is what an answer is worth.
type outcome int

const (
	right          outcome = iota
	lost                   // none, or that it cannot be told now
	wronglyAllowed         // a bad token passed, or with another identity than the token's
	wrong                  // another denial than the token must get
)

// issuerTime is how long a replica waits for an issuer that has not answered yet: three
// quarters of what Envoy gives a try.
const issuerTime = try * 3 / 4

// judge compares an answer, and how long it took, with what the probe must get.
func (p probe) judge(a answer, took time.Duration) outcome {
	switch {
	case a.err == nil && a.status == http.StatusOK:
		if p.good() && reflect.DeepEqual(a.Identity, p.identity) {
			return right
		}
		return wronglyAllowed
	case a.status == p.status && a.Reason == p.reason:
		return right
	case a.err != nil, a.status == http.StatusServiceUnavailable && (p.good() || a.Reason == ""):
		return lost // the last of it by Envoy
	case a.status != http.StatusServiceUnavailable:
		return wrong
	case a.Reason == "overloaded", a.Reason == "keys_unavailable" && took >= issuerTime:
		return lost // the machine was too slow to tell
	}
	return wrong
}
