package kinde_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// history is what an issuer did in a random sequence: the tokens of its keys
// and when each key was last published.
type history struct {
	*lab
	random *rand.Rand
	down   bool

	tokens    map[string]string    // by key ID
	withdrawn map[string]time.Time // when a key was no longer published
	stranger  string               // a token whose key was never published
}

// TestRandomHistoriesOfKeys lets an issuer rotate, withdraw, fail and be
// flooded at random, and checks after every step that no key is used that the
// issuer did not serve, that good keys are not lost, and that fetches are
// bounded.
func TestRandomHistoriesOfKeys(t *testing.T) {
	for range 12 {
		seed := rand.Uint64()
		inLab(t, fmt.Sprint(seed), "", func(l *lab) {
			h := &history{
				lab: l, random: rand.New(rand.NewPCG(seed, 0)),
				tokens: map[string]string{}, withdrawn: map[string]time.Time{},
			}
			h.publish()
			other := kindetest.New(tenant)
			h.stranger = other.Sign(other.UserClaims())
			start := time.Now()
			for range 60 {
				h.step()
				h.check()
			}
			// One a cool-down, one a refresh and, while it fails, one a retry of a second or more.
			if most := 2 + int(time.Since(start)/time.Second); l.issuer.Fetches() > most {
				l.Errorf("%d fetches in %s", l.issuer.Fetches(), time.Since(start))
			}
		})
	}
}

// publish notes the key that signs now.
func (h *history) publish() {
	claims := h.issuer.UserClaims().With("exp", time.Now().Add(1000*time.Hour).Unix())
	h.tokens[h.issuer.KeyID()] = h.issuer.Sign(claims)
}

func (h *history) step() {
	switch h.random.IntN(6) {
	case 0:
		h.issuer.Rotate()
		h.publish()
	case 1:
		h.withdraw()
	case 2:
		outages := []kindetest.Outage{kindetest.Down, kindetest.Empty, kindetest.Garbage, kindetest.Redirect, kindetest.Hang}
		h.fail(outages[h.random.IntN(len(outages))])
		h.down = true
	case 3:
		h.fail("")
		h.down = false
		h.pass(11 * time.Second) // the longest pause between two attempts
		h.pass(kinde.DefaultRefresh)
	case 4:
		for i := range 200 {
			_, _ = h.verifier.Verify(h.Context(), h.naming(fmt.Sprint(i)))
		}
	case 5:
		h.pass(time.Duration(h.random.IntN(2*60)) * time.Minute / 4)
	}
}

// withdraw takes one key back, not the one that signs.
func (h *history) withdraw() {
	for id := range h.tokens {
		if _, gone := h.withdrawn[id]; !gone && id != h.issuer.KeyID() && strings.Contains(h.issuer.JWKS(), id) {
			h.issuer.Withdraw(id)
			h.withdrawn[id] = time.Now()
			return
		}
	}
}

func (h *history) check() {
	h.Helper()
	if _, err := h.verifier.Verify(h.Context(), h.stranger); err == nil {
		h.Error("a key that the issuer never served verifies")
	}
	usable := 0
	for id, token := range h.tokens {
		_, err := h.verifier.Verify(h.Context(), token)
		if err == nil {
			usable++
		}
		gone, isGone := h.withdrawn[id]
		if isGone && err == nil && !h.down && time.Since(gone) > kinde.DefaultRefresh && h.upFor() > kinde.DefaultRefresh {
			h.Errorf("a key that was withdrawn %s ago verifies", time.Since(gone))
		}
	}
	if stale := h.sinceFetched(); usable == 0 && stale < kinde.DefaultMaxStale {
		h.Errorf("no key is left, %s after a good fetch", stale)
	}
}

// sinceFetched is how long ago keys were fetched.
func (h *history) sinceFetched() time.Duration {
	var last time.Time
	for _, r := range h.refreshes() {
		if r.Err == nil {
			last = r.at
		}
	}
	return time.Since(last)
}

// upFor is how long every fetch has succeeded.
func (h *history) upFor() time.Duration {
	since := time.Time{}
	for _, r := range h.refreshes() {
		if r.Err != nil {
			since = time.Time{}
		} else if since.IsZero() {
			since = r.at
		}
	}
	if since.IsZero() {
		return 0
	}
	return time.Since(since)
}
