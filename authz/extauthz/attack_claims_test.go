package extauthz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// user sends a user's token with claims changed; absent removes one.
func user(changes map[string]any) sending {
	return func(w *world) request { return bearer(w.strict.Sign(changed(w.strict.UserClaims(), changes))) }
}

func machine(changes map[string]any) sending {
	return func(w *world) request { return bearer(w.strict.Sign(changed(w.strict.MachineClaims(), changes))) }
}

// openUser sends a user's token of the issuer without an audience or an
// allowlist.
func openUser(changes map[string]any) sending {
	return func(w *world) request { return bearer(w.open.Sign(changed(w.open.UserClaims(), changes))) }
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

func TestAttackPayloadsHaveOneReading(t *testing.T) {
	rows := []row{
		{"G1 null", payload(`null`), kinde.MalformedToken},
		{"G1 a list", payload(`[]`), kinde.MalformedToken},
		{"G1 a string", payload(`"s"`), kinde.MalformedToken},
		{"G1 a number", payload(`42`), kinde.MalformedToken},
		{"G1 not JSON", payload(`claims`), kinde.MalformedToken},
		{"G1 a space alone", payload(` `), kinde.MalformedToken},
		{
			"G2 a second object behind the claims",
			withPayload(func(p string) string { return p + `{"sub":"kp_admin"}` }),
			kinde.MalformedToken,
		},
		{
			"G2 spaces and line breaks around the claims",
			withPayload(func(p string) string { return "\n " + p + "\t\r\n" }),
			"",
		},
		{"G4 sub twice, once with an escaped letter", added(`"\u0073ub":"kp_admin"`), kinde.MalformedToken},
		{
			"G4 sub with an escaped letter alone",
			withPayload(func(p string) string { return strings.Replace(p, `"sub"`, `"\u0073ub"`, 1) }),
			"",
		},
		{"G5 Sub and SUB beside sub", added(`"Sub":"kp_admin","SUB":"kp_admin"`), ""},
		{
			"G6 a byte that is not UTF-8 in sub",
			withPayload(func(p string) string { return strings.Replace(p, "kp_", "kp_\xff", 1) }),
			kinde.MalformedToken,
		},
		{"G6 bytes that are not UTF-8 in a claim that nobody reads", added(`"x":"` + "\xc3\x28" + `"`), kinde.MalformedToken},
		{
			"G7 a lone surrogate in sub",
			withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\ud800`, 1) }),
			kinde.InvalidClaims,
		},
		{
			"G7 surrogates in the wrong order in sub",
			withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\udc00\ud800`, 1) }),
			kinde.InvalidClaims,
		},
		{
			"G7 a pair of surrogates in sub",
			withPayload(func(p string) string { return strings.Replace(p, "kp_", `kp_\ud83d\ude00`, 1) }),
			"",
		},
		{"G7 a lone surrogate in a claim that nobody reads", added(`"x":"\ud800"`), ""},
		{"G7 a lone surrogate in a claim's name", added(`"\ud800":1`), kinde.MalformedToken},
		{
			"G8 a claim nested 5,000 deep",
			added(`"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)),
			kinde.MalformedToken,
		},
		{"G8 50,000 permissions", user(one("permissions", make([]string, 50000))), kinde.MalformedToken},
		{"G11 a custom claim of 8 KiB", user(one("x", strings.Repeat("x", 8<<10))), ""},
		{"G11 a custom claim of 30 KiB", user(one("x", strings.Repeat("x", 30<<10))), kinde.MalformedToken},
	}
	for _, claim := range []string{"sub", "iss", "exp", "org_code", "aud", "iat", "azp", "jti"} {
		first := withPayload(func(p string) string { return fmt.Sprintf(`{%q:"x",`, claim) + p[1:] })
		last := added(fmt.Sprintf(`%q:"x"`, claim))
		rows = append(rows, row{"G3 twice, the good one first: " + claim, last, kinde.MalformedToken})
		rows = append(rows, row{"G3 twice, the good one last: " + claim, first, kinde.MalformedToken})
	}
	for _, text := range []string{
		`NaN`, `Infinity`, `'x'`, `1 /* c */`, `[1,]`, `{"a":1,}`, `01`, `+1`, `.5`, `1.`, `1e`, `0x1`, `tru`,
		`nul`, `"\x"`, `"` + "\t" + `"`, `"\u12"`, `[1 2]`, `{"a" 1}`, `{a:1}`, `{1:1}`,
	} {
		rows = append(rows, row{"G9 a claim of " + text, added(`"x":` + text), kinde.MalformedToken})
	}
	for _, name := range []string{"__proto__", "constructor", "payload", "signatures", "keys", "kty", "ciphertext", ""} {
		claim := one(name, map[string]any{"a": []any{1, nil, "x"}})
		rows = append(rows, row{fmt.Sprintf("G10 a claim named %q", name), user(claim), ""})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackIssuersAreComparedExactly(t *testing.T) {
	w := newWorld(t)
	iss := func(value any) sending { return user(one("iss", value)) }
	domain := w.strict.Issuer.URL
	rows := []row{
		{"I1 no iss", iss(absent), kinde.WrongIssuer},
		{"I1 iss is null", iss(nil), kinde.WrongIssuer},
		{"I1 iss is a number", iss(1), kinde.WrongIssuer},
		{"I1 iss is empty", iss(""), kinde.WrongIssuer},
		{"I1 iss is a list", iss([]string{domain}), kinde.WrongIssuer},
		{"I6 the iss of another configured issuer", iss(w.open.Issuer.URL), kinde.UnknownKey},
		{"I6 the key of another configured issuer", func(w *world) request {
			h := w.open.Header()
			return bearer(w.open.SignAs(h, w.open.UserClaims().With("iss", domain)))
		}, kinde.UnknownKey},
		{"I6 the key of another configured issuer, under the right ID", func(w *world) request {
			h := w.open.Header()
			h["kid"] = w.strict.KeyID()
			return bearer(w.open.SignAs(h, w.strict.UserClaims()))
		}, kinde.BadSignature},
		{
			"M5 a webhook",
			func(w *world) request { return bearer(w.strict.Sign(w.strict.WebhookClaims())) },
			kinde.WrongIssuer,
		},
	}
	for _, other := range []string{domain + "/", domain + "/x", domain + "?", domain + "#", domain + "."} {
		rows = append(rows, row{fmt.Sprintf("I2 more behind the domain: %q", other), iss(other), kinde.WrongIssuer})
	}
	for _, other := range []string{strings.ToUpper(domain), strings.Replace(domain, "http", "https", 1)} {
		rows = append(rows, row{fmt.Sprintf("I3 another case or scheme: %q", other), iss(other), kinde.WrongIssuer})
	}
	for _, other := range []string{domain + ".evil.com", "https://evil.com/" + domain, domain + "@evil.com"} {
		rows = append(rows, row{fmt.Sprintf("I4 the domain as a part: %q", other), iss(other), kinde.WrongIssuer})
	}
	for _, other := range []string{
		" " + domain, domain + " ", domain + "\x00", domain + "\u200b", strings.Replace(domain, ".", "。", 1),
	} {
		rows = append(rows, row{fmt.Sprintf("I5 a look-alike: %q", other), iss(other), kinde.WrongIssuer})
	}
	attack(t, w, rows)
}

func TestAttackAudiencesAreComparedExactly(t *testing.T) {
	aud := func(value any) sending { return user(one("aud", value)) }
	openAud := func(value any) sending { return openUser(one("aud", value)) }
	const api = kindetest.Audience
	rows := []row{
		{"J1 the audience in a list", aud([]string{api}), ""},
		{"J1 the audience among others", aud([]string{"x", api}), ""},
		{"J1 the audience as a string", aud(api), ""},
		{"J2 the second of two configured audiences", aud([]string{"https://second.example.com"}), ""},
		{"J3 an empty list", aud([]string{}), kinde.EmptyAudience},
		{"J3 no aud", aud(absent), kinde.EmptyAudience},
		{"J3 aud is null", aud(nil), kinde.InvalidClaims},
		{"J3 an empty string", aud(""), kinde.WrongAudience},
		{"J5 the audience of Kinde's Management API", aud([]string{"https://t.kinde.com/api"}), kinde.WrongAudience},
		{"J6 a wildcard", aud([]string{"*"}), kinde.WrongAudience},
		{"J7 no audience configured, no aud", openAud(absent), ""},
		{"J7 no audience configured, an empty list", openAud([]string{}), ""},
		{"J7 no audience configured, any aud", openAud([]string{"x"}), ""},
	}
	for _, other := range []string{strings.ToUpper(api), api + " ", api + "/", api + "x", "x " + api, "x," + api} {
		rows = append(rows, row{fmt.Sprintf("J4 a near miss: %q", other), aud([]string{other}), kinde.WrongAudience})
	}
	for _, wrong := range []any{1, true, map[string]any{"a": api}, []any{1}, []any{api, nil}, []any{[]string{api}}} {
		text := fmt.Sprintf("aud is %v", wrong)
		rows = append(rows, row{"J8 " + text, aud(wrong), kinde.InvalidClaims})
		rows = append(rows, row{"J8 no audience configured, " + text, openAud(wrong), kinde.InvalidClaims})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackUsersAndMachinesAreToldApart(t *testing.T) {
	client := []string{"client_credentials"}
	rows := []row{
		{"K1 a user", user(nil), ""},
		{"K2 a machine", machine(nil), ""},
		{"K3 sub with client credentials", user(one("gty", client)), ""},
		{"K4 an empty sub", user(one("sub", "")), kinde.InvalidClaims},
		{"K6 a non-ASCII sub", user(one("sub", "kp_ü")), ""},
		{"K7 a sub of 512 bytes", user(one("sub", strings.Repeat("k", 512))), ""},
		{"K7 a sub of 513 bytes", user(one("sub", strings.Repeat("k", 513))), kinde.InvalidClaims},
		{"K8 an authorization code with sub", user(one("gty", []string{"authorization_code"})), ""},
		{
			"K8 an authorization code without sub",
			user(map[string]any{"gty": []string{"authorization_code"}, "sub": absent}),
			kinde.UnknownActor,
		},
		{"K8 neither sub nor gty", user(one("sub", absent)), kinde.UnknownActor},
		{
			"K9 client credentials among other grants",
			machine(one("gty", []string{"client_credentials", "authorization_code"})),
			"",
		},
		{"K9 client credentials in another case", machine(one("gty", []string{"Client_Credentials"})), kinde.UnknownActor},
		{"K9 a grant that only begins the same", machine(one("gty", []string{"client_credentials_x"})), kinde.UnknownActor},
		{"K11 a machine without azp", machine(one("azp", absent)), kinde.InvalidClaims},
		{"K11 a machine with an empty azp", machine(one("azp", "")), kinde.InvalidClaims},
		{"K11 azp is a number", machine(one("azp", 1)), kinde.InvalidClaims},
		{"K11 azp is a list", machine(one("azp", []string{"a"})), kinde.InvalidClaims},
		{"K3 sub with client credentials and an organization", user(map[string]any{"gty": client, "org_code": "org_ab"}), ""},
		{"M6 a delegated token, with act", user(one("act", map[string]any{"sub": "kp_admin"})), kinde.NotAnAccessToken},
	}
	for _, wrong := range []any{nil, 1, true, []string{"kp_a"}, map[string]any{}} {
		rows = append(rows, row{fmt.Sprintf("K5 sub is %v", wrong), user(one("sub", wrong)), kinde.InvalidClaims})
	}
	for _, wrong := range []any{
		[]string{}, nil, []any{nil}, map[string]any{}, 1, true, "client_credentials", []any{"client_credentials", 1},
	} {
		gty := one("gty", wrong)
		rows = append(rows, row{fmt.Sprintf("K10 a machine's gty is %v", wrong), machine(gty), kinde.InvalidClaims})
		rows = append(rows, row{fmt.Sprintf("K10 a user's gty is %v", wrong), user(gty), kinde.InvalidClaims})
	}
	for _, claim := range []string{"sub", "azp", "jti"} {
		for _, wrong := range []string{
			" ", "\t", "\u00a0", " a", "a ", "a\u00a0", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\u0085b",
			strings.Repeat("x", 513),
		} {
			rows = append(rows, row{fmt.Sprintf("K4 %s is %.9q", claim, wrong), user(one(claim, wrong)), kinde.InvalidClaims})
		}
	}
	attack(t, newWorld(t), rows)
}

func TestAttackTheOrganizationIsOneExactClaim(t *testing.T) {
	rows := []row{
		{"L1 a user without org_code", user(one("org_code", absent)), authz.OrgMissing},
		{"L1 a machine without org_code", machine(one("org_code", absent)), authz.OrgMissing},
		{"L2 a machine without org_code, no allowlist", openUser(one("org_code", absent)), ""},
		{"L3 a shorter organization", user(one("org_code", "org_a")), authz.OrgNotAllowed},
		{"L3 a longer organization", user(one("org_code", "org_abc")), authz.OrgNotAllowed},
		{"L3 the allowed organization", user(one("org_code", "org_ab")), ""},
		{"L3 the organization in another case", user(one("org_code", "ORG_AB")), authz.OrgNotAllowed},
		{"L4 an organization of 128 characters", openUser(one("org_code", strings.Repeat("o", 128))), ""},
		{"L4 an organization of 129 characters", openUser(one("org_code", strings.Repeat("o", 129))), kinde.InvalidClaims},
		{
			"L5 org_codes instead of org_code",
			user(map[string]any{"org_code": absent, "org_codes": []string{kindetest.Org}}),
			kinde.NotAnAccessToken,
		},
		{"L6 org_code twice", added(`"org_code":"org_ab"`), kinde.MalformedToken},
		{
			"L7 Hasura's claim instead",
			user(map[string]any{"org_code": absent, "x-hasura-org-code": kindetest.Org}),
			authz.OrgMissing,
		},
		{
			"L7 the external ID instead",
			user(map[string]any{"org_code": absent, "external_organization_id": kindetest.Org}),
			authz.OrgMissing,
		},
		{
			"L7 the organization's name instead",
			user(map[string]any{"org_code": absent, "org_name": kindetest.Org}),
			authz.OrgMissing,
		},
		{
			"L7 a property instead",
			user(map[string]any{
				"org_code":               absent,
				"application_properties": map[string]any{"org_code": map[string]any{"v": kindetest.Org}},
			}),
			authz.OrgMissing,
		},
	}
	for _, wrong := range []any{
		nil, "", " ", 1, true, []string{kindetest.Org}, map[string]any{}, "org_ab\n", "org_ab\r\nx: y", "org\x00",
		"org_acme,org_ab", "a;b", "a=b", "örg", "org_a/../org_ab", "org_a%2forg_ab", " org_ab",
	} {
		rows = append(rows, row{fmt.Sprintf("L8 org_code is %q", wrong), user(one("org_code", wrong)), kinde.InvalidClaims})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackClaimsOfOtherTypesAreRefused(t *testing.T) {
	rows := []row{
		{"N5 roles as strings", user(one("roles", []string{"admin"})), ""},
		{"N5 roles as strings and objects", user(one("roles", []any{"admin", map[string]any{"key": "x"}})), ""},
		{"N6 an unknown claim that repeats a member", added(`"rolez":[{"key":"a","key":"b"}]`), ""},
		{"N7 no feature flags", user(one("feature_flags", absent)), ""},
	}
	strs := []any{nil, 1, "a", map[string]any{}, []any{1}, []any{"a", nil}}
	for claim, wrongs := range map[string][]any{
		"N1 scp": strs, "N2 permissions": strs,
		"N3 roles": {
			nil, 1, "admin", map[string]any{}, []any{1}, []any{nil}, []any{map[string]any{}},
			[]any{map[string]any{"key": 1}}, []any{map[string]any{"Key": "a"}}, []any{[]string{"a"}},
		},
		"N1 scope":         {nil, 1, []string{"a"}, map[string]any{}},
		"N4 feature_flags": {nil, 1, "a", []string{"a"}},
	} {
		for _, wrong := range wrongs {
			_, name, _ := strings.Cut(claim, " ")
			change, text := one(name, wrong), fmt.Sprint(wrong)
			rows = append(rows, row{claim + " of a user is " + text, user(change), kinde.InvalidClaims})
			rows = append(rows, row{claim + " of a machine is " + text, machine(change), kinde.InvalidClaims})
		}
	}
	rows = append(rows, row{"N3 a role with two keys", func(w *world) request {
		p := marshal(w.strict.UserClaims().Without("roles"))
		return bearer(w.strict.SignText(marshal(w.strict.Header()), p[:len(p)-1]+`,"roles":[{"key":"a","key":"b"}]}`))
	}, kinde.InvalidClaims})
	attack(t, newWorld(t), rows)
}

func TestAttackOnlyAccessTokensPass(t *testing.T) {
	id := func(changes map[string]any) sending {
		return func(w *world) request { return bearer(w.strict.Sign(changed(w.strict.IDClaims(), changes))) }
	}
	rows := []row{
		{"M1 an ID token", id(nil), kinde.NotAnAccessToken},
		{
			"M2 an ID token, no audience configured",
			func(w *world) request { return bearer(w.open.Sign(w.open.IDClaims())) },
			kinde.NotAnAccessToken,
		},
		{
			"M3 an ID token with scp, no audience configured",
			func(w *world) request { return bearer(w.open.Sign(w.open.IDClaims().With("scp", []string{"openid"}))) },
			kinde.NotAnAccessToken,
		},
		{"M7 an access token with an email", user(one("email", "ada@example.com")), ""},
		{
			"J5 the audience of Kinde's Management API",
			user(one("aud", []string{"https://t.kinde.com/api"})),
			kinde.WrongAudience,
		},
	}
	for _, tell := range []string{"at_hash", "c_hash", "s_hash", "nonce", "auth_time", "org_codes", "events", "act"} {
		rows = append(rows, row{"M4 a user's token with " + tell, user(one(tell, "x")), kinde.NotAnAccessToken})
	}
	attack(t, newWorld(t), rows)
}
