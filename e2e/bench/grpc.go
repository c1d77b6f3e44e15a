package main

import (
	"fmt"
	"os"
)

// overGRPC measures decisions without Envoy, beside the verification alone.
func (b *bench) overGRPC() error {
	stock, err := b.startStock()
	if err != nil {
		return err
	}
	authz, err := b.startAuthz(usualCache)
	if err != nil {
		return err
	}
	forgetful, err := b.startAuthz(smallCache)
	if err != nil {
		return err
	}

	works := []work{{group: groupGRPC, name: caseRSA, service: &process{pid: os.Getpid()}, load: b.tokens.verify}}
	for _, c := range []struct {
		name    string
		service *service
		tokens  []string
		reason  string
	}{
		{caseStock, stock, b.tokens.good[:few], ""},
		{caseWarm, authz, b.tokens.good[:few], "allowed"},
		{caseCold, forgetful, b.tokens.good, "allowed"},
		{caseMissing, authz, []string{""}, "missing_token"},
		{caseExpired, authz, []string{b.tokens.expired}, "token_expired"},
		{caseForged, authz, b.tokens.forged, "bad_signature"},
	} {
		w, err := c.service.checking(groupGRPC, c.name, c.tokens, 1, c.reason)
		if err != nil {
			return err
		}
		works = append(works, w)
	}
	return b.inTurns(works)
}

// withTokens measures what kinde-authz takes when it has seen more and more tokens. Each
// round has a process of its own, since memory does not shrink.
func (b *bench) withTokens() error {
	for round := range b.rounds {
		authz, err := b.startAuthz(usualCache)
		if err != nil {
			return err
		}
		for _, n := range []int{1, 1000, 10_000, 100_000} {
			if n > len(b.tokens.good) {
				break
			}
			w, err := authz.checking(groupTokens, counted(n, "token"), b.tokens.good[:n], n, "allowed")
			if err != nil {
				return err
			}
			if err := b.measure(w, 0); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
		b.stopAll()
		say("  round %d of %d", round+1, b.rounds)
	}
	return nil
}

// checking returns the case of calls with tokens, in turn, so many of them at least. The
// service gives the first one its reason; a stock server gives none.
func (s *service) checking(group, name string, tokens []string, least int, reason string) (work, error) {
	answer, length, err := ask(s.address, checkRequest(tokens[0]))
	if err != nil {
		return work{}, err
	}
	if got := answer.GetDynamicMetadata().GetFields()["reason"].GetStringValue(); got != reason {
		return work{}, fmt.Errorf("%s: the reason is %q, want %q", name, got, reason)
	}
	bodies := make([][]byte, min(few, len(tokens))) // made once, where they come again and again
	for i := range bodies {
		bodies[i] = checkRequest(tokens[i])
	}
	next := func(i int) []byte {
		if i %= len(tokens); i >= few {
			return checkRequest(tokens[i])
		}
		return bodies[i]
	}
	return work{group: group, name: name, service: s.process, load: calls{s.address, next, least, length}.load}, nil
}
