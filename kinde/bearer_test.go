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
		"A1 no authorization header":           {nil, "", none},
		"A2 an empty value":                    {[]string{""}, "", none},
		"one token":                            {[]string{"Bearer a.b.c"}, "a.b.c", ""},
		"A4 the scheme in mixed case":          {[]string{"bEARER a.b.c"}, "a.b.c", ""},
		"A15 spaces and tabs around the value": {[]string{" \tBearer a.b.c "}, "a.b.c", ""},
		"A3 the scheme alone":                  {[]string{"Bearer"}, "", malformed},
		"A3 the scheme and a space":            {[]string{"Bearer "}, "", malformed},
		"A5 two spaces after the scheme":       {[]string{"Bearer  a.b.c"}, "", malformed},
		"A5 a tab after the scheme":            {[]string{"Bearer\ta.b.c"}, "", malformed},
		"A6 no space after the scheme":         {[]string{"Bearera.b.c"}, "", none},
		"A7 another word after the token":      {[]string{"Bearer a b"}, "", malformed},
		"A7 two tokens in one line":            {[]string{"Bearer a,Bearer b"}, "", malformed},
		"A8 two lines":                         {[]string{"Bearer a", "Bearer b"}, "", malformed},
		"A8 Basic credentials last":            {[]string{"Bearer a", "Basic b"}, "", malformed},
		"A9 Basic credentials":                 {[]string{"Basic a"}, "", none},
		"A10 scheme DPoP":                      {[]string{"DPoP a.b.c"}, "", none},
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
		kinde.MissingToken: 401, kinde.TokenExpired: 401, kinde.UnknownActor: 403, kinde.KeysUnavailable: 503,
		kinde.Overloaded: 503, "": 401,
	} {
		if got := (&kinde.Error{Reason: reason}).HTTPStatus(); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}
