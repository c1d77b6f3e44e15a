package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// statusAt is the status of an answer of the admin port.
func (i *instance) statusAt(t *testing.T, path string) int {
	t.Helper()
	_, status, err := i.ask(path)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// Attack W8: profiles are there for those who ask for them in the settings alone.
func TestProfilesAreServedWhereTheSettingsSaySo(t *testing.T) {
	config := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, config, "leeway: 30s\n")
	var log process.Log
	i := start(t, &log, "--config", config)
	paths := []string{"/debug/pprof", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline",
		"/debug/pprof/profile?seconds=1"}
	for _, path := range paths {
		if got := i.statusAt(t, path); got != http.StatusNotFound {
			t.Errorf("%s without pprof: %d", path, got)
		}
	}
	const message = "profiles are served on the admin port"
	if strings.Contains(log.String(), message) {
		t.Error("a warning without pprof")
	}
	write(t, config, "pprof: true\n")
	eventually(t, "it is read again", func() bool {
		return i.metric(t, `kinde_authz_config_reloads_total{result="ok"}`) == 1
	})
	for _, path := range paths {
		if got := i.statusAt(t, path); got != http.StatusOK {
			t.Errorf("%s with pprof: %d", path, got)
		}
	}
	if got := i.statusAt(t, "/debug/pprof/profile?seconds=301"); got != http.StatusBadRequest {
		t.Errorf("a profile of 301 s: %d", got)
	}
	if !strings.Contains(log.String(), message) {
		t.Error("no warning with pprof")
	}
}

// A profile may take longer than anything else on the port, and holds up nothing.
func TestProfilesAreNotCutAndHoldUpNothing(t *testing.T) {
	var log process.Log
	i := start(t, &log, "--pprof")
	var group sync.WaitGroup
	long := func(path string) {
		group.Go(func() {
			begun := time.Now()
			profile, status, err := i.ask(path)
			for status == http.StatusServiceUnavailable { // another is made, by the loop below
				begun = time.Now()
				profile, status, err = i.ask(path)
			}
			if took := time.Since(begun); err != nil || status != http.StatusOK || len(profile) < 100 || took < 7*time.Second {
				t.Errorf("%s: %d with %d bytes after %s, %v", path, status, len(profile), took, err)
			}
		})
	}
	long("/debug/pprof/profile?seconds=7") // longer than the port's deadlines of 5s
	long("/debug/pprof/trace?seconds=7")
	eventually(t, "others are told to wait", func() bool {
		return i.statusAt(t, "/debug/pprof/heap") == http.StatusServiceUnavailable
	})
	for range 100 {
		i.healthy(t)
	}
	i.check(t, 100)
	group.Wait()
	if got := i.statusAt(t, "/debug/pprof/heap"); got != http.StatusOK {
		t.Errorf("afterwards: %d", got)
	}
}
