package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// reloads is how often the settings were read again with that result.
func reloads(t *testing.T, s *stack.Stack, result string) (n int) {
	t.Helper()
	for line := range strings.Lines(body(t, s, "/metrics")) {
		if count, ok := strings.CutPrefix(line, `kinde_authz_config_reloads_total{result="`+result+`"} `); ok {
			if _, err := fmt.Sscan(count, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return n
}

const (
	open   = "routes: [{path: /a, public: true}]\n"
	closed = "policies: {p: {roles: [nobody]}}\nroutes: [{path: /a, policy: p}]\n"
)

// Attack X1: a broken settings file changes nothing.
func TestSettingsAreReadAgain(t *testing.T) {
	path, settings := withSettings(t, open)
	s := own(t, settings)
	client, token := protocols["HTTP/1.1"], s.Issuer.Token(s.Issuer.UserClaims())
	reason := func() string { return send(t, client, s.URL+"/a", token).Reason }
	if got := reason(); got != "" {
		t.Fatalf("denied: %s", got)
	}
	fetches := s.Issuer.Fetches()

	write(t, path, closed)
	eventually(t, "a changed file holds", func() bool { return reason() == "missing_role" })

	write(t, path, "routes: [{path: /a, pblic: true}]\n")
	eventually(t, "a broken file is counted", func() bool { return reloads(t, s, "error") == 1 })
	if got := reason(); got != "missing_role" {
		t.Errorf("a broken file leaves %q", got)
	}
	if log := s.AuthzLog.String(); !strings.Contains(log, "pblic: unknown setting") || !strings.Contains(log, "[1:21]") {
		t.Error("the log does not say what is wrong with the file, and where")
	}

	write(t, path, open)
	eventually(t, "a corrected file holds", func() bool { return reason() == "" })

	before := reloads(t, s, "ok")
	if err := s.Authz.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a hangup reads it too", func() bool { return reloads(t, s, "ok") == before+1 })
	if got := s.Issuer.Fetches(); got != fetches {
		t.Errorf("%d fetches of keys, want %d as before", got, fetches)
	}
}

// A ConfigMap changes by a link, to a directory of another name, that is
// renamed over the one before.
func TestConfigMapIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	swap := func(version, content string) {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "authz.yaml"), content)
		if err := os.Symlink(version, filepath.Join(dir, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("..1", open)
	path := filepath.Join(dir, "authz.yaml")
	if err := os.Symlink("..data/authz.yaml", path); err != nil {
		t.Fatal(err)
	}
	s := own(t, func(c *stack.Config) { c.AuthzEnv = []string{"KINDE_AUTHZ_CONFIG=" + path} })
	swap("..2", closed)
	eventually(t, "the new version holds", func() bool {
		return send(t, protocols["HTTP/1.1"], s.URL+"/a", s.Issuer.Token(s.Issuer.UserClaims())).Reason == "missing_role"
	})
}

// Attack X2: ten thousand requests while the file changes a hundred times: each is
// decided by one version of it, and none fails.
func TestReloadsUnderLoad(t *testing.T) {
	path, settings := withSettings(t, closed)
	s := own(t, settings)
	token := s.Issuer.Token(s.Issuer.UserClaims())
	var sent, allowed, denied atomic.Int64
	var done atomic.Bool
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for !done.Load() {
				switch got := send(t, protocols["HTTP/1.1"], s.URL+"/a", token); {
				case got.status == 200 && len(got.Identity) == 0: // public
					allowed.Add(1)
				case got.status == 403 && got.Reason == "missing_role":
					denied.Add(1)
				default:
					t.Errorf("%d %s %v", got.status, got.Reason, got.Identity)
					return
				}
				sent.Add(1)
			}
		})
	}
	const times = 100
	for i := range times {
		e2etest.Replace(t, path, []string{open, closed}[i%2])
		if err := s.Authz.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the file is read", func() bool { return t.Failed() || reloads(t, s, "ok") > i })
	}
	eventually(t, "ten thousand are sent", func() bool { return t.Failed() || sent.Load() >= 10000 })
	done.Store(true)
	group.Wait()
	if allowed.Load() == 0 || denied.Load() == 0 {
		t.Errorf("%d public, %d denied: both versions must have been met", allowed.Load(), denied.Load())
	}
}
