package kinde_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// verified returns the token that these claims make.
func verified(t *testing.T, claims string) *kinde.Token {
	t.Helper()
	issuer := newIssuer(t)
	now := issuer.UserClaims()
	text := mustJSON(t, now.Without("feature_flags"))
	token, err := running(t, configFor(issuer)).Verify(t.Context(),
		issuer.SignText(mustJSON(t, issuer.Header()), text[:len(text)-1]+","+claims+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Attack N8: a flag whose value is not of the type that it names is no flag.
func TestFlagsAreReadByTypeAndValue(t *testing.T) {
	token := verified(t, `"feature_flags":{
		"on":{"t":"b","v":true},"off":{"v":false,"t":"b"},"theme":{"t":"s","v":"pi\u006ek"},"seats":{"t":"i","v":5},
		"minus":{"t":"i","v":-5},"big":{"t":"i","v":9007199254740993},"more":{"t":"b","v":true,"x":[1]},
		"lie":{"t":"b","v":"true"},"number":{"t":"b","v":1},"fraction":{"t":"i","v":5.0},"exponent":{"t":"i","v":5e0},
		"huge":{"t":"i","v":9223372036854775808},"text":{"t":"i","v":"5"},"untyped":{"v":true},"empty":{},"bare":true,
		"null":null,"json":{"t":"j","v":{}},"":{"t":"b","v":true},"twice":{"t":"b","v":true,"v":false}}`)
	want := map[string]kinde.FlagValue{
		"on":    kinde.BoolFlag(true),
		"off":   kinde.BoolFlag(false),
		"more":  kinde.BoolFlag(true),
		"":      kinde.BoolFlag(true),
		"theme": kinde.StringFlag("pink"),
		"seats": kinde.IntFlag(5),
		"minus": kinde.IntFlag(-5),
		"big":   kinde.IntFlag(9007199254740993),
	}
	none := []string{
		"lie", "number", "fraction", "exponent", "huge", "text", "untyped", "empty", "bare", "null", "json",
		"twice", "absent", "On", "t",
	}
	for name, value := range want {
		if got, ok := token.Flag(name); !ok || got != value {
			t.Errorf("%q: got %v, %t", name, got, ok)
		}
	}
	for _, name := range none {
		if got, ok := token.Flag(name); ok {
			t.Errorf("%q: got %v, want none", name, got)
		}
	}
}

func TestFlagTypesAreNotEqual(t *testing.T) {
	all := []kinde.FlagValue{
		kinde.BoolFlag(true), kinde.BoolFlag(false), kinde.StringFlag("true"), kinde.StringFlag(""), kinde.IntFlag(1),
		kinde.IntFlag(0), {},
	}
	for i, a := range all {
		for j, b := range all {
			if (a == b) != (i == j) {
				t.Errorf("%v == %v is %t", a, b, a == b)
			}
		}
	}
}

func TestNoFlagsWithoutFeatureFlags(t *testing.T) {
	for _, claims := range []string{
		`"x":1`, `"feature_flags":{}`, `"feature_flags":{"a":{"t":"b","v":true},"a":{"t":"b","v":true}}`,
	} {
		if got, ok := verified(t, claims).Flag("a"); ok {
			t.Errorf("%s: got %v", claims, got)
		}
	}
	if _, ok := new(kinde.Token).Flag("a"); ok {
		t.Error("a token made by hand has a flag")
	}
}

func TestClaimsAreFoundByName(t *testing.T) {
	token := verified(t, `"email":"ada@example.com","age":42,"ratio":-1.50,"vip":false,"nothing":null,"empty":"",
		"application_properties":{"model":{"v":"m-4"},"region":{"v":null},"count":{"v":3},"list":{"v":["a","b"]},
			"deep":{"er":{"v":"x"}},"plain":"y"},
		"teams":["b","a","b","",1,true],"mixed":["a",null],"objects":[{"v":"a"}],"https://example.com/tier":"gold",
		"a":{"b":{"c":"nested"},"b.c":"joined"},"lone":"\ud800","huge":1e999,"x-hasura-role":"admin"`)
	for name, want := range map[string]string{
		"email":                          "ada@example.com",
		"age":                            "42",
		"ratio":                          "-1.50",
		"vip":                            "false",
		"sub":                            kindetest.UserID,
		"x-hasura-role":                  "admin",
		"application_properties.model":   "m-4",
		"application_properties.model.v": "m-4",
		"application_properties.count":   "3",
		"application_properties.plain":   "y",
		"application_properties.deep.er": "x",
		"https://example.com/tier":       "gold",
		"a.b.c":                          "joined",
	} {
		if got, isList := token.Claim(name); !slices.Equal(got, []string{want}) || isList {
			t.Errorf("%q: got %q, list %t, want %q", name, got, isList, want)
		}
	}
	for _, name := range []string{
		"nothing", "empty", "absent", "application_properties", "application_properties.region",
		"application_properties.deep", "mixed", "objects", "lone", "huge", "email.v", "Email", "application_properties.",
		".email", "a..b", "",
	} {
		if got, isList := token.Claim(name); len(got) > 0 || isList {
			t.Errorf("%q: got %q, list %t, want none", name, got, isList)
		}
	}
	for name, want := range map[string][]string{
		"teams":                       {"b", "a", "1", "true"},
		"application_properties.list": {"a", "b"},
		"aud":                         {kindetest.Audience},
	} {
		if got, isList := token.Claim(name); !slices.Equal(got, want) || !isList {
			t.Errorf("%q: got %q, list %t, want %q", name, got, isList, want)
		}
	}
	if got, _ := new(kinde.Token).Claim("sub"); got != nil {
		t.Errorf("a token made by hand: got %q", got)
	}
}

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
