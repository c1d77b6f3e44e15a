package authz

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
)

// asserted is what is asserted of a token, and the assertion that was signed last.
type asserted struct {
	signer  *signer
	body    assertion.Body
	until   time.Time // when the token ends
	encode  Encoder   // nil for none
	unfit   bool      // the headers have no room for it
	signing sync.Mutex
	last    atomic.Pointer[signed]
}

// signed is an assertion in its header. It does not change.
type signed struct {
	keyID              string
	from, renew, until int64 // microseconds since 1970
	header             Header
	encoded            string // instead of the header, with an encoder
}

// bytes is how long the header is.
func (a *asserted) bytes() int {
	if a == nil {
		return 0
	}
	return len(headerAssertion) + a.body.Bytes()
}

// size is about how many bytes it takes in memory.
func (a *asserted) size() int {
	const rest = 384 // both structs
	if a == nil {
		return 0
	}
	return rest + len(a.body) + a.bytes()
}

// current returns the assertion to send now, nil where none is to be sent. It is
// signed anew once half of its lifetime has passed, or another key is the first; whoever asks meanwhile gets the
// one before, and waits only where there is none to get. It is not ok when there is
// no way to sign: then nothing may pass.
func (a *asserted) current() (s *signed, ok bool) {
	if a == nil {
		return nil, true
	}
	keys, now := a.signer.keys(), a.signer.now()
	if keys == nil || a.unfit {
		return nil, false
	}
	last, at := a.last.Load(), now.UnixMicro()
	usable := last.isUsable(keys, at)
	if usable && at < last.renew && last.keyID == keys.SigningID() {
		return last, true
	}
	if !usable {
		a.signing.Lock()
	} else if !a.signing.TryLock() {
		return last, true
	}
	defer a.signing.Unlock()
	if other := a.last.Load(); other != last && other.isUsable(keys, at) {
		return other, true
	}
	return a.sign(keys, now)
}

// isUsable reports whether an upstream that looks at the clock and at the public keys
// takes the assertion. One from the future is of a clock that was set back.
func (s *signed) isUsable(keys *assertion.Keys, at int64) bool {
	return s != nil && s.from <= at && at < s.until && (s.keyID == keys.SigningID() || keys.Publishes(s.keyID))
}

// sign makes the next assertion. One that ends with its token is not renewed: the next
// would end at the same time.
func (a *asserted) sign(keys *assertion.Keys, now time.Time) (*signed, bool) {
	issued := now.Truncate(time.Second)
	expires, last := issued.Add(a.signer.lifetime), false
	if end := a.until.Truncate(time.Second); !end.After(expires) {
		expires, last = end, true
	}
	text, err := keys.Sign(a.body, issued, expires)
	if err != nil {
		return nil, false
	}
	s := &signed{
		keyID: keys.SigningID(), from: issued.UnixMicro(), until: expires.UnixMicro(), header: Header{headerAssertion, text},
	}
	s.renew = s.until
	if !last {
		s.renew = s.from + (s.until-s.from)/2
	}
	if a.encode != nil {
		s.encoded, s.header = a.encode([]Header{s.header}, nil), Header{}
	}
	a.last.Store(s)
	return s, true
}
