package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// odd are files that nobody should read: a pipe that nobody writes to, and one
// that takes a GiB.
func odd(t *testing.T) (fifo, huge string) {
	t.Helper()
	dir := t.TempDir()
	fifo, huge = filepath.Join(dir, "fifo"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, huge, "")
	if err := os.Truncate(huge, 1<<30); err != nil {
		t.Fatal(err)
	}
	return fifo, huge
}

// Attack X3: pipes, devices and huge files instead of settings.
func TestFilesThatCannotBeSettingsAreRefused(t *testing.T) {
	fifo, huge := odd(t)
	for name, test := range map[string]struct {
		setting string
		args    []string // before the path
	}{
		"settings":    {"KINDE_AUTHZ_CONFIG (--config)", []string{"--config"}},
		"certificate": {"KINDE_AUTHZ_TLS_CERT (--tls-cert, tls.cert)", []string{"--tls-key=/dev/null", "--tls-cert"}},
		"token":       {"--token-file", []string{"explain", "--token-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, 2, test.setting+": "+fifo+" is a pipe: want a regular file", append(test.args, fifo)...)
			refused(t, 2, test.setting+": "+huge+" has 1073741824 bytes: want at most ", append(test.args, huge)...)
			refused(t, 2, test.setting+": /dev/zero is a device: want a regular file", append(test.args, "/dev/zero")...)
			refused(t, 2, test.setting+": / is a directory: want a regular file", append(test.args, "/")...)
		})
	}
}

// Attack X3: a settings file that becomes a pipe, and a huge one.
func TestOddSettingsFilesHoldUpNothing(t *testing.T) {
	fifo, huge := odd(t)
	path := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, path, "leeway: 10s\n")
	var log process.Log
	i := start(t, &log, "--config", path)
	reloads := func(result string) float64 {
		return i.metric(t, `kinde_authz_config_reloads_total{result="`+result+`"}`)
	}
	for n, odd := range []string{fifo, huge} {
		if err := os.Rename(odd, path); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it is counted", func() bool { return reloads("error") == float64(n+1) })
		i.check(t, 10)
	}
	if peak := e2etest.PeakMemory(t, i.Process); peak > 256<<20 {
		t.Errorf("%d bytes of memory were used", peak)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, "leeway: 20s\n")
	eventually(t, "a good file holds", func() bool { return reloads("ok") == 1 })
	for _, want := range []string{path + " is a pipe: want a regular file", path + " has 1073741824 bytes"} {
		want = `"reload failed: still using the previous settings","error":"` + want
		if got := strings.Count(log.String(), want); got != 1 {
			t.Errorf("%d lines say %q", got, want)
		}
	}
	i.signal(t, syscall.SIGTERM)
	ends(t, i.Process, 0, 5*time.Second)
}

// Attack S11: a key file that is a pipe, and a huge one.
func TestOddKeyFilesHoldUpNothing(t *testing.T) {
	fifo, huge := odd(t)
	path := filepath.Join(t.TempDir(), "authz.yaml")
	for name, file := range map[string]string{"a pipe": fifo, "a GiB": huge} {
		t.Run(name, func(t *testing.T) {
			write(t, path, fmt.Sprintf("issuers: [{domain: https://yourapp.kinde.com, jwks_file: %q}]\n", file))
			var log process.Log
			i := launch(t, &log, "--config", path)
			logged := func() bool { return strings.Contains(log.String(), "fetching the keys failed") }
			eventually(t, "the fault is logged", logged)
			i.signal(t, syscall.SIGTERM)
			ends(t, i.Process, 0, 5*time.Second)
			if !strings.Contains(log.String(), `"msg":"stopped"`) {
				t.Error("it did not drain")
			}
		})
	}
}
