package extauthz

import "unsafe"

// textOf returns the text that the bytes are, without a copy. It is good for as
// long as they do not change. Those of a message are used again once its call is
// released: what outlives a call must not keep a text of them.
func textOf(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // as above
}
