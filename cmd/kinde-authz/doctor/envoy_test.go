package doctor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// faults returns what the doctor has against an Envoy with that configuration,
// a line each.
func faults(t *testing.T, config string) []string {
	t.Helper()
	s := &settings.Settings{Authorizer: authz.Config{Policies: map[string]authz.Policy{"run-agents": {}}}}
	return faultsOf(t, s, config)
}

// faultsOf is faults with these settings.
func faultsOf(t *testing.T, s *settings.Settings, config string) (lines []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Report{}
	checkEnvoy(t.Context(), r, s, Target{EnvoyFile: path})
	for _, f := range r.findings {
		if f.Outcome == Fine {
			continue
		}
		if f.Do == "" {
			t.Errorf("%+v does not say what to do", f)
		}
		check := strings.ReplaceAll(f.Check, path, "FILE")
		lines = append(lines, fmt.Sprintf("%s %s: %s -> %s", f.Outcome, check, f.Text, f.Do))
	}
	return lines
}

// mistakes are the rows of testdata/envoy-mistakes.txtar.
func mistakes(t *testing.T) (good string, rows []txtar.File) {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/envoy-mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return string(archive.Files[0].Data), archive.Files[1:]
}

// Each mistake leads to its findings, each once, and to no other.
func TestDoctorFindsEachMistakeOnce(t *testing.T) {
	good, rows := mistakes(t)
	if got := faults(t, good); got != nil {
		t.Fatalf("nothing is wrong, and it finds\n%s", strings.Join(got, "\n"))
	}
	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			parts := strings.Split(strings.TrimSuffix(string(row.Data), "\n"), "\n---\n")
			if len(parts) != 3 || strings.Count(good, parts[0]) != 1 {
				t.Fatal("want three parts, of which the first is in the configuration once")
			}
			var want []string
			if parts[2] != "nothing" {
				want = strings.Split(parts[2], "\n")
			}
			if diff := cmp.Diff(want, faults(t, strings.Replace(good, parts[0], parts[1], 1))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A forged header that neither removes is a failure, by whichever gap.
func TestDoctorFindsForgeableIdentity(t *testing.T) {
	good, _ := mistakes(t)
	const forged = `failed envoy listener "ingress": a client can forge its identity: ` +
		`Envoy does not strip, and kinde-authz `
	const strip = `{key_matcher: {safe_regex: {regex: "x[^a-z0-9]kinde[^a-z0-9].*"}}}`
	const allowed = `{exact: connection}, {safe_regex: {regex: "x[^a-z0-9]kinde[^a-z0-9].*"}}`
	half := strings.Replace(good, strip, "{key_matcher: {prefix: x-kinde-}}", 1)
	for name, row := range map[string]struct {
		config string
		want   []string
	}{
		"not seen": {
			strings.Replace(half, allowed, "{exact: connection}, {prefix: x-kinde-}", 1),
			[]string{forged + "does not see, x.kinde.user.id x~kinde~user~id "},
		},
		"not removed": {
			strings.NewReplacer(
				"disallow_is_error: true, ", "", "x[^a-z0-9]kinde[^a-z0-9].*|auth", "x-kinde-.*|auth",
			).Replace(half),
			[]string{
				forged + "may not remove, x.kinde.user.id x~kinde~user~id ",
				`failed envoy listener "ingress": decoder_header_mutation_rules do not let kinde-authz remove `,
			},
		},
	} {
		got := faults(t, row.config)
		if len(got) != len(row.want) {
			t.Fatalf("%s: got %d findings:\n%s", name, len(got), strings.Join(got, "\n"))
		}
		for i, want := range row.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: got  %s\nwant %s", name, got[i], want)
			}
		}
	}
}

