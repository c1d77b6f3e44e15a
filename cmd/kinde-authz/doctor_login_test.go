package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// discovered is what an MCP client finds on its way to the login: a server, its
// document and its issuer, which are as they should be but for what a test changes.
type discovered struct {
	status    int
	challenge string
	document  map[string]any
	metadata  map[string]any // of the issuer, beside what kindetest says
	rfc8414   int            // the status there
	settings  string         // of the resource, beside its identifier
	closed    bool           // to browsers
	address   string         // that the doctor is given
}

// serve starts the server and its issuer. It returns the address of the server and a
// settings file.
func (d *discovered) serve(t *testing.T, change func(*discovered)) (server, config string) {
	t.Helper()
	issuer := kindetest.New("")
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.answer(w, r, issuer)
	}))
	t.Cleanup(listener.Close)
	issuer.URL = listener.URL
	*d = discovered{
		status: 401, rfc8414: 404, settings: "audience: [https://weather.example.com]",
		challenge: fmt.Sprintf(`Bearer realm="r", resource_metadata="%s/document"`, listener.URL),
		document: map[string]any{
			"resource": listener.URL + "/mcp", "authorization_servers": []string{listener.URL},
		},
		metadata: map[string]any{}, address: listener.URL + "/mcp",
	}
	change(d)
	config = filepath.Join(t.TempDir(), "authz.yaml")
	content := fmt.Sprintf("issuers: [{domain: %q}]\ninsecure_http: true\nresources: [{identifier: %q, %s}]\n",
		listener.URL, listener.URL+"/mcp", d.settings)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return d.address, config
}

func (d *discovered) answer(w http.ResponseWriter, r *http.Request, issuer *kindetest.Issuer) {
	if !d.closed && (r.URL.Path == "/mcp" || r.URL.Path == "/document") {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
	}
	switch r.URL.Path {
	case "/mcp":
		if d.challenge != "" {
			w.Header().Set("WWW-Authenticate", d.challenge)
		}
		w.WriteHeader(d.status)
	case "/document":
		_ = json.NewEncoder(w).Encode(d.document)
	case "/.well-known/oauth-authorization-server":
		w.WriteHeader(d.rfc8414)
	case "/.well-known/openid-configuration":
		recorder := httptest.NewRecorder()
		issuer.ServeHTTP(recorder, r)
		var metadata map[string]any
		_ = json.Unmarshal(recorder.Body.Bytes(), &metadata)
		maps.Copy(metadata, d.metadata)
		_ = json.NewEncoder(w).Encode(metadata)
	default:
		issuer.ServeHTTP(w, r)
	}
}

