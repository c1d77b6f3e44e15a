package token

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestPool(t *testing.T) {
	dir := t.TempDir()
	pool := grown(t, dir, 20)
	seen := map[string]bool{}
	for i := range pool.Size() {
		input, signature := pool.Input(i)
		if err := pool.Verify(input, signature); err != nil {
			t.Errorf("token %d: %v", i, err)
		}
		token := pool.Token(i)
		if seen[token] || len(token) != pool.Length() || !strings.HasPrefix(token, string(input)+".") {
			t.Errorf("token %d is %q", i, token)
		}
		seen[token] = true
	}
	forged := string(pool.AppendForged(nil, 3))
	if len(forged) != pool.Length() || seen[forged] || forged == string(pool.AppendForged(nil, 3)) {
		t.Errorf("forged token %q", forged)
	}
}

func TestPoolIsKept(t *testing.T) {
	dir := t.TempDir()
	first := grown(t, dir, 3)
	again := grown(t, dir, 5)
	for i := range 3 {
		if first.Token(i) != again.Token(i) {
			t.Errorf("token %d is another now", i)
		}
	}
	if again.Size() != 5 || first.JWKS() != again.JWKS() {
		t.Errorf("%v, and the keys %s", again, again.JWKS())
	}
}

// The claims are those of kindetest, in which the number stands twice.
func TestTemplate(t *testing.T) {
	pool := grown(t, t.TempDir(), 1)
	payload := string(pool.template.append(nil, 7))
	for _, want := range []string{`"iss":"` + Domain + `"`, `"org_code":"` + kindetest.Org + `"`, `000000007","org`, `"sub":"kp_0000000000000007"`} {
		if !strings.Contains(payload, want) {
			t.Errorf("%s lacks %s", payload, want)
		}
	}
}

func grown(t *testing.T, dir string, n int) *Pool {
	t.Helper()
	pool, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Grow(n, func(int) {}); err != nil {
		t.Fatal(err)
	}
	return pool
}
