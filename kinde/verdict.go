package kinde

import "time"

// Verdict is what was found about one token, and for how long it holds.
type Verdict struct {
	// Token is the verified token, nil when it was refused. A token that is
	// refused for [EmptyAudience], [WrongAudience] or [UnknownActor] is there
	// all the same, for the log: its signature, claims, times and kind were
	// verified. Never let it pass: look at Err first.
	Token *Token
	// Err is why the token was refused, always an [*Error]; nil when it is
	// good.
	Err error
	// AnyAudience tells that the token's issuer is configured without an
	// audience, so that nothing was compared with aud.
	AnyAudience bool
	// Validity is how long the verdict holds.
	Validity
}

// Validity is how long a verdict holds: while the key that signed the token is
// one of its issuer's, and until time changes what is to be said about it. The
// zero value, that of every verdict on a token whose signature was not
// verified, never holds.
type Validity struct {
	keys        *keyStore
	key         *key
	from, until int64 // from the first to before the last, in microseconds since 1970
}

// forever is later than any time a token can name.
const forever = maxNumericDate * int64(2*time.Second/time.Microsecond)

// Holds reports whether the same token would get the same verdict now. It does
// no I/O and takes no lock.
func (v Validity) Holds() bool {
	if v.keys == nil {
		return false
	}
	now := v.keys.now()
	if at := now.UnixMicro(); at < v.from || at >= v.until {
		return false
	}
	set := v.keys.current.Load()
	return v.keys.usable(set, now) == nil && set.keys[v.key.id] == v.key
}

// Until returns when time changes what is to be said about the token: for one that
// passes its exp plus leeway. It is zero for a verdict that never holds.
func (v Validity) Until() time.Time {
	if v.keys == nil {
		return time.Time{}
	}
	return time.UnixMicro(v.until)
}

// signedBy is a verdict on claims that a key of an issuer has signed. Nothing
// is known yet of when it holds.
func signedBy(keys *keyStore, key *key) Validity { return Validity{keys: keys, key: key} }

// always makes a verdict hold at any time.
func (v Validity) always() Validity {
	v.from, v.until = 0, forever
	return v
}

// within makes a verdict hold for as long as a token with these times is
// valid. Leeway is added to the last instant and taken from the first; parts of
// a microsecond are given away.
func (v Validity) within(t times, leeway time.Duration) Validity {
	v.from = latest(t.notBefore, t.issued).Add(-leeway + time.Microsecond - 1).UnixMicro()
	v.until = t.expires.Add(leeway).UnixMicro()
	return v
}

// after makes a verdict hold once a token with these times has expired.
func (v Validity) after(t times, leeway time.Duration) Validity {
	v.from, v.until = t.expires.Add(leeway+time.Microsecond-1).UnixMicro(), forever
	return v
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
