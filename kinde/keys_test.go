package kinde_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Attack S1: a token arrives before any keys were fetched.
func TestNoKeysBeforeRun(t *testing.T) {
	issuer := kindetest.New(tenant)
	v, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(t.Context(), issuer.Sign(issuer.UserClaims()))
	if got := reasonOf(err); got != kinde.KeysUnavailable || v.Ready() {
		t.Errorf("got %v, ready %t", err, v.Ready())
	}
}

func TestAttackRotationIsPickedUpAtOnce(t *testing.T) {
	inLab(t, "S13 a new key is picked up at once, and the next one after the cool-down", "", func(l *lab) {
		old := l.token()
		l.issuer.Rotate()
		l.wants("new key", l.token(), "")
		l.wants("old key", old, "")
		l.issuer.Rotate()
		l.wants("second rotation", l.token(), kinde.UnknownKey)
		l.pass(9 * time.Second)
		l.wants("in the cool-down", l.token(), kinde.UnknownKey)
		l.pass(time.Second)
		l.wants("behind the cool-down", l.token(), "")
		if n := l.issuer.Fetches(); n != 3 {
			l.Errorf("%d fetches, want 3", n)
		}
	})
}

func TestAttackFloodsOfUnknownKeysCauseOneFetch(t *testing.T) {
	inLab(t, "T1 a flood of unknown keys causes one fetch and hides no rotation", "", func(l *lab) {
		for i := range 2000 {
			l.wants("flood", l.naming(fmt.Sprint(i)), kinde.UnknownKey)
			if i%500 == 0 {
				l.pass(time.Second)
			}
		}
		if n := l.issuer.Fetches(); n != 2 {
			l.Errorf("%d fetches, want 2: the first, and one for the flood", n)
		}
		l.issuer.Rotate()
		l.wants("while the flood is on", l.token(), kinde.UnknownKey)
		l.pass(6 * time.Second)
		l.wants("10 s after it began", l.token(), "")
	})
	inLab(t, "T2 a trickle of unknown keys hides a rotation for 10 s at most", "", func(l *lab) {
		const every = 200 * time.Millisecond
		for range 10 {
			l.wants("trickle", l.unknownKey(), kinde.UnknownKey)
			l.pass(every)
		}
		l.issuer.Rotate()
		token, rotated := l.token(), time.Now()
		for !l.passes(token) {
			l.wants("trickle", l.unknownKey(), kinde.UnknownKey)
			l.pass(every)
			if hidden := time.Since(rotated); hidden > 10*time.Second {
				l.Fatalf("the new key is unknown %s after the rotation", hidden)
			}
		}
		if n := l.issuer.Fetches(); n != 3 {
			l.Errorf("%d fetches, want 3: the first, and one in 10 s for the trickle", n)
		}
	})
}

func TestAttackCallersShareOneFetch(t *testing.T) {
	inLab(t, "T3 a hundred callers wait for one fetch", "", func(l *lab) {
		l.issuer.Rotate()
		token := l.token()
		l.delay = time.Second
		results := make(chan error, 100)
		for range cap(results) {
			go func() { _, err := l.verifier.Verify(l.Context(), token); results <- err }()
		}
		for range cap(results) {
			if err := <-results; err != nil {
				l.Error(err)
			}
		}
		if n := l.issuer.Fetches(); n != 2 {
			l.Errorf("%d fetches, want 2", n)
		}
	})
}

func TestAttackOutagesAreNotBlamedOnTheToken(t *testing.T) {
	inLab(t, "S2 a new key while the issuer is down", "", func(l *lab) {
		known := l.token()
		l.fail(kindetest.Down)
		l.wants("new key while the issuer is down", l.unknownKey(), kinde.KeysUnavailable)
		l.wants("and in the cool-down", l.unknownKey(), kinde.KeysUnavailable)
		l.wants("known key", known, "")
		l.issuer.Rotate()
		l.fail("")
		l.pass(3 * time.Second)
		l.wants("once it is back", l.token(), "")
		l.wants("unknown key once it is back", l.unknownKey(), kinde.UnknownKey)
	})
}

