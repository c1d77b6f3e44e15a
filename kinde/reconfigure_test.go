package kinde_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// config is what the lab's verifier was made of.
func (l *lab) config() kinde.Config {
	return kinde.Config{
		Issuers: []kinde.Issuer{{Domain: tenant}}, Transport: l,
		Observer: kinde.Observer{Refreshed: l.refreshed},
	}
}

// reconfigure changes over to another configuration.
func (l *lab) reconfigure(stop func(), config kinde.Config) (stopNext func()) {
	l.Helper()
	next, err := l.verifier.Reconfigured(config)
	if err != nil {
		l.Fatal(err)
	}
	stopNext = next.Start()
	l.verifier = next
	stop()
	synctest.Wait()
	return stopNext
}

func TestReconfiguredKeepsTheKeys(t *testing.T) {
	inLab(t, "an unchanged issuer is not asked again", "", func(l *lab) {
		stop := l.verifier.Start()
		fetches := len(l.refreshes())
		for range 100 {
			config := l.config()
			config.Leeway = time.Minute
			stop = l.reconfigure(stop, config)
			l.wants("known key", l.token(), "")
		}
		if got := len(l.refreshes()); got != fetches {
			t.Errorf("%d fetches, want %d", got, fetches)
		}
		l.wants("new key", l.withNewKey(), "")
		stop()
	})
	inLab(t, "a key that the old one learns is withdrawn does not come back", "", func(l *lab) {
		token, withdrawn := l.token(), l.issuer.KeyID()
		stop := l.verifier.Start()
		config := l.config()
		config.Refresh = time.Minute
		next, err := l.verifier.Reconfigured(config)
		if err != nil {
			l.Fatal(err)
		}
		l.pass(time.Second)
		l.issuer.Rotate()
		l.issuer.Withdraw(withdrawn)
		l.wants("new key", l.token(), "") // makes the old one fetch
		l.wants("withdrawn", token, kinde.UnknownKey)
		l.fail("down")
		stopNext := next.Start()
		stop()
		synctest.Wait()
		l.verifier = next
		l.wants("withdrawn, after the change", token, kinde.KeysUnavailable)
		l.wants("new key, after the change", l.token(), "")
		stopNext()
	})
	inLab(t, "a changed issuer has its keys at once", "", func(l *lab) {
		config := l.config()
		config.Refresh = time.Minute
		l.delay = time.Second
		stop := l.reconfigure(func() {}, config)
		l.wants("known key, fetch under way", l.token(), "")
		l.pass(10 * time.Minute)
		if got := len(l.refreshes()); got < 10 {
			t.Errorf("%d fetches in ten minutes at one a minute", got)
		}
		stop()
	})
	inLab(t, "the shortened life of keys holds at once", "", func(l *lab) {
		l.fail("down")
		l.pass(10 * time.Minute)
		config := l.config()
		config.Refresh, config.MaxStale = time.Minute, 5*time.Minute
		stop := l.reconfigure(func() {}, config)
		l.wants("known key", l.token(), kinde.KeysUnavailable)
		stop()
	})
	inLab(t, "a removed issuer is an issuer no more", "", func(l *lab) {
		config := l.config()
		config.Issuers = []kinde.Issuer{{Domain: "https://other.kinde.com"}}
		stop := l.reconfigure(func() {}, config)
		l.wants("its token", l.token(), kinde.WrongIssuer)
		stop()
	})
	inLab(t, "one who waits for a new key gets it", "", func(l *lab) {
		stop := l.verifier.Start()
		l.delay = time.Second
		token, waiting, old := l.withNewKey(), make(chan error), l.verifier
		go func() { _, err := old.Verify(l.Context(), token); waiting <- err }()
		synctest.Wait()
		stop = l.reconfigure(stop, l.config())
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		stop()
	})
}

func TestReconfiguredRefusesWhatNewRefuses(t *testing.T) {
	inLab(t, "no issuer", "", func(l *lab) {
		if _, err := l.verifier.Reconfigured(kinde.Config{}); err == nil {
			t.Error("accepted")
		}
		l.wants("known key", l.token(), "")
	})
}

func TestVerifierCanBeStartedAgain(t *testing.T) {
	inLab(t, "stopped twice, started again", "", func(l *lab) {
		v, err := kinde.NewVerifier(l.config())
		if err != nil {
			t.Fatal(err)
		}
		stop := v.Start()
		stop()
		stop()
		l.verifier = v
		stop = v.Start()
		synctest.Wait()
		l.wants("known key", l.token(), "")
		l.wants("new key", l.withNewKey(), "")
		stop()
	})
}

// withNewKey rotates and returns a token of the new key.
func (l *lab) withNewKey() string {
	l.issuer.Rotate()
	return l.token()
}
