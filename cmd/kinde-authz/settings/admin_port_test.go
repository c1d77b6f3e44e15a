package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAdminPortIsThatOfTheSettings(t *testing.T) {
	text := func(s string) *string { return &s }
	for name, test := range map[string]struct {
		flag          *string
		file          string // empty: none
		want, wantErr string
	}{
		"nothing":              {nil, "", ":9192", ""},
		"a flag":               {text("127.0.0.1:1"), "", "127.0.0.1:1", ""},
		"a flag beside a file": {text("127.0.0.1:1"), "admin_listen: :2", "127.0.0.1:1", ""},
		"an empty flag": {
			text(""), "admin_listen: :2", "", "KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen) is set but empty",
		},
		"a file":                 {nil, "admin_listen: unix:/run/admin", "unix:/run/admin", ""},
		"a file without it":      {nil, "leeway: 10s", ":9192", ""},
		"a file with a mistake":  {nil, "admin_listen: :2\nleeway: soon\nnope: 1", ":2", ""},
		"a file that is no YAML": {nil, "admin_listen: [", "", "KINDE_AUTHZ_CONFIG (--config): "},
		"a list":                 {nil, "admin_listen: [a]", "", "KINDE_AUTHZ_CONFIG (--config): "},
	} {
		t.Run(name, func(t *testing.T) {
			port := AdminPort{AdminListen: test.flag}
			if test.file != "" {
				port.Config = filepath.Join(t.TempDir(), "authz.yaml")
				if err := os.WriteFile(port.Config, []byte(test.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := port.Address(t.Context())
			if got != test.want || (err == nil) != (test.wantErr == "") {
				t.Errorf("got %q, %v, want %q, %q", got, err, test.want, test.wantErr)
			}
			if err != nil && !strings.HasPrefix(err.Error(), test.wantErr) {
				t.Errorf("got %v, want %s", err, test.wantErr)
			}
		})
	}
	missing := AdminPort{Config: "/nowhere.yaml"}
	if _, err := missing.Address(t.Context()); err == nil || !strings.Contains(err.Error(), "/nowhere.yaml") {
		t.Errorf("got %v", err)
	}
}