func TestAttackNothingPassesBeforeKeysAreFetched(t *testing.T) {
	for _, outage := range []kindetest.Outage{
		kindetest.Down, kindetest.Empty, kindetest.Garbage, kindetest.Redirect, kindetest.Huge,
	} {
		inLab(t, "S1 the issuer fails from the start: "+string(outage), outage, func(l *lab) {
			l.wants("without keys", l.token(), kinde.KeysUnavailable)
			l.pass(2 * time.Minute)
			refreshes := l.refreshes()
			for i := 1; i < len(refreshes); i++ {
				if gap := refreshes[i].at.Sub(refreshes[i-1].at); gap < time.Second || gap > 10*time.Second {
					l.Errorf("%s between two attempts, want 1s to 10s", gap)
				}
			}
			if got := l.verifier.Status(); l.verifier.Ready() || got[0] != (kinde.KeyStatus{Issuer: tenant}) ||
				refreshes[0].Err == nil {
				l.Error("ready without keys, or without a word about it")
			}
			l.fail("")
			l.pass(10 * time.Second)
			l.wants("once it is back", l.token(), "")
			if got := l.verifier.Status()[0]; !l.verifier.Ready() || !got.Usable || got.Keys != 1 || got.Age > 10*time.Second {
				l.Errorf("got %+v", got)
			}
			l.issuer.Rotate()
			l.wants("the first load starts no cool-down", l.token(), "")
		})
	}
}

func TestAttackBrokenSetsReplaceNoKeys(t *testing.T) {
	for _, set := range []string{
		`{"keys":[]}`, `{}`, `null`, `[]`, `{"keys":null}`, `{"keys":{}}`, `{"keys":[1]}`, `{"keys":["x"]}`, `<html>`,
		`{"keys":[`, ``, "\xff",
		`{"keys":[]} x`, `{"keys":[],"keys":[]}`, `{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}`,
	} {
		inLab(t, "S16 a broken set: "+set, "", func(l *lab) {
			l.issuer.Publish(set + " ")
			l.pass(kinde.DefaultRefresh)
			l.wants("known key", l.token(), "")
			l.wants("unknown key", l.unknownKey(), kinde.KeysUnavailable)
			if last := l.refreshes()[len(l.refreshes())-1]; last.Result != kinde.RefreshError || last.Keys != 1 {
				l.Errorf("got %+v", last.Refresh)
			}
		})
	}
}

func TestAttackWithdrawnKeysStopWorking(t *testing.T) {
	inLab(t, "S14 a withdrawn key stops working within the refresh", "", func(l *lab) {
		old, oldID := l.issuer.Sign(l.issuer.UserClaims().With("exp", time.Now().Add(24*time.Hour).Unix())), l.issuer.KeyID()
		l.issuer.Rotate()
		l.issuer.Withdraw(oldID)
		l.wants("before the refresh", old, "")
		l.pass(kinde.DefaultRefresh)
		l.wants("after it", old, kinde.UnknownKey)
		l.wants("the new key", l.token(), "")
	})
}

func TestAttackReplacedKeysStopWorking(t *testing.T) {
	inLab(t, "S15 the new key under the old ID wins", "", func(l *lab) {
		old, oldID := l.token(), l.issuer.KeyID()
		l.issuer.Rotate()
		l.issuer.Withdraw(oldID)
		l.issuer.Publish(strings.ReplaceAll(l.issuer.JWKS(), l.issuer.KeyID(), oldID))
		l.pass(kinde.DefaultRefresh)
		l.wants("the old key under its ID", old, kinde.BadSignature)
		l.wants("the new key under the old ID", l.withKeyID(oldID), "")
	})
}

func TestAttackStaleKeysStopWorking(t *testing.T) {
	inLab(t, "S2 keys are used until max_stale and no longer", "", func(l *lab) {
		l.fail(kindetest.Down)
		l.pass(kinde.DefaultMaxStale - time.Second)
		l.wants("barely fresh", l.token(), "")
		l.pass(2 * time.Second)
		l.wants("stale", l.token(), kinde.KeysUnavailable)
		if got := l.verifier.Status()[0]; l.verifier.Ready() || got.Usable || got.Keys != 1 ||
			got.Age <= kinde.DefaultMaxStale {
			l.Errorf("ready with stale keys: %+v", got)
		}
		l.fail("")
		l.pass(15 * time.Second)
		l.wants("once it is back", l.token(), "")
	})
}

func TestAttackUnchangedSetsStayFresh(t *testing.T) {
	inLab(t, "S17 a set that has not changed counts as fetched", "", func(l *lab) {
		l.pass(3 * kinde.DefaultMaxStale)
		l.wants("after days", l.token(), "")
		for _, r := range l.refreshes()[1:] {
			if r.Result != kinde.RefreshNotModified || r.Keys != 1 || r.Err != nil {
				l.Fatalf("got %+v", r.Refresh)
			}
		}
		if n := len(l.refreshes()); n < 3*96 || n > 3*110 {
			l.Errorf("%d refreshes in three days, want one every 13.5 to 15 minutes", n)
		}
	})
}

