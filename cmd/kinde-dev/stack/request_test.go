package stack

import (
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestCurl(t *testing.T) {
	for name, test := range map[string]struct {
		in   Request
		want string
	}{
		"no token": {Request{Method: "GET", Path: "/a"}, `curl -i http://localhost:8080/a`},
		"the sample token": {
			Request{Token: &kindetest.TokenRequest{}, Method: "GET", Path: "/a?b=1&c"},
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token)" 'http://localhost:8080/a?b=1&c'`,
		},
		"all of a token": {
			Request{Method: "GET", Path: "/", Token: &kindetest.TokenRequest{
				Actor: "user", User: "kp_1", Org: "none", Audience: []string{}, Permissions: []string{"a", "b"},
				Roles: []string{"c d"}, Flags: map[string]string{"x": "1", "w": "true"}, Scopes: []string{"s"},
				Lifetime: 90, Broken: "expired",
			}},
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token --user kp_1 --org none --audience none --permissions a,b ` +
				`--roles 'c d' --flag w=true --flag x=1 --scopes s --lifetime 1m30s --broken expired)" http://localhost:8080/`,
		},
		"a message": {
			Request{Method: "POST", Path: "/a", Body: `{"a":"it's"}`, Headers: []Header{{"A", "b"}, {"Empty", ""}}},
			`curl -i -H 'A: b' -H 'Empty;' --data-raw '{"a":"it'\''s"}' http://localhost:8080/a`,
		},
		"other methods": {
			Request{Method: "PUT", Path: "/../a[1]"},
			`curl -i -X PUT --path-as-is --globoff 'http://localhost:8080/../a[1]'`,
		},
		"head": {Request{Method: "HEAD", Path: "/"}, `curl -i --head http://localhost:8080/`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.in.Curl("bin/kinde-dev", "http://localhost:9100", "http://localhost:8080"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
