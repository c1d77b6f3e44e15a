package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// reloadable is a service that fetches keys and listens, and serves nobody but
// the test.
func reloadable(t *testing.T, content string) (*service, *observer.ObservedLogs) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "authz.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	core, seen := observer.New(zap.InfoLevel)
	s := serviceWith(t, path, core)
	s.stopKeys = s.verifier.Load().Start()
	t.Cleanup(func() { s.stopKeys(); s.grpcPort.Close(); s.adminPort.Close() })
	return s, seen
}

// serviceWith returns a service with that file and that log, on ports of its own.
func serviceWith(t *testing.T, path string, core zapcore.Core) *service {
	t.Helper()
	address := "127.0.0.1:0"
	flags := &settings.Flags{
		Decision: settings.Decision{Config: path},
		Ports:    settings.Ports{Listen: &address, AdminListen: &address},
	}
	loaded, err := flags.Read()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(flags, loaded, &logs{events: zap.New(core), decisions: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	s.level = zap.NewAtomicLevel()
	return s
}

func (s *service) reasonFor(t *testing.T, path, token string) string {
	request, err := proto.Marshal(envoytest.Get(path).Bearer(token).InMap())
	if err != nil {
		t.Error(err)
	}
	response := &authv3.CheckResponse{}
	if err := proto.Unmarshal(s.server.Answer(t.Context(), request, nil), response); err != nil {
		t.Error(err)
	}
	return response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
}

// Attack X2: requests are decided while settings change.
func TestChecksGoOnWhileSettingsChange(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	version := func(i int) string {
		return fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\nleeway: %ds\njwks: {refresh: %dm}\n"+
			"policies: {a: {roles: [nobody]}, b: {permissions: [nothing]}}\nroutes: [{path: /x, policy: %s}]\n",
			issuer.Issuer.URL, i%3, 1+i%2, []string{"a", "b"}[i%2])
	}
	s, _ := reloadable(t, version(0))
	token := issuer.Token(issuer.UserClaims())
	if err := s.verifier.Load().WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for !done.Load() {
				if got := s.reasonFor(t, "/x", token); got != "missing_role" && got != "missing_permission" {
					t.Errorf("got %s", got)
					return
				}
			}
		})
	}
	for i := range 100 {
		s.reload(reading{content: version(i)})
		want := []string{"missing_role", "missing_permission"}[i%2]
		if got := s.reasonFor(t, "/x", token); got != want {
			t.Errorf("version %d: got %s, want %s", i, got, want)
		}
	}
	done.Store(true)
	group.Wait()
	if got := testutil.ToFloat64(s.metrics.reloads.WithLabelValues("ok")); got != 100 {
		t.Errorf("%g reloads are counted", got)
	}
}

// Attack X1: a broken settings file changes nothing.
func TestBrokenSettingsChangeNothing(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	good := fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\nroutes: [{path: /x, public: true}]\n",
		issuer.Issuer.URL)
	s, logs := reloadable(t, good)
	before := s.verifier.Load()
	for i, broken := range []reading{
		{content: good + "nope: 1\n"}, {content: "routes: [{path: /x}]\n"}, {content: good + "policies: {p: {scopes: []}}\n"},
		{content: "issuers: ["}, {content: ""}, {fault: "no such file"},
	} {
		s.reload(broken)
		if got := s.reasonFor(t, "/x", ""); got != "public" || s.verifier.Load() != before {
			t.Errorf("%+v: got %s", broken, got)
		}
		if got := testutil.ToFloat64(s.metrics.reloads.WithLabelValues("error")); got != float64(i+1) {
			t.Errorf("%+v: %g errors are counted", broken, got)
		}
	}
	if got := logs.FilterMessage("reload failed: still using the previous settings").Len(); got != 6 {
		t.Errorf("%d lines", got)
	}
	s.reload(reading{content: good + "listen: :1\nlog: {level: error}\n"})
	if s.level.Level() != zap.ErrorLevel {
		t.Errorf("the level is %s", s.level.Level())
	}
}
