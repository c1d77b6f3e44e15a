package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// Attack U13: a client of the authority whose name is not listed, also after a reload.
func TestClientNamesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key, config := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "authz.yaml")
	client := e2etest.NewCertificate(t) // for localhost and kinde-authz
	write(t, cert, client.Cert)
	write(t, key, client.Key)
	names := func(list string) string {
		return "tls: {cert: " + cert + ", key: " + key + ", client_ca: " + cert + ", client_names: [" + list + "]}\n"
	}
	write(t, config, names("localhost"))
	var log process.Log
	i := start(t, &log, "--config", config)
	if !i.accepts(t, client) {
		t.Fatal("the client that is named is refused")
	}
	for _, step := range []struct {
		list, result string
		reloads      float64
		passes       bool
	}{
		{"spiffe://example.com/envoy", "ok", 1, false},
		{"", "error", 1, false},
		{"'*'", "error", 2, false},
		{"spiffe://example.com/envoy, localhost", "ok", 2, true},
	} {
		write(t, config, names(step.list))
		eventually(t, "it is read again", func() bool {
			return i.metric(t, `kinde_authz_config_reloads_total{result="`+step.result+`"}`) == step.reloads
		})
		if got := i.accepts(t, client); got != step.passes {
			t.Errorf("[%s]: accepted: %t", step.list, got)
		}
	}
	if got := i.metric(t, "kinde_authz_tls_clients_refused_total"); got < 3 {
		t.Errorf("%g refused clients are counted", got)
	}
	const message = "a client was refused: its certificate has none of the names that may connect"
	eventually(t, "a warning tells of it", func() bool {
		return warnings(log.String(), message, `"names":["localhost","kinde-authz"]`) > 0
	})
}

// A reload that adds an authority waits for the next start, and so do its names: until then
// nobody is asked for a certificate. Each reload says so.
func TestClientNamesWaitForTheirAuthority(t *testing.T) {
	dir := t.TempDir()
	cert, key, config := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "authz.yaml")
	client := e2etest.NewCertificate(t)
	write(t, cert, client.Cert)
	write(t, key, client.Key)
	pair := "tls: {cert: " + cert + ", key: " + key
	write(t, config, pair+"}\n")
	var log process.Log
	i := start(t, &log, "--config", config)
	for reloads := 1; reloads <= 2; reloads++ {
		write(t, config, pair+", client_ca: "+cert+", client_names: [spiffe://example.com/envoy]}\n"+
			strings.Repeat("# again\n", reloads))
		eventually(t, "it is read again and warned of", func() bool {
			return i.metric(t, `kinde_authz_config_reloads_total{result="ok"}`) == float64(reloads) &&
				warnings(log.String(), "a changed setting takes effect at the next start", `"setting":"tls"`) == reloads
		})
		if !i.accepts(t, client) {
			t.Error("clients are refused by names of an authority that nobody asks")
		}
	}
}
