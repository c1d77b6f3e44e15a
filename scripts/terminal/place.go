package main

import (
	"fmt"
	"regexp"
	"strings"
)

// logs is the folder that make up writes to.
const logs = ".tools/up/8080"

// ports are those of make up, and where it prints them.
var ports = []struct {
	usual   string
	printed *regexp.Regexp
}{
	{"8080", regexp.MustCompile(`\nEnvoy: +http://localhost:(\d+),`)},
	{"9901", regexp.MustCompile(`\nEnvoy: .* admin http://127\.0\.0\.1:(\d+),`)},
	{"9100", regexp.MustCompile(`token --issuer http://localhost:(\d+)`)},
	{"8000", regexp.MustCompile(`http://127\.0\.0\.1:(\d+)/api/`)},
	{"9191", regexp.MustCompile(`\nkinde-authz: +127\.0\.0\.1:(\d+),`)},
	{"9192", regexp.MustCompile(`\nkinde-authz: .* admin http://127\.0\.0\.1:(\d+),`)},
	{"9193", regexp.MustCompile(`\nPlayground: +http://localhost:(\d+) `)},
}

// place is where the stack of this run is, and where one expects it.
type place struct {
	authz           string // the gRPC address of kinde-authz
	toReal, toUsual *strings.Replacer
}

// locate reads in what make up printed where everything is.
func locate(bin, dir, printed string) (place, error) {
	toReal, toUsual := []string{logs, dir}, []string{dir, logs}
	at := make(map[string]string, len(ports))
	for _, p := range ports {
		match := p.printed.FindStringSubmatch(printed)
		if match == nil {
			return place{}, fmt.Errorf("make up does not print the port that is usually %s: %s", p.usual, printed)
		}
		at[p.usual] = match[1]
	}
	issuer := " --issuer http://localhost:" + at["9100"]
	toReal = append(toReal, "bin/kinde-dev token", bin+"/kinde-dev token"+issuer, "bin/", bin+"/")
	toUsual = append(toUsual, issuer, "", bin+"/", "bin/")
	for usual, number := range at {
		toReal = append(toReal, ":"+usual, ":"+number)
		toUsual = append(toUsual, ":"+number, ":"+usual)
	}
	return place{
		"localhost:" + at["9191"],
		strings.NewReplacer(toReal...), strings.NewReplacer(toUsual...),
	}, nil
}

// real is a command as it is run here.
func (p place) real(line string) string { return p.toReal.Replace(line) }

// changing is what is another on every run.
var changing = []*regexp.Regexp{
	regexp.MustCompile(`("decision_id":")[^"]+`),
	regexp.MustCompile(`("x-kinde-token-(?:id|expires)":\[")[^"]+`),
}

// steady is what was printed, as it would be printed in the usual place, always.
func (p place) steady(printed string) string {
	printed = p.toUsual.Replace(strings.ReplaceAll(printed, "\r", ""))
	for _, pattern := range changing {
		printed = pattern.ReplaceAllString(printed, "${1}…")
	}
	return printed
}
