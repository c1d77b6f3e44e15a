package extauthz_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
)

func TestAttackTimesAreEnforced(t *testing.T) {
	now := time.Now().Unix()
	raw := func(name, number string) sending {
		return func(w *world) request {
			p := marshal(w.strict.UserClaims().Without(name))
			return bearer(w.strict.SignText(marshal(w.strict.Header()), p[:len(p)-1]+fmt.Sprintf(`,%q:%s}`, name, number)))
		}
	}
	rows := []row{
		{"H1 no exp", user(one("exp", absent)), kinde.InvalidClaims},
		{"H2 exp 0", raw("exp", "0"), kinde.TokenExpired},
		{"H2 exp 0.4", raw("exp", "0.4"), kinde.TokenExpired},
		{"H3 exp -1", raw("exp", "-1"), kinde.InvalidClaims},
		{"H3 exp -1e10", raw("exp", "-1e10"), kinde.InvalidClaims},
		{"H4 exp with a fraction", raw("exp", fmt.Sprintf("%d.9", now+100)), ""},
		{"H5 exp 1e10", raw("exp", "1e10"), ""},
		{"H6 exp in 2038, beyond 31 bits", raw("exp", "2147483648"), ""},
		{"H6 exp in 2106, beyond 32 bits", raw("exp", "4294967296"), ""},
		{"H6 exp at the end of 9999", raw("exp", "253402300799"), ""},
		{"H7 exp in 10000", raw("exp", "253402300800"), kinde.InvalidClaims},
		{"H7 exp in milliseconds", raw("exp", "1795430091000"), kinde.InvalidClaims},
		{"H8 exp at the end of the leeway", user(one("exp", now-30)), kinde.TokenExpired},
		{"H9 exp within the leeway", user(map[string]any{"exp": now - 20, "iat": now - 60}), ""},
		{"H8 exp after the leeway", user(map[string]any{"exp": now - 32, "iat": now - 60}), kinde.TokenExpired},
		{"H10 nbf within the leeway", user(one("nbf", now+30)), ""},
		{"H10 nbf after the leeway", user(one("nbf", now+60)), kinde.TokenNotYetValid},
		{"H11 no nbf", user(one("nbf", absent)), ""},
		{"H12 iat after the leeway", user(one("iat", now+60)), kinde.TokenNotYetValid},
		{"H12 iat after the leeway, nbf now", user(map[string]any{"iat": now + 60, "nbf": now}), kinde.TokenNotYetValid},
		{
			"H14 iat after exp, nbf now",
			user(map[string]any{"iat": now + 20, "nbf": now, "exp": now + 10}),
			kinde.InvalidClaims,
		},
		{"H12 iat within the leeway", user(one("iat", now+25)), ""},
		{"H13 no iat", user(one("iat", absent)), kinde.InvalidClaims},
		{"H14 iat after exp", user(map[string]any{"iat": now + 20, "exp": now + 10}), kinde.InvalidClaims},
		{"H14 nbf after exp", user(map[string]any{"nbf": now + 20, "exp": now + 10}), kinde.InvalidClaims},
		{"H14 iat after exp, which has passed", user(map[string]any{"iat": now, "exp": now - 60}), kinde.TokenExpired},
	}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		for _, number := range []string{
			`"9999999999"`, `"2035-01-01T00:00:00Z"`, `null`, `[1]`, `{}`, `true`, `1e400`, `9223372036854774000`, `1e30`,
			`""`,
		} {
			rows = append(rows, row{"H15 " + claim + " " + number, raw(claim, number), kinde.InvalidClaims})
		}
	}
	attack(t, newWorld(t), rows)
}
