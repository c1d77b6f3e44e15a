package main

import (
	"fmt"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// denial is the status and the reason of a token that is not let in.
func denial(reason kinde.Reason) string {
	decision := authz.Decision{Reason: reason}
	return fmt.Sprint(decision.Status(), " ", reason)
}

// The times of the timelines run between them.
const (
	past   = 170
	future = 990
)

// span is what holds for some time, from its x to the next span's.
type span struct {
	from  int
	class string // empty where nothing is
	text  string
}

// moment is what happens at x.
type moment struct {
	x    int
	text string
}

// lane is what one looks at, through time.
type lane struct {
	name  string
	spans []span
}

// timeline draws what happens from left to right, and what that means in each lane. It
// returns where it ends.
func timeline(c *canvas, y int, title string, moments []moment, lanes []lane) int {
	const high, gap, head = 28, 10, 76
	c.text((past+future)/2, y+16, "bold", title)
	top := y + head
	bottom := top + len(lanes)*(high+gap)
	for _, m := range moments {
		c.line(m.x, top-4, m.x, bottom)
		lines := wrap(m.text, 21, 3)
		for i, line := range lines {
			c.text(m.x, top-12-15*(len(lines)-1-i), "small", line)
		}
	}
	for n, l := range lanes {
		y := top + n*(high+gap)
		c.text(past/2, y+18, "small", l.name)
		for i, s := range l.spans {
			end := future
			if i+1 < len(l.spans) {
				end = l.spans[i+1].from
			}
			if s.class == "" {
				continue
			}
			c.bar(s.class, s.from, y, end-s.from, high)
			c.text((s.from+end)/2, y+18, "small", s.text)
		}
	}
	return bottom
}

// keys draws the life of a signing key: a rotation, an issuer that is away, and what is
// asked of each token.
func keys() (string, error) {
	l, err := readLimits()
	if err != nil {
		return "", err
	}
	c := &canvas{width: 1010}
	y := rotation(c, 0)
	y = away(c, y+24, l)
	c.height = lookup(c, y+24, l) + 10
	return c.svg("The life of a signing key"), nil
}

func rotation(c *canvas, y int) int {
	const fetched, published, named, removed, gone = 310, 450, 590, 730, 870
	return timeline(c, y, "A rotation: key B follows key A", []moment{
		{fetched, "the first fetch goes well"},
		{published, "the issuer publishes B beside A"},
		{named, "a token names B: a fetch at once"},
		{removed, "the issuer removes A"},
		{gone, "the next fetch, within refresh (" + short(kinde.DefaultRefresh) + ")"},
	}, []lane{
		{"the issuer publishes A", []span{{past, "box", "A"}, {removed, "", ""}}},
		{"the issuer publishes B", []span{{published, "box", "B"}}},
		{"kinde-authz holds A", []span{{fetched, "good", "A, fetched every " + short(kinde.DefaultRefresh)}, {gone, "", ""}}},
		{"kinde-authz holds B", []span{{named, "good", "B"}}},
		{"a token signed by A", []span{
			{past, "bad", denial(kinde.KeysUnavailable)}, {fetched, "good", "passes, until it expires"}, {gone, "bad", denial(kinde.UnknownKey)},
		}},
		{"a token signed by B", []span{{named, "good", "passes; the first waits for the fetch"}}},
	})
}

func away(c *canvas, y int, l limits) int {
	const ends, stale, back = 330, 640, 830
	return timeline(c, y, "An issuer that cannot be reached, or answers with no usable key", []moment{
		{ends, "a fetch fails: the next in " + l.minRetry + " to " + l.maxRetry},
		{stale, "max_stale (" + short(kinde.DefaultMaxStale) + ") after the last good fetch"},
		{back, "a fetch goes well"},
	}, []lane{
		{"the issuer", []span{{past, "box", "answers"}, {ends, "bad", "is away; keys stay as they are"}, {back, "box", "answers"}}},
		{"a token with a held key", []span{{past, "good", "passes"}, {stale, "bad", denial(kinde.KeysUnavailable)}, {back, "good", "passes"}}},
		{"a token with a new key", []span{
			{past, "good", "a fetch, passes"}, {ends, "bad", denial(kinde.KeysUnavailable)}, {back, "good", "a fetch, passes"},
		}},
		{"readiness", []span{{past, "good", "ready"}, {stale, "bad", "not ready, if all are away"}, {back, "good", "ready"}}},
	})
}

// lookup draws the questions about the key of a token, from top to bottom.
func lookup(c *canvas, y int, l limits) int {
	const question, answer, wide, narrow, step = 260, 755, 440, 460, 44
	c.text(c.width/2, y+16, "bold", "A token that is not remembered: the first yes counts")
	y += 34
	rows := []struct{ question, class, answer string }{
		{"Is the very first fetch under way?", "box", "wait for it, and look again"},
		{"No keys, or older than max_stale (" + short(kinde.DefaultMaxStale) + ")?", "bad", denial(kinde.KeysUnavailable)},
		{"Is the key one of those held?", "good", "goes on if the key signed the token, else " + denial(kinde.BadSignature)},
		{"Is a fetch under way?", "box", "wait for it, and look again"},
		{"Did an unknown key cause a fetch less than " + l.coolDown + " ago?", "bad", ""},
		{"None of these", "box", "fetch at once, wait for it, and look again"},
	}
	for i, r := range rows {
		c.box(question-wide/2, y, wide, 30)
		c.text(question, y+20, "small", r.question)
		c.arrow(question+wide/2, y+15, answer-narrow/2, y+15)
		c.bar(r.class, answer-narrow/2, y, narrow, 30)
		text := r.answer
		if text == "" {
			text = denial(kinde.UnknownKey) + ", or " + denial(kinde.KeysUnavailable) + " if the last fetch failed"
		}
		c.text(answer, y+20, "small", text)
		if i+1 < len(rows) {
			c.arrow(question, y+30, question, y+step)
		}
		y += step
	}
	c.text(c.width/2, y+12, "small", "At most "+l.maxWaiting+" tokens of an issuer wait at a time, each no longer than its caller does: others get "+
		denial(kinde.KeysUnavailable)+".")
	return y + 20
}
