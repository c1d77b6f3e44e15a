package kinde_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// beginning is a verifier of the lab's issuer that has only just begun to fetch.
func (l *lab) beginning() *kinde.Verifier {
	l.Helper()
	v, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant}}, Transport: l})
	if err != nil {
		l.Fatal(err)
	}
	stop := v.Start()
	l.Cleanup(stop)
	return v
}

// A replica that was restarted is asked before it has keys.
func TestTokensWaitForTheFirstFetch(t *testing.T) {
	inLab(t, "it succeeds", "", func(l *lab) {
		l.delay = 100 * time.Millisecond // twice, with the discovery
		v, start := l.beginning(), time.Now()
		ctx, cancel := context.WithTimeout(l.Context(), 800*time.Millisecond)
		defer cancel()
		_, err := v.Verify(ctx, l.token())
		if took := time.Since(start); err != nil || took != 2*l.delay {
			l.Errorf("got %v after %s, want a valid token after %s", err, took, 2*l.delay)
		}
		if n := l.issuer.Fetches(); n != 2 { // the lab's own is the other one
			l.Errorf("%d fetches, want 2", n)
		}
		l.issuer.Rotate()
		if _, err := v.Verify(ctx, l.token()); err != nil {
			l.Errorf("a key that is new then: %v: the first fetch held back the next", err)
		}
	})
	inLab(t, "S3 it hangs", "", func(l *lab) {
		l.fail(kindetest.Hang)
		v, start := l.beginning(), time.Now()
		ctx, cancel := context.WithTimeout(l.Context(), 800*time.Millisecond)
		defer cancel()
		_, err := v.Verify(ctx, l.token())
		if took := time.Since(start); reasonOf(err) != kinde.KeysUnavailable || took != 600*time.Millisecond {
			l.Errorf("got %v after %s, want keys_unavailable after 600ms", err, took)
		}
		l.pass(kinde.DefaultTimeout * 2)
		start = time.Now()
		if _, err := v.Verify(l.Context(), l.token()); reasonOf(err) != kinde.KeysUnavailable || time.Since(start) != 0 {
			l.Errorf("once it has failed: got %v after %s, want keys_unavailable at once", err, time.Since(start))
		}
	})
	inLab(t, "S3 so many wait that the others are answered at once", "", func(l *lab) {
		const most = 256
		l.fail(kindetest.Hang)
		v := l.beginning()
		judged := make(chan error, most)
		for range most {
			go func() { _, err := v.Verify(l.Context(), l.token()); judged <- err }()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := v.Verify(l.Context(), l.token()); reasonOf(err) != kinde.KeysUnavailable || time.Since(start) != 0 {
			l.Errorf("one more: got %v after %s, want keys_unavailable at once", err, time.Since(start))
		}
		for range most {
			if err := <-judged; reasonOf(err) != kinde.KeysUnavailable {
				l.Errorf("one that waited: got %v, want keys_unavailable", err)
			}
		}
		if took := time.Since(start); took == 0 {
			l.Error("nobody waited")
		}
	})
	inLab(t, "it is given up", "", func(l *lab) {
		l.fail(kindetest.Hang)
		v, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{Domain: tenant}}, Transport: l})
		if err != nil {
			l.Fatal(err)
		}
		stop, judged := v.Start(), make(chan error)
		go func() { _, err := v.Verify(l.Context(), l.token()); judged <- err }()
		synctest.Wait()
		stop()
		if err := <-judged; reasonOf(err) != kinde.KeysUnavailable {
			l.Errorf("got %v, want keys_unavailable", err)
		}
	})
}
