package kinde_test

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// judged is a verdict that somebody remembers, with the token it is on.
type judged struct {
	token string
	kinde.Verdict
}

func (l *lab) judge(token string) judged {
	return judged{token, l.verifier.Judge(l.Context(), token)}
}

// holds checks whether a verdict of before holds.
func (l *lab) holds(what string, v judged, want bool) {
	l.Helper()
	if got := v.Holds(); got != want {
		l.Errorf("%s: the verdict holds: %t, want %t", what, got, want)
	}
}

// lasting is a token with these times, counted from now.
func (l *lab) lasting(issued, expires time.Duration) string {
	now := time.Now()
	return l.issuer.Sign(l.issuer.UserClaims().With("iat", now.Add(issued).Unix()).With("exp", now.Add(expires).Unix()))
}

func TestVerdictsHoldWhileTheTokenDoes(t *testing.T) {
	inLab(t, "until it expires", "", func(l *lab) {
		v := l.judge(l.lasting(0, time.Hour))
		l.holds("fresh", v, true)
		l.pass(time.Hour - time.Microsecond)
		l.holds("in the last microsecond", v, true)
		l.pass(time.Microsecond)
		l.holds("expired", v, false)
		expired := l.judge(v.token)
		l.holds("that it expired", expired, true)
		l.pass(24 * 365 * time.Hour / 2)
		l.holds("a long time later, without keys that fresh", expired, true)
	})
	inLab(t, "not before it begins", "", func(l *lab) {
		l.holds("too early", l.judge(l.lasting(time.Minute, time.Hour)), false)
	})
	inLab(t, "a signature that nobody made", "", func(l *lab) {
		broken := l.token()
		l.holds("bad signature", l.judge(broken[:len(broken)-8]+"AAAAAAAA"), false)
		l.holds("unknown key", l.judge(l.unknownKey()), false)
		l.holds("no token", l.judge("x"), false)
		l.holds("zero", judged{}, false)
	})
	inLab(t, "claims that are wrong for ever", "", func(l *lab) {
		v := l.judge(l.issuer.Sign(l.issuer.UserClaims().With("org_code", 5)))
		l.pass(48 * time.Hour)
		l.holds("invalid claims", v, true)
	})
}

func TestVerdictsHoldWhileTheKeyDoes(t *testing.T) {
	inLab(t, "S14 a withdrawn key", "", func(l *lab) {
		old := l.issuer.KeyID()
		v := l.judge(l.lasting(0, 48*time.Hour))
		l.issuer.Rotate()
		l.wants("new key", l.token(), "")
		l.holds("another key came", v, true)
		l.pass(time.Hour)
		l.holds("fetched again", v, true)
		l.issuer.Withdraw(old)
		l.pass(kinde.DefaultRefresh)
		l.holds("withdrawn", v, false)
		l.wants("withdrawn", v.token, kinde.UnknownKey)
	})
	inLab(t, "S15 another key under the same ID", "", func(l *lab) {
		v := l.judge(l.lasting(0, 48*time.Hour))
		other := kindetest.New(tenant)
		l.issuer.Publish(strings.Replace(other.JWKS(), other.KeyID(), l.issuer.KeyID(), 1))
		l.pass(kinde.DefaultRefresh)
		l.holds("replaced", v, false)
		l.wants("replaced", v.token, kinde.BadSignature)
	})
	inLab(t, "S2 keys that are too old", "", func(l *lab) {
		v := l.judge(l.lasting(0, 96*time.Hour))
		l.fail("down")
		l.pass(23 * time.Hour)
		l.holds("for a day", v, true)
		l.pass(2 * time.Hour)
		l.holds("no longer", v, false)
		l.fail("")
		l.pass(time.Minute)
		l.holds("once they are back", v, true)
	})
}

func TestVerdictsHoldAtTheirTimes(t *testing.T) {
	issuer := newIssuer(t)
	var now atomic.Int64
	start := time.Now().Truncate(time.Second)
	now.Store(start.UnixNano())
	config := configFor(issuer)
	config.Now, config.Leeway = func() time.Time { return time.Unix(0, now.Load()) }, 30*time.Second
	v := running(t, config)
	token := issuer.Sign(issuer.UserClaims().With("iat", start.Unix()).
		With("nbf", start.Add(time.Minute).Unix()).With("exp", start.Add(2*time.Minute).Unix()))
	at := func(after time.Duration) { now.Store(start.Add(after).UnixNano()) }
	at(time.Minute)
	valid := v.Judge(t.Context(), token)
	at(3 * time.Minute)
	expired := v.Judge(t.Context(), token)
	if valid.Err != nil || reasonOf(expired.Err) != kinde.TokenExpired {
		t.Fatal(valid.Err, expired.Err)
	}
	for after, want := range map[time.Duration][2]bool{ // valid, expired
		0:                                  {false, false},
		30*time.Second - 1:                 {false, false},
		30 * time.Second:                   {true, false},
		150*time.Second - time.Microsecond: {true, false},
		150 * time.Second:                  {false, true},
		time.Hour:                          {false, true},
	} {
		at(after)
		if got := [2]bool{valid.Holds(), expired.Holds()}; got != want {
			t.Errorf("after %s: hold %v, want %v", after, got, want)
		}
		_, err := v.Verify(t.Context(), token)
		if want[0] && err != nil || want[1] && reasonOf(err) != kinde.TokenExpired {
			t.Errorf("after %s: %v", after, err)
		}
	}
}

// Whatever happens to clocks and keys, a verdict that holds is the one that the
// token would get.
func TestVerdictsThatHoldAreTrue(t *testing.T) {
	for seed := range uint64(3) {
		inLab(t, "", "", func(l *lab) { historyOfVerdicts(l, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func historyOfVerdicts(l *lab, random *rand.Rand) {
	var known []judged
	held, lost := 0, 0
	for range 200 {
		switch random.IntN(16) {
		case 0:
			l.issuer.Rotate()
		case 1:
			l.issuer.Withdraw(l.issuer.KeyID())
		case 2:
			l.fail([]kindetest.Outage{"", "", "down"}[random.IntN(3)])
		case 3, 4, 5, 6:
			l.pass(time.Duration(random.Int64N(int64(3 * time.Hour))))
		default:
			issued := time.Duration(random.Int64N(int64(time.Hour))) - 50*time.Minute
			expires := time.Duration(random.Int64N(int64(30*time.Hour))) - time.Hour
			known = append(known, l.judge(l.lasting(issued, expires)))
		}
		synctest.Wait()
		for _, v := range known[max(0, len(known)-20):] {
			if !v.Holds() {
				lost++
				continue
			}
			held++
			if now := l.judge(v.token); reasonOf(now.Err) != reasonOf(v.Err) {
				l.Fatalf("%v is said to hold, and it is %v", v.Err, now.Err)
			}
		}
	}
	if held == 0 || lost == 0 {
		l.Errorf("%d held and %d did not: nothing was tried", held, lost)
	}
}