func TestAttackShortDeadlinesCancelNoFetch(t *testing.T) {
	inLab(t, "S18 a caller is answered in time, and the fetch goes on", "", func(l *lab) {
		l.issuer.Rotate()
		token := l.token()
		l.delay = 2 * time.Second
		start := time.Now()
		ctx, cancel := context.WithTimeout(l.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := l.verifier.Verify(ctx, token)
		if took := time.Since(start); reasonOf(err) != kinde.KeysUnavailable || took != 375*time.Millisecond {
			l.Errorf("got %v after %s, want keys_unavailable after 375ms", err, took)
		}
		canceled, cancelNow := context.WithCancel(l.Context())
		cancelNow()
		if _, err := l.verifier.Verify(canceled, token); reasonOf(err) != kinde.KeysUnavailable {
			l.Errorf("cancelled: %v", err)
		}
		l.pass(2 * time.Second)
		l.wants("the fetch went on", token, "")
		if n := l.issuer.Fetches(); n != 2 {
			l.Errorf("%d fetches, want 2", n)
		}
	})
}

func TestAttackHangingFetchesAreGivenUp(t *testing.T) {
	inLab(t, "S3 a fetch is given up after the timeout", "", func(l *lab) {
		l.fail(kindetest.Hang)
		start := time.Now()
		l.wants("new key", l.unknownKey(), kinde.KeysUnavailable)
		if took := time.Since(start); took != kinde.DefaultTimeout {
			l.Errorf("it took %s", took)
		}
		l.wants("known key", l.token(), "")
	})
}

func TestNobodyWaitsForAVerifierThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lab{T: t, issuer: kindetest.New(tenant)}
		v, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant}}, Transport: l})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go v.Run(ctx)
		synctest.Wait()
		l.verifier, l.delay = v, time.Second
		waiting := make(chan error)
		go func() { _, err := v.Verify(t.Context(), l.unknownKey()); waiting <- err }()
		synctest.Wait()
		cancel()
		if err := <-waiting; reasonOf(err) != kinde.KeysUnavailable {
			t.Errorf("the one who waited: %v", err)
		}
		synctest.Wait()
		l.wants("the next", l.unknownKey(), kinde.KeysUnavailable)
		l.wants("a known key", l.token(), "")
	})
}

func TestAttackFailingRefreshesLeakNothing(t *testing.T) {
	inLab(t, "S4 ten thousand failures leave nothing behind", "", func(l *lab) { // the bubble fails when a goroutine stays
		l.fail(kindetest.Down)
		for len(l.refreshes()) < 10000 {
			l.pass(time.Hour)
		}
	})
}

func TestErrorsSayTheirReason(t *testing.T) {
	err := error(&kinde.Error{Reason: kinde.TokenExpired, Detail: "exp has passed"})
	for name, test := range map[string]struct {
		target error
		want   bool
	}{
		"same reason":   {&kinde.Error{Reason: kinde.TokenExpired}, true},
		"same detail":   {&kinde.Error{Reason: kinde.TokenExpired, Detail: "exp has passed"}, true},
		"other reason":  {&kinde.Error{Reason: kinde.WrongIssuer}, false},
		"other detail":  {&kinde.Error{Reason: kinde.TokenExpired, Detail: "x"}, false},
		"another error": {context.Canceled, false},
	} {
		if errors.Is(err, test.target) != test.want {
			t.Errorf("%s: want %t", name, test.want)
		}
	}
	if got := err.Error(); got != "token_expired: exp has passed" {
		t.Errorf("got %q", got)
	}
}

func TestWaitReady(t *testing.T) {
	inLab(t, "until the first keys are there", kindetest.Down, func(l *lab) {
		short, cancel := context.WithTimeout(l.Context(), time.Second)
		defer cancel()
		if err := l.verifier.WaitReady(short); !errors.Is(err, context.DeadlineExceeded) {
			l.Errorf("without keys: %v", err)
		}
		ready := make(chan error)
		go func() { ready <- l.verifier.WaitReady(l.Context()) }()
		l.pass(time.Second)
		l.fail("")
		if err := <-ready; err != nil || !l.verifier.Ready() {
			l.Errorf("%v, ready %t", err, l.verifier.Ready())
		}
		if err := l.verifier.WaitReady(l.Context()); err != nil {
			l.Errorf("once more: %v", err)
		}
	})
	inLab(t, "no longer where another verifier had them", "", func(l *lab) {
		config := l.config()
		config.Refresh = time.Minute
		next, err := l.verifier.Reconfigured(config)
		if err != nil {
			l.Fatal(err)
		}
		if err := next.WaitReady(l.Context()); err != nil {
			l.Error(err)
		}
	})
}
