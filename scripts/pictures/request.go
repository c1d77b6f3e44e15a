package main

import (
	"slices"

	"github.com/kinde-authz/kinde-authz/authz"
)

// The lanes of the second picture.
const (
	envoy = iota
	extauthz
	decision
	tokens
)

var lanes = []string{"Envoy", "authz/extauthz", "authz", "kinde"}

// verified are the steps that package kinde takes, and only for a token that is not
// remembered.
var verified = [2]string{"form of the token", "user or machine"}

// request draws the way of one request from top to bottom.
func request() string {
	const width, line = 250, 20
	var names []string
	for _, step := range (&authz.Decision{}).Steps() {
		names = append(names, step.Name)
	}
	first, last := slices.Index(names, verified[0]), slices.Index(names, verified[1])
	c := &canvas{width: len(lanes) * width, height: 420 + len(names)*line}
	center := func(lane int) int { return lane*width + width/2 }
	for lane, name := range lanes {
		c.line(center(lane), 50, center(lane), c.height)
		c.box(center(lane)-90, 16, 180, 34)
		c.text(center(lane), 38, "bold", name)
	}
	y := 50
	message := func(from, to int, text string) {
		y += 38
		c.arrow(center(from), y, center(to), y)
		c.text((center(from)+center(to))/2, y-7, "small", text)
	}
	work := func(lane int, title string, lines []string) {
		top := y + 14
		c.box(center(lane)-105, top, 210, 30+len(lines)*line)
		c.text(center(lane), top+20, "bold", title)
		for i, text := range lines {
			c.text(center(lane), top+40+i*line, "small", text)
		}
		y = top + 30 + len(lines)*line
	}
	message(envoy, extauthz, "CheckRequest, as bytes")
	message(extauthz, decision, "Request: method, path, headers")
	work(decision, "what needs no token", names[:first])
	message(decision, tokens, "a token that is not remembered")
	work(tokens, "what the token is", names[first:last+1])
	message(tokens, decision, "Verdict, and how long it holds")
	work(decision, "who may pass", names[last+1:])
	message(decision, extauthz, "Decision: reason, headers")
	message(extauthz, envoy, "CheckResponse, as bytes")
	return c.svg("The way of one request: the first step that fails is the reason")
}
