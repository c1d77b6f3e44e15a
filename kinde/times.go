package kinde

import (
	"time"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// maxNumericDate is the end of the year 9999.
const maxNumericDate = 253402300799

// times are when a token may be used (RFC 7519, section 4.1). Fractions of a
// second are dropped.
type times struct {
	expires, issued time.Time
	notBefore       time.Time // long ago, unless the token says otherwise
}

// times reads when the token may be used.
func (c *claims) times() (t times, err error) {
	var ok bool
	if t.expires, ok = numericDate(c.expires); !ok {
		return t, errExpires
	}
	if t.issued, ok = numericDate(c.issued); !ok {
		return t, errIssued
	}
	if c.notBefore != "" {
		if t.notBefore, ok = numericDate(c.notBefore); !ok {
			return t, errNotBefore
		}
	}
	return t, nil
}

// check reports why the token may not be used now.
func (t times) check(now time.Time, leeway time.Duration) error {
	early, late := now.Add(-leeway), now.Add(leeway)
	switch {
	case !t.expires.After(early):
		return errExpired
	case t.notBefore.After(late):
		return errNotYet
	case t.issued.After(late):
		return errIssuedLater
	case t.issued.After(t.expires), t.notBefore.After(t.expires):
		return errOrder
	default:
		return nil
	}
}

// numericDate reads a time in seconds (RFC 7519, section 2). The range keeps
// every sum with it far from wrapping around.
func numericDate(v strictjson.Value) (time.Time, bool) {
	n, ok := v.Number()
	if !ok || n < 0 || n > maxNumericDate {
		return time.Time{}, false
	}
	return time.Unix(int64(n), 0), true
}