// What a control plane sent is found where the admin port shows it, and a
// finding on two listeners is told once.
func TestDoctorReadsWhatAControlPlaneSent(t *testing.T) {
	dump, err := os.ReadFile("testdata/control-plane.json")
	if err != nil {
		t.Fatal(err)
	}
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(dump) }))
	defer admin.Close()
	r := &Report{}
	checkEnvoy(t.Context(), r, &settings.Settings{}, Target{EnvoyAdmin: admin.URL})
	var got []string
	for _, f := range r.findings {
		if strings.Contains(f.Text, "status_on_error") || strings.Contains(f.Text, `"gone"`) {
			got = append(got, f.Check+": "+f.Text)
		}
	}
	const gone = `: context_extensions names the policy "gone", which the settings do not define: ` +
		"requests are denied (unknown_policy) on "
	want := []string{
		`envoy listener "a", "b": status_on_error is not set: an outage looks like a denial (403)`,
		`envoy listener "a"` + gone + `route "deep" of virtual host "v"`,
		`envoy listener "b"` + gone + `route configuration "two"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestStringMatcherMatchesAsEnvoyDoes(t *testing.T) {
	for _, row := range []struct {
		matcher, name string
		want          bool
	}{
		{`{"exact":"x-kinde-user-id"}`, "x-kinde-user-id", true},
		{`{"exact":"X-Kinde-User-ID"}`, "x-kinde-user-id", false},
		{`{"exact":"X-Kinde-User-ID","ignore_case":true}`, "x-kinde-user-id", true},
		{`{"prefix":"x-kinde-"}`, "x-kinde-user-id", true},
		{`{"prefix":"X-KINDE-","ignore_case":true}`, "x-kinde-user-id", true},
		{`{"prefix":"x-kinde-"}`, "x_kinde_user_id", false},
		{`{"suffix":"-id"}`, "x-kinde-user-id", true},
		{`{"suffix":"-ID"}`, "x-kinde-user-id", false},
		{`{"contains":"kinde"}`, "x.kinde.user.id", true},
		{`{"contains":"KINDE","ignore_case":true}`, "x.kinde.user.id", true},
		{`{"safe_regex":{"regex":"x.kinde"}}`, "x.kinde.user.id", false}, // the whole name must match
		{`{"safe_regex":{"regex":"x.kinde.*"}}`, "x.kinde.user.id", true},
		{`{"safe_regex":{"regex":"a|x.kinde.*"}}`, "x.kinde.user.id", true},
		{`{"safe_regex":{"regex":"X.KINDE.*"},"ignore_case":true}`, "x.kinde.user.id", false},
		{`{"custom":{"name":"x"}}`, "x.kinde.user.id", false},
	} {
		var matcher stringMatcher
		if err := json.Unmarshal([]byte(row.matcher), &matcher); err != nil {
			t.Fatal(err)
		}
		if got := matcher.matches(row.name); got != row.want {
			t.Errorf("%s, %s: got %t", row.matcher, row.name, got)
		}
	}
}

// Where a control plane programs the Envoy, the advice names its object.
func TestAdviceNamesTheObjectOfTheControlPlane(t *testing.T) {
	do := "set status_on_error: {code: ServiceUnavailable}"
	for name, row := range map[string]struct {
		filter authzFilter
		want   string
	}{
		"a file": {authzFilter{name: "envoy.filters.http.ext_authz"}, do},
		"Envoy Gateway": {
			authzFilter{name: "envoy.filters.http.ext_authz/securitypolicy/default/kinde-authz"},
			do + "; with Envoy Gateway: extAuth.statusOnError: 503 of the SecurityPolicy",
		},
		"Istio": {
			authzFilter{name: "envoy.filters.http.ext_authz", EnabledMetadata: object{"filter": "envoy.filters.http.rbac"}},
			do + `; with Istio: statusOnError: "503" of the extensionProvider in meshConfig`,
		},
	} {
		r := &Report{}
		r.fine("a", "good")
		r.warn("b", "bad", do)
		ownerOf(&row.filter).advise(r)
		if r.findings[0].Do != "" || r.findings[1].Do != row.want {
			t.Errorf("%s: got %+v", name, r.findings)
		}
	}
}

func TestIstioAsksAboutEveryRequest(t *testing.T) {
	const rules = `{"typed_config": {"shadow_rules_stat_prefix": %q, "shadow_rules": {"policies": {"p": {
		"permissions": [%s], "principals": [{"and_ids": {"ids": [{"any": true}]}}]}}}}}`
	const all, some = `{"and_rules": {"rules": [{"any": true}]}}`,
		`{"and_rules": {"rules": [{"not_rule": {"or_rules": {}}}]}}`
	for name, row := range map[string]struct {
		filters string
		want    bool
	}{
		"all":               {fmt.Sprintf(rules, istioPrefix, all), true},
		"some":              {fmt.Sprintf(rules, istioPrefix, some), false},
		"some, then all":    {fmt.Sprintf(rules, istioPrefix, some+","+all), true},
		"another policy's":  {fmt.Sprintf(rules, "istio_dry_run_allow_", all), false},
		"a filter of other": {`{"typed_config": {"x": 1}}`, false},
	} {
		m := &manager{}
		if err := json.Unmarshal([]byte(`{"http_filters": [`+row.filters+`]}`), m); err != nil {
			t.Fatal(name, err)
		}
		if got := asksAll(m); got != row.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// What the doctor finds in an Envoy of a control plane is told with its objects; the
// outbound listeners of a sidecar need no filter.
func TestDoctorReadsAnEnvoyOfAControlPlane(t *testing.T) {
	good, _ := mistakes(t)
	const status = "              status_on_error: {code: ServiceUnavailable}\n"
	named := func(config, name string) string {
		return strings.NewReplacer("- name: authz\n", "- name: "+name+"\n", "authz: {check", name+": {check").Replace(config)
	}
	gateway := named(good, "envoy.filters.http.ext_authz/securitypolicy/default/kinde-authz")
	const some = "              filter_enabled_metadata: {filter: envoy.filters.http.rbac}\n"
	istio := strings.Replace(good, status, status+some, 1)
	const outbound = `  - name: outbound
    traffic_direction: OUTBOUND
    filter_chains:
    - filters:
      - typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
`
	for name, row := range map[string]struct{ config, want string }{
		"nothing is wrong": {gateway + outbound, ""},
		"Envoy Gateway": {
			strings.Replace(gateway, status, "", 1),
			"-> set status_on_error: {code: ServiceUnavailable}; " +
				"with Envoy Gateway: extAuth.statusOnError: 503 of the SecurityPolicy",
		},
		"Istio": {istio, "the AuthorizationPolicy is not for every request: what it leaves out is not checked -> "},
	} {
		got := strings.Join(faults(t, row.config), "\n")
		if !strings.Contains(got, row.want) || row.want == "" && got != "" {
			t.Errorf("%s: got\n%s\nwant %s", name, got, row.want)
		}
	}
}
