package kinde

import "time"

// maxNumericDate is the end of the year 9999.
const maxNumericDate = 253402300799

// times checks when the token may be used (RFC 7519, section 4.1) and sets
// its expiry. Fractions of exp are dropped.
func (c *claims) times(t *Token, now time.Time, leeway time.Duration) error {
	expires, ok := numericDate(c.expires)
	if !ok {
		return errExpires
	}
	issued, ok := numericDate(c.issued)
	if !ok {
		return errIssued
	}
	var notBefore time.Time // long ago, unless the token says otherwise
	if c.notBefore != "" {
		if notBefore, ok = numericDate(c.notBefore); !ok {
			return errNotBefore
		}
	}
	t.Expires = expires
	early, late := now.Add(-leeway), now.Add(leeway)
	switch {
	case !expires.After(early):
		return errExpired
	case notBefore.After(late):
		return errNotYet
	case issued.After(late):
		return errIssuedLater
	case issued.After(expires), notBefore.After(expires):
		return errOrder
	}
	return nil
}

// numericDate reads a time in seconds (RFC 7519, section 2). The range keeps
// every sum with it far from wrapping around.
func numericDate(v value) (time.Time, bool) {
	n, ok := v.number()
	if !ok || n < 0 || n > maxNumericDate {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}