// Each row changes one thing; all that is said of the server beside what is fine is
// said here.
func TestDoctorSaysWhetherClientsCanLogIn(t *testing.T) {
	const (
		byHand   = "warning: the issuer lets no client register itself, so one that comes with no client ID cannot log in"
		audience = "warning: it accepts tokens for https://weather.example.com, and clients ask with resource=HOST/mcp: " +
			"Kinde documents audience= alone, and a token that was asked for without it is for no API (empty_audience)"
		onlyWhere = "warning: an MCP client can log in only where what is warned of above was seen to"
		nobody    = "failed: no MCP client can log in"
	)
	for name, row := range map[string]struct {
		change func(*discovered)
		want   []string
	}{
		"Kinde as it documents itself": {func(*discovered) {}, []string{byHand, audience, onlyWhere}},
		"registration": {func(d *discovered) { d.metadata["registration_endpoint"] = "https://x/register" },
			[]string{audience, onlyWhere}},
		"client ID metadata documents": {func(d *discovered) { d.metadata["client_id_metadata_document_supported"] = true },
			[]string{audience, onlyWhere}},
		"no audience": {func(d *discovered) { d.settings = "scopes: [openid]" },
			[]string{byHand, "warning: tokens for any API of this Kinde business pass, and tokens for none", onlyWhere}},
		"no PKCE": {func(d *discovered) { d.metadata["code_challenge_methods_supported"] = nil }, []string{
			"failed: the issuer does not say that it knows PKCE with S256 (code_challenge_methods_supported is []), " +
				"and MCP clients must refuse to go on", byHand, audience, nobody}},
		"PKCE without S256": {func(d *discovered) {
			d.metadata["code_challenge_methods_supported"] = []string{"plain"}
		}, []string{
			`failed: the issuer does not say that it knows PKCE with S256 (code_challenge_methods_supported is ["plain"]), ` +
				"and MCP clients must refuse to go on", byHand, audience, nobody}},
		"open": {func(d *discovered) { d.status = 200 },
			[]string{"failed: a message without a token was answered with 200: want 401", nobody}},
		"denied": {func(d *discovered) { d.status = 403 },
			[]string{"failed: a message without a token was answered with 403: want 401", nobody}},
		"no challenge": {func(d *discovered) { d.challenge = "" },
			[]string{"failed: its 401 has no challenge (WWW-Authenticate: Bearer)", nobody}},
		"another scheme": {func(d *discovered) { d.challenge = `Basic realm="bearer"` },
			[]string{"failed: its 401 has no challenge (WWW-Authenticate: Bearer)", nobody}},
		"no resource": {func(d *discovered) { d.challenge = `Bearer realm="r"` },
			[]string{"failed: its challenge names no document (resource_metadata)", nobody}},
		"no document there": {func(d *discovered) { d.challenge = strings.Replace(d.challenge, "/document", "/nothing", 1) },
			[]string{`failed: the document "HOST/nothing" cannot be read: it answered 404: want 200`, nobody}},
		"a document at http": {func(d *discovered) { d.challenge = `Bearer resource_metadata="http://a.example.com/x"` },
			[]string{`failed: the document is at "http://a.example.com/x": clients ask https:// addresses, ` +
				"and http:// ones on their own machine", nobody}},
		"no JSON": {func(d *discovered) { d.challenge = strings.Replace(d.challenge, "/document", "/health", 1) },
			[]string{`failed: the document "HOST/health" cannot be read: it is not the JSON of such a document`, nobody}},
		"another resource": {func(d *discovered) { d.document["resource"] = "https://evil.example.com/mcp" },
			[]string{`failed: the document is that of "https://evil.example.com/mcp": clients refuse it`, nobody}},
		"a resource beside": {func(d *discovered) { d.document["resource"] = strings.TrimSuffix(d.address, "cp") },
			[]string{`failed: the document is that of "HOST/m": clients refuse it`, nobody}},
		"the resource above": {func(d *discovered) {
			d.document["resource"] = strings.TrimSuffix(d.address, "/mcp")
		}, []string{
			`warning: the document is that of "HOST": clients that want it to be of the very address refuse it`, byHand,
			`warning: the settings list no resource "HOST", so its audience is not known`, onlyWhere}},
		"no issuer in it": {func(d *discovered) { d.document["authorization_servers"] = []string{} },
			[]string{"failed: the document names no issuer (authorization_servers)", nobody}},
		"two issuers in it": {func(d *discovered) {
			d.document["authorization_servers"] = append(d.document["authorization_servers"].([]string), "https://b.kinde.com")
		}, []string{
			`warning: the document names 2 issuers: clients log in at the first, "HOST"`, byHand, audience, onlyWhere}},
		"an issuer of no settings": {func(d *discovered) {
			other := httptest.NewServer(nil)
			t.Cleanup(other.Close)
			issuer := kindetest.New(other.URL)
			other.Config.Handler = issuer
			d.document["authorization_servers"] = []string{other.URL}
		}, []string{byHand, `failed: the settings list no issuer "http://127.0.0.1:[0-9]+", so its tokens are refused ` +
			"(wrong_issuer)", nobody}},
		"no metadata": {func(d *discovered) { d.document["authorization_servers"] = []string{d.address} },
			[]string{"failed: the issuer has no metadata", nobody}},
		"metadata fail": {func(d *discovered) { d.rfc8414 = 503 },
			[]string{`failed: the issuer's metadata at "HOST/.well-known/oauth-authorization-server" cannot be read: ` +
				"it answered 503: want 200", nobody}},
		"metadata of another": {func(d *discovered) { d.metadata["issuer"] = "https://b.kinde.com" },
			[]string{`failed: the issuer's metadata at "HOST/.well-known/openid-configuration" name the issuer ` +
				`"https://b.kinde.com": clients refuse them`, nobody}},
		"nowhere to log in": {func(d *discovered) { d.metadata["authorization_endpoint"] = "" },
			[]string{`failed: the issuer's metadata at "HOST/.well-known/openid-configuration" do not say where to log in ` +
				"(authorization_endpoint, token_endpoint)", nobody}},
		"scopes": {func(d *discovered) { d.challenge += `, scope="openid agents:run offline_access"` }, []string{
			byHand, audience,
			"warning: clients are told to ask for the scope offline_access, and Kinde's for refresh tokens is offline",
			`warning: clients are told to ask for scopes that the issuer's metadata do not list: ["agents:run"]`, onlyWhere}},
		"scopes of the document": {func(d *discovered) { d.document["scopes_supported"] = []string{"agents:run"} }, []string{
			byHand, audience,
			`warning: clients are told to ask for scopes that the issuer's metadata do not list: ["agents:run"]`, onlyWhere}},
		"closed to browsers": {func(d *discovered) { d.closed = true }, []string{
			"warning: a client in a browser cannot read the document or the challenge: their Access-Control headers are missing",
			byHand, audience, onlyWhere}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &discovered{}
			server, config := d.serve(t, row.change)
			code, lines := runDoctor(t, "--config", config, "--address", "unix:none", "--mcp", server)
			if code != exitFailed { // the service is not there
				t.Errorf("exit code %d", code)
			}
			var got []string
			for line := range strings.Lines(lines) {
				outcome, text, _ := strings.Cut(strings.TrimSpace(line), " mcp "+server+": ")
				if text != "" && outcome != "ok" {
					got = append(got, outcome+": "+strings.ReplaceAll(text, strings.TrimSuffix(server, "/mcp"), "HOST"))
				}
			}
			wantAll(t, got, row.want)
		})
	}
}

// wantAll compares lines; one that is wanted may hold a port as an expression.
func wantAll(t *testing.T, got, want []string) {
	t.Helper()
	matches := func(n int) bool {
		before, after, any := strings.Cut(want[n], "[0-9]+")
		return got[n] == want[n] || any && strings.HasPrefix(got[n], before) && strings.HasSuffix(got[n], after)
	}
	same := len(got) == len(want)
	for n := 0; same && n < len(got); n++ {
		same = matches(n)
	}
	if !same {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestDoctorWantsTheAddressThatClientsUse(t *testing.T) {
	for _, address := range []string{
		"api.example.com/mcp", "ftp://a/mcp", "https://", "https://u:p@a/mcp", "https://a/mcp#x",
	} {
		var out, faults bytes.Buffer
		code := run([]string{"doctor", "--domain=https://a.kinde.com", "--mcp", address}, nil, &out, &faults)
		if code != exitUsage || !strings.Contains(faults.String(), "--mcp: want the address that clients are given") {
			t.Errorf("%s: exit code %d: %s", address, code, faults.String())
		}
	}
}
