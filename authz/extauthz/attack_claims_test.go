package extauthz_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// user sends a user's token with claims changed; absent removes one.
func user(changes map[string]any) func(*world) []header {
	return func(w *world) []header { return bearer(w.strict.Sign(changed(w.strict.UserClaims(), changes))) }
}

func machine(changes map[string]any) func(*world) []header {
	return func(w *world) []header { return bearer(w.strict.Sign(changed(w.strict.MachineClaims(), changes))) }
}

// openUser sends a user's token of the issuer without an audience or an
// allowlist.
func openUser(changes map[string]any) func(*world) []header {
	return func(w *world) []header { return bearer(w.open.Sign(changed(w.open.UserClaims(), changes))) }
}

type absentClaim struct{}

var absent absentClaim

func changed(c kindetest.Claims, changes map[string]any) kindetest.Claims {
	for name, value := range changes {
		if value == absent {
			c = c.Without(name)
		} else {
			c = c.With(name, value)
		}
	}
	return c
}

// one changes one claim.
func one(name string, value any) map[string]any { return map[string]any{name: value} }

func TestAttackPayload(t *testing.T) {
	rows := []row{
		{"G1 null", payload(`null`), kinde.MalformedToken},
		{"G1 list", payload(`[]`), kinde.MalformedToken},
		{"G1 string", payload(`"s"`), kinde.MalformedToken},
		{"G1 number", payload(`42`), kinde.MalformedToken},
		{"G1 not JSON", payload(`claims`), kinde.MalformedToken},
		{"G1 blank", payload(` `), kinde.MalformedToken},
		{"G2 a second object", withPayload(func(p string) string { return p + `{"sub":"kp_admin"}` }), kinde.MalformedToken},
		{"G2 blanks around it", withPayload(func(p string) string { return "\n " + p + "\t\r\n" }), ""},
		{"G5 escaped and repeated", added(`"\u0073ub":"kp_admin"`), kinde.MalformedToken},
		{"G5 escaped alone", withPayload(func(p string) string { return strings.Replace(p, `"sub"`, `"\u0073ub"`, 1) }), ""},
		{"G5 another spelling is another claim", added(`"Sub":"kp_admin","SUB":"kp_admin"`), ""},
		{"G6 invalid UTF-8", withPayload(func(p string) string { return strings.Replace(p, "kp_", "kp_\xff", 1) }), kinde.MalformedToken},
		{"G6 invalid UTF-8 in a claim nobody reads", added(`"x":"` + "\xc3\x28" + `"`), kinde.MalformedToken},
		{"G6 lone surrogate in sub", withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\ud800`, 1) }), kinde.InvalidClaims},
		{"G6 reversed surrogates in sub", withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\udc00\ud800`, 1) }), kinde.InvalidClaims},
		{"G6 surrogates in pairs", withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\ud83d\ude00`, 1) }), ""},
		{"G6 lone surrogate in a claim nobody reads", added(`"x":"\ud800"`), ""},
		{"G6 lone surrogate in a name", added(`"\ud800":1`), kinde.MalformedToken},
		{"G7 deep", added(`"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)), kinde.MalformedToken},
		{"G7 many permissions", user(one("permissions", make([]string, 50000))), kinde.MalformedToken},
		{"G11 long custom claim", user(one("x", strings.Repeat("x", 8<<10))), ""},
		{"G11 too long custom claim", user(one("x", strings.Repeat("x", 30<<10))), kinde.MalformedToken},
	}
	for _, claim := range []string{"sub", "iss", "exp", "org_code", "aud", "iat", "azp", "jti"} {
		rows = append(rows, row{"G3 twice " + claim, added(fmt.Sprintf(`%q:"x"`, claim)), kinde.MalformedToken},
			row{"G3 twice, first " + claim, withPayload(func(p string) string { return fmt.Sprintf(`{%q:"x",`, claim) + p[1:] }), kinde.MalformedToken})
	}
	for _, text := range []string{`NaN`, `Infinity`, `'x'`, `1 /* c */`, `[1,]`, `{"a":1,}`, `01`, `+1`, `.5`, `1.`, `1e`, `0x1`, `tru`, `nul`, `"\x"`, `"` + "\t" + `"`, `"\u12"`, `[1 2]`, `{"a" 1}`, `{a:1}`, `{1:1}`} {
		rows = append(rows, row{"G9 " + text, added(`"x":` + text), kinde.MalformedToken})
	}
	for _, name := range []string{"__proto__", "constructor", "payload", "signatures", "keys", "kty", "ciphertext", ""} {
		rows = append(rows, row{"G10 " + name, user(one(name, map[string]any{"a": []any{1, nil, "x"}})), ""})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackTimes(t *testing.T) {
	now := time.Now().Unix()
	raw := func(name, number string) func(*world) []header {
		return func(w *world) []header {
			p := marshal(w.strict.UserClaims().Without(name))
			return bearer(w.strict.SignText(marshal(w.strict.Header()), p[:len(p)-1]+fmt.Sprintf(`,%q:%s}`, name, number)))
		}
	}
	rows := []row{
		{"H1 exp missing", user(one("exp", absent)), kinde.InvalidClaims},
		{"H2 exp 0", raw("exp", "0"), kinde.TokenExpired},
		{"H2 exp 0.4", raw("exp", "0.4"), kinde.TokenExpired},
		{"H3 exp negative", raw("exp", "-1"), kinde.InvalidClaims},
		{"H3 exp very negative", raw("exp", "-1e10"), kinde.InvalidClaims},
		{"H6 exp with a fraction", raw("exp", fmt.Sprintf("%d.9", now+100)), ""},
		{"H7 exp 1e10", raw("exp", "1e10"), ""},
		{"T5 exp 2038", raw("exp", "2147483648"), ""},
		{"T5 exp 2106", raw("exp", "4294967296"), ""},
		{"H9 T5 exp 9999", raw("exp", "253402300799"), ""},
		{"H9 exp 10000", raw("exp", "253402300800"), kinde.InvalidClaims},
		{"H9 exp in milliseconds of later", raw("exp", "1795430091000"), kinde.InvalidClaims},
		{"H10 exp now less the leeway", user(one("exp", now-30)), kinde.TokenExpired},
		{"H11 exp barely in the leeway", user(map[string]any{"exp": now - 20, "iat": now - 60}), ""},
		{"H13 exp long gone", user(map[string]any{"exp": now - 32, "iat": now - 60}), kinde.TokenExpired},
		{"H15 nbf in the leeway", user(one("nbf", now+30)), ""},
		{"H15 nbf later", user(one("nbf", now+60)), kinde.TokenNotYetValid},
		{"H17 nbf missing", user(one("nbf", absent)), ""},
		{"H19 iat later", user(one("iat", now+60)), kinde.TokenNotYetValid},
		{"H19 iat later, nbf not", user(map[string]any{"iat": now + 60, "nbf": now}), kinde.TokenNotYetValid},
		{"H22 iat after exp, nbf not", user(map[string]any{"iat": now + 20, "nbf": now, "exp": now + 10}), kinde.InvalidClaims},
		{"H19 iat in the leeway", user(one("iat", now+25)), ""},
		{"H21 iat missing", user(one("iat", absent)), kinde.InvalidClaims},
		{"H22 iat after exp", user(map[string]any{"iat": now + 20, "exp": now + 10}), kinde.InvalidClaims},
		{"H22 nbf after exp", user(map[string]any{"nbf": now + 20, "exp": now + 10}), kinde.InvalidClaims},
		{"H22 expired says so first", user(map[string]any{"iat": now, "exp": now - 60}), kinde.TokenExpired},
	}
	for _, claim := range []string{"exp", "nbf", "iat"} {
		for _, number := range []string{`"9999999999"`, `"2035-01-01T00:00:00Z"`, `null`, `[1]`, `{}`, `true`, `1e400`, `9223372036854774000`, `1e30`, `""`} {
			rows = append(rows, row{"H5 H18 H21 " + claim + " " + number, raw(claim, number), kinde.InvalidClaims})
		}
	}
	attack(t, newWorld(t), rows)
}

func TestAttackIssuer(t *testing.T) {
	w := newWorld(t)
	iss := func(value any) func(*world) []header { return user(one("iss", value)) }
	domain := w.strict.Issuer.URL
	rows := []row{
		{"I1 missing", iss(absent), kinde.WrongIssuer},
		{"I1 null", iss(nil), kinde.WrongIssuer},
		{"I1 number", iss(1), kinde.WrongIssuer},
		{"I1 empty", iss(""), kinde.WrongIssuer},
		{"I1 list", iss([]string{domain}), kinde.WrongIssuer},
		{"I9 another configured issuer's", iss(w.open.Issuer.URL), kinde.UnknownKey},
		{"I9 key of the other", func(w *world) []header {
			h := w.open.Header()
			return bearer(w.open.SignAs(h, w.open.UserClaims().With("iss", domain)))
		}, kinde.UnknownKey},
		{"I9 key of the other, under the right ID", func(w *world) []header {
			h := w.open.Header()
			h["kid"] = w.strict.KeyID()
			return bearer(w.open.SignAs(h, w.strict.UserClaims()))
		}, kinde.BadSignature},
		{"M5 M9 webhook", func(w *world) []header { return bearer(w.strict.Sign(w.strict.WebhookClaims())) }, kinde.WrongIssuer},
	}
	for _, other := range []string{
		domain + "/", strings.ToUpper(domain), domain + "/x", domain + "?", domain + "#", domain + ".", domain + ".evil.com",
		"https://evil.com/" + domain, domain + "@evil.com", strings.Replace(domain, "http", "https", 1), " " + domain, domain + " ",
		domain + "\x00", domain + "\u200b", strings.Replace(domain, ".", "。", 1),
	} {
		rows = append(rows, row{fmt.Sprintf("I2 I3 I5 I6 I7 %q", other), iss(other), kinde.WrongIssuer})
	}
	attack(t, w, rows)
}

func TestAttackAudience(t *testing.T) {
	aud := func(value any) func(*world) []header { return user(one("aud", value)) }
	openAud := func(value any) func(*world) []header { return openUser(one("aud", value)) }
	const api = kindetest.Audience
	rows := []row{
		{"J1 list", aud([]string{api}), ""},
		{"J1 among others", aud([]string{"x", api}), ""},
		{"J1 string", aud(api), ""},
		{"J6 the second one", aud([]string{"https://second.example.com"}), ""},
		{"J2 empty list", aud([]string{}), kinde.EmptyAudience},
		{"J2 missing", aud(absent), kinde.EmptyAudience},
		{"J2 null", aud(nil), kinde.InvalidClaims},
		{"J2 empty string", aud(""), kinde.WrongAudience},
		{"J5 Management API", aud([]string{"https://t.kinde.com/api"}), kinde.WrongAudience},
		{"J9 wildcard", aud([]string{"*"}), kinde.WrongAudience},
		{"J7 none configured, none there", openAud(absent), ""},
		{"J7 none configured, empty", openAud([]string{}), ""},
		{"J7 none configured, any", openAud([]string{"x"}), ""},
	}
	for _, other := range []string{strings.ToUpper(api), api + " ", api + "/", api + "x", "x " + api, "x," + api} {
		rows = append(rows, row{fmt.Sprintf("J3 %q", other), aud([]string{other}), kinde.WrongAudience})
	}
	for _, wrong := range []any{1, true, map[string]any{"a": api}, []any{1}, []any{api, nil}, []any{[]string{api}}} {
		rows = append(rows, row{fmt.Sprintf("J7 type %v", wrong), aud(wrong), kinde.InvalidClaims},
			row{fmt.Sprintf("J7 type, none configured %v", wrong), openAud(wrong), kinde.InvalidClaims})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackActor(t *testing.T) {
	client := []string{"client_credentials"}
	rows := []row{
		{"K1 user", user(nil), ""},
		{"K2 machine", machine(nil), ""},
		{"K2 sub with client credentials is a user", user(one("gty", client)), ""},
		{"K5 empty", user(one("sub", "")), kinde.InvalidClaims},
		{"K9 non-ASCII", user(one("sub", "kp_ü")), ""},
		{"K10 512 bytes", user(one("sub", strings.Repeat("k", 512))), ""},
		{"K10 513 bytes", user(one("sub", strings.Repeat("k", 513))), kinde.InvalidClaims},
		{"K14 authorization code", user(one("gty", []string{"authorization_code"})), ""},
		{"K14 authorization code without sub", user(map[string]any{"gty": []string{"authorization_code"}, "sub": absent}), kinde.UnknownActor},
		{"K14 neither", user(one("sub", absent)), kinde.UnknownActor},
		{"K15 both grants", machine(one("gty", []string{"client_credentials", "authorization_code"})), ""},
		{"K15 other spelling", machine(one("gty", []string{"Client_Credentials"})), kinde.UnknownActor},
		{"K15 part of it", machine(one("gty", []string{"client_credentials_x"})), kinde.UnknownActor},
		{"K17 machine without azp", machine(one("azp", absent)), kinde.InvalidClaims},
		{"K17 machine with an empty azp", machine(one("azp", "")), kinde.InvalidClaims},
		{"K17 azp number", machine(one("azp", 1)), kinde.InvalidClaims},
		{"K17 azp list", machine(one("azp", []string{"a"})), kinde.InvalidClaims},
		{"K21 user with gty and org", user(map[string]any{"gty": client, "org_code": "org_ab"}), ""},
		{"K22 delegation", user(one("act", map[string]any{"sub": "kp_admin"})), kinde.NotAnAccessToken},
	}
	for _, wrong := range []any{nil, 1, true, []string{"kp_a"}, map[string]any{}} {
		rows = append(rows, row{fmt.Sprintf("K6 K7 sub %v", wrong), user(one("sub", wrong)), kinde.InvalidClaims})
	}
	for _, wrong := range []any{[]string{}, nil, []any{nil}, map[string]any{}, 1, true, "client_credentials", []any{"client_credentials", 1}} {
		rows = append(rows, row{fmt.Sprintf("K13 gty %v", wrong), machine(one("gty", wrong)), kinde.InvalidClaims},
			row{fmt.Sprintf("K13 gty of a user %v", wrong), user(one("gty", wrong)), kinde.InvalidClaims})
	}
	for _, claim := range []string{"sub", "azp", "jti"} {
		for _, wrong := range []string{" ", "\t", "\u00a0", " a", "a ", "a\u00a0", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\u0085b", strings.Repeat("x", 513)} {
			rows = append(rows, row{fmt.Sprintf("K5 %s %.9q", claim, wrong), user(one(claim, wrong)), kinde.InvalidClaims})
		}
	}
	attack(t, newWorld(t), rows)
}

func TestAttackOrganization(t *testing.T) {
	rows := []row{
		{"L1 user without", user(one("org_code", absent)), authz.OrgMissing},
		{"L1 global machine", machine(one("org_code", absent)), authz.OrgMissing},
		{"L1 global machine, no allowlist", openUser(one("org_code", absent)), ""},
		{"L5 shorter", user(one("org_code", "org_a")), authz.OrgNotAllowed},
		{"L5 longer", user(one("org_code", "org_abc")), authz.OrgNotAllowed},
		{"L5 exact", user(one("org_code", "org_ab")), ""},
		{"L5 other case", user(one("org_code", "ORG_AB")), authz.OrgNotAllowed},
		{"L6 128 characters", openUser(one("org_code", strings.Repeat("o", 128))), ""},
		{"L6 129 characters", openUser(one("org_code", strings.Repeat("o", 129))), kinde.InvalidClaims},
		{"L7 plural instead", user(map[string]any{"org_code": absent, "org_codes": []string{kindetest.Org}}), kinde.NotAnAccessToken},
		{"L9 twice", added(`"org_code":"org_ab"`), kinde.MalformedToken},
		{"L10 Hasura instead", user(map[string]any{"org_code": absent, "x-hasura-org-code": kindetest.Org}), authz.OrgMissing},
		{"L10 external ID instead", user(map[string]any{"org_code": absent, "external_organization_id": kindetest.Org}), authz.OrgMissing},
		{"L10 name instead", user(map[string]any{"org_code": absent, "org_name": kindetest.Org}), authz.OrgMissing},
		{"L11 property instead", user(map[string]any{"org_code": absent, "application_properties": map[string]any{"org_code": map[string]any{"v": kindetest.Org}}}), authz.OrgMissing},
	}
	for _, wrong := range []any{nil, "", " ", 1, true, []string{kindetest.Org}, map[string]any{}, "org_ab\n", "org_ab\r\nx: y", "org\x00", "org_acme,org_ab", "a;b", "a=b", "örg", "org_a/../org_ab", "org_a%2forg_ab", " org_ab"} {
		rows = append(rows, row{fmt.Sprintf("L2 L3 L6 %q", wrong), user(one("org_code", wrong)), kinde.InvalidClaims})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackOtherClaims(t *testing.T) {
	rows := []row{
		{"N13 roles as strings", user(one("roles", []string{"admin"})), ""},
		{"N13 roles of both kinds", user(one("roles", []any{"admin", map[string]any{"key": "x"}})), ""},
		{"N13 role with two keys", added(`"rolez":[{"key":"a","key":"b"}]`), ""},
		{"N13 feature flags missing", user(one("feature_flags", absent)), ""},
	}
	strs := []any{nil, 1, "a", map[string]any{}, []any{1}, []any{"a", nil}}
	for claim, wrongs := range map[string][]any{
		"scp": strs, "permissions": strs,
		"roles":         {nil, 1, "admin", map[string]any{}, []any{1}, []any{nil}, []any{map[string]any{}}, []any{map[string]any{"key": 1}}, []any{map[string]any{"Key": "a"}}, []any{[]string{"a"}}},
		"scope":         {nil, 1, []string{"a"}, map[string]any{}},
		"feature_flags": {nil, 1, "a", []string{"a"}},
	} {
		for _, wrong := range wrongs {
			rows = append(rows, row{fmt.Sprintf("N13 %s %v", claim, wrong), user(one(claim, wrong)), kinde.InvalidClaims},
				row{fmt.Sprintf("N13 machine's %s %v", claim, wrong), machine(one(claim, wrong)), kinde.InvalidClaims})
		}
	}
	rows = append(rows, row{"G3 role with two keys", func(w *world) []header {
		p := marshal(w.strict.UserClaims().Without("roles"))
		return bearer(w.strict.SignText(marshal(w.strict.Header()), p[:len(p)-1]+`,"roles":[{"key":"a","key":"b"}]}`))
	}, kinde.InvalidClaims})
	attack(t, newWorld(t), rows)
}

func TestAttackKindOfToken(t *testing.T) {
	id := func(changes map[string]any) func(*world) []header {
		return func(w *world) []header { return bearer(w.strict.Sign(changed(w.strict.IDClaims(), changes))) }
	}
	rows := []row{
		{"M1 ID token", id(nil), kinde.NotAnAccessToken},
		{"M2 ID token, no audience configured", func(w *world) []header { return bearer(w.open.Sign(w.open.IDClaims())) }, kinde.NotAnAccessToken},
		{"M3 ID token with scp", func(w *world) []header { return bearer(w.open.Sign(w.open.IDClaims().With("scp", []string{"openid"}))) }, kinde.NotAnAccessToken},
		{"M7 M10 email is legal", user(one("email", "ada@example.com")), ""},
		{"M10 Management API", user(one("aud", []string{"https://t.kinde.com/api"})), kinde.WrongAudience},
	}
	for _, tell := range []string{"at_hash", "c_hash", "s_hash", "nonce", "auth_time", "org_codes", "events", "act"} {
		rows = append(rows, row{"M2 M7 " + tell, user(one(tell, "x")), kinde.NotAnAccessToken})
	}
	attack(t, newWorld(t), rows)
}
