package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"time"
)

// constants returns the constants of a file as they are written there.
func constants(file string) (map[string]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, isValue := node.(*ast.ValueSpec)
		for i := 0; isValue && i < len(spec.Values); i++ {
			all[spec.Names[i].Name] = types.ExprString(spec.Values[i])
		}
		return true
	})
	return all, nil
}

// limits are those of package kinde that it keeps to itself.
type limits struct{ coolDown, minRetry, maxRetry, maxWaiting string }

func readLimits() (limits, error) {
	const file = "kinde/keys.go"
	all, err := constants(file)
	if err != nil {
		return limits{}, err
	}
	l := limits{seconds(all["coolDown"]), seconds(all["minRetry"]), seconds(all["maxRetry"]), all["maxWaiting"]}
	if l.coolDown == "" || l.minRetry == "" || l.maxRetry == "" || l.maxWaiting == "" {
		return limits{}, fmt.Errorf("%s lacks a constant: got %+v", file, l)
	}
	return l, nil
}

// seconds is a constant like 10 * time.Second, or time.Second, in words, and empty for
// others.
func seconds(written string) string {
	if written == "time.Second" {
		return "1s"
	}
	if number, found := strings.CutSuffix(written, " * time.Second"); found {
		return number + "s"
	}
	return ""
}

// short is a duration without the zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
