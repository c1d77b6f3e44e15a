package policytest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// issuers are those of the settings, as the service meets them.
type issuers map[string]*kindetest.Issuer

// RoundTrip implements [http.RoundTripper].
func (all issuers) RoundTrip(request *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	all[request.URL.Scheme+"://"+request.URL.Host].ServeHTTP(answer, request)
	return answer.Result(), nil
}

// said is what an answer says.
type said struct {
	Decision, Reason, Policy, Shadow string
	Status                           int
	Headers                          map[string]string
}

// service is the running service with these settings, at a time of the test's choice.
type service struct {
	*extauthz.Server
	now atomic.Pointer[time.Time]
}

func (s *service) set(now time.Time) { s.now.Store(&now) }

func newService(t *testing.T, path string, all issuers) *service {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, _, err := (&settings.Flags{Decision: settings.Decision{Config: path}}).ParseAlone(content)
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	s := &service{}
	s.set(time.Now())
	loaded.Verifier.Transport, loaded.Authorizer.Encode = all, extauthz.Encode
	loaded.Verifier.MaxStale = 1000 * time.Hour
	loaded.Verifier.Now = func() time.Time { return *s.now.Load() }
	seen := probe.Observe(&loaded.Verifier)
	verifier, authorizer, err := loaded.Build(nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	t.Cleanup(verifier.Start())
	seen.First(len(loaded.Verifier.Issuers))
	s.Server = extauthz.NewServer(authorizer, zap.NewNop(), nil)
	return s
}

// answer has the service answer to a case, at its time, with a token that the issuer
// has signed.
func (s *service) answer(t *testing.T, c *caseInFile, token string) said {
	t.Helper()
	r := envoytest.New(c.Request.method(), string(c.Request.Path))
	for name, value := range c.Request.Headers {
		r = r.With(strings.ToLower(name), string(value))
	}
	if c.Request.Body != nil {
		r.Body = string(*c.Request.Body)
	}
	if c.Request.Policy != "" {
		r = r.Policy(string(c.Request.Policy))
	}
	if token != "" {
		r = r.Bearer(token)
	}
	message, err := proto.Marshal(r.InList())
	if err != nil {
		t.Fatal(err)
	}
	var response authv3.CheckResponse
	if err := proto.Unmarshal(s.Answer(t.Context(), message, nil), &response); err != nil {
		t.Fatal(err)
	}
	fields := response.GetDynamicMetadata().GetFields()
	text := func(name string) string { return fields[name].GetStringValue() }
	got := said{text("decision"), text("reason"), text("policy"), text("shadow_reason"), 200, map[string]string{}}
	for _, h := range response.GetDeniedResponse().GetHeaders() {
		got.Headers[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	if denied := response.GetDeniedResponse(); denied != nil {
		got.Status = int(denied.GetStatus().GetCode())
		return got
	}
	for _, h := range r.Headers {
		got.Headers[h.Name] = h.Value
	}
	for _, h := range response.GetOkResponse().GetHeaders() {
		got.Headers[h.GetHeader().GetKey()] = h.GetHeader().GetValue()
	}
	for _, name := range response.GetOkResponse().GetHeadersToRemove() {
		delete(got.Headers, name)
	}
	return got
}

// The command and the running service never disagree, whatever the settings, the
// tokens and the requests are.
func TestAgreesWithTheService(t *testing.T) {
	all := issuers{}
	for _, url := range []string{"https://a.kinde.com", "https://b.kinde.com"} {
		all[url] = kindetest.New(url)
	}
	by, err := newSigner()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for seed := range uint64(40) {
		d, dir := dice{rand.New(rand.NewPCG(seed, 2))}, t.TempDir()
		for name, content := range map[string]string{"s.yaml": d.settings(), "t.yaml": d.cases(20)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := read(t.Context(), filepath.Join(dir, "t.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := f.settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := &suite{file: f, settings: loaded}
		results, err := s.run(t.Context(), by)
		if err != nil {
			t.Fatal(err)
		}
		running := newService(t, filepath.Join(dir, "s.yaml"), all)
		for number, result := range results {
			compareCase(t, s, running, all, number, result)
			seen[string(result.Decision.Reason)]++
		}
	}
	for _, reason := range []string{
		"allowed", "public", "no_route", "org_mismatch", "missing_permission", "tool_not_allowed", "wrong_audience",
		"token_expired", "token_not_yet_valid", "mcp_unreadable", "metadata_document", "bad_path",
	} {
		if seen[reason] == 0 {
			t.Errorf("no case for %s: %v", reason, seen)
		}
	}
}

// compareCase compares what a case got with what the service answers.
func compareCase(t *testing.T, s *suite, running *service, all issuers, number int, result *Result) {
	t.Helper()
	c, token := &s.file.Tests[number], ""
	running.set(s.now.Add(time.Duration(c.At)))
	if c.Token != nil {
		bare := s.authorizer.Decide(t.Context(), c.Request.request())
		claims, issued := c.Token.complete(s.settings, s.audience(bare.Resource()), s.now)
		running.set(issued.Add(time.Duration(c.At)))
		signer := all["https://a.kinde.com"]
		if known := all[fmt.Sprint(claims["iss"])]; known != nil {
			signer = known
		}
		token = signer.Sign(claims)
	}
	want := running.answer(t, c, token)
	if _, forwarded := want.Headers["authorization"]; forwarded {
		want.Headers["authorization"] = "TOKEN"
	}
	d := &result.Decision
	got := said{Decision: d.Effect(), Reason: string(d.Reason), Policy: d.Policy(), Shadow: string(d.ShadowReason())}
	var headers headers
	got.Status, headers = outcome(d, c.upstream(result.Request))
	got.Headers = headers
	if _, forwarded := headers["authorization"]; forwarded {
		headers["authorization"] = "TOKEN"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		line := slices.Collect(strings.Lines(string(s.file.content)))[s.file.node(number).Line-1:]
		t.Fatalf("(-service +command)\n%s\n%s\n%s", diff, strings.Join(line[:min(5, len(line))], ""), s.settings.Content)
	}
}
