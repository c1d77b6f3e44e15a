package kinde_test

import (
	"net/http"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde"
)

func TestBearerToken(t *testing.T) {
	const none, malformed = kinde.MissingToken, kinde.MalformedAuthorization
	for name, test := range map[string]struct {
		values []string
		token  string
		reason kinde.Reason
	}{
		"none":                    {nil, "", none},
		"A1 empty":                {[]string{""}, "", none},
		"one":                     {[]string{"Bearer a.b.c"}, "a.b.c", ""},
		"A5 A6 case":              {[]string{"bEARER a.b.c"}, "a.b.c", ""},
		"A21 spaces around":       {[]string{" \tBearer a.b.c "}, "a.b.c", ""},
		"A3 no token":             {[]string{"Bearer"}, "", malformed},
		"A3 no token, one space":  {[]string{"Bearer "}, "", malformed},
		"A7 two spaces":           {[]string{"Bearer  a.b.c"}, "", malformed},
		"a tab":                   {[]string{"Bearer\ta.b.c"}, "", malformed},
		"A9 no space":             {[]string{"Bearera.b.c"}, "", none},
		"two words":               {[]string{"Bearer a b"}, "", malformed},
		"A10 two, joined":         {[]string{"Bearer a,Bearer b"}, "", malformed},
		"A11 two lines":           {[]string{"Bearer a", "Bearer b"}, "", malformed},
		"A11 another kind behind": {[]string{"Bearer a", "Basic b"}, "", malformed},
		"A13 Basic":               {[]string{"Basic a"}, "", none},
		"A14 DPoP":                {[]string{"DPoP a.b.c"}, "", none},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := kinde.BearerToken(http.Header{"Authorization": test.values})
			if token != test.token || reasonOf(err) != test.reason {
				t.Errorf("got %q %v, want %q %q", token, err, test.token, test.reason)
			}
		})
	}
}

func TestStatusOfErrors(t *testing.T) {
	for reason, want := range map[kinde.Reason]int{
		kinde.MissingToken: 401, kinde.TokenExpired: 401, kinde.UnknownActor: 403, kinde.KeysUnavailable: 503, kinde.Overloaded: 503, "": 401,
	} {
		if got := (&kinde.Error{Reason: reason}).HTTPStatus(); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}
