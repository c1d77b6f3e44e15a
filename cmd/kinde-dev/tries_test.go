package main

import (
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestTryLine(t *testing.T) {
	for name, test := range map[string]struct {
		try                  try
		program, issuer, url string
		want                 string
	}{
		"default issuer": {
			try{token: &kindetest.TokenRequest{}}, "bin/kinde-dev", "http://localhost:9100", "http://localhost:8080",
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token)" http://localhost:8080/api/agents/weather`,
		},
		"another issuer": {
			try{token: &kindetest.TokenRequest{Broken: "expired"}},
			"bin/kinde-dev", "http://localhost:9101", "http://localhost:8080",
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token --issuer http://localhost:9101 --broken expired)"` +
				` http://localhost:8080/api/agents/weather`,
		},
		"no token": {
			try{forged: true}, "bin/kinde-dev", "http://localhost:9101", "http://localhost:8081",
			`curl -i -H 'x-kinde-user-id: kp_admin' http://localhost:8081/api/agents/weather`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.try.line(test.program, test.issuer, test.url, "/api/agents/weather"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
