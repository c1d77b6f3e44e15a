package extauthz

import "sync/atomic"

// DefaultRoom is what all calls that are being read, or decided on, may take together,
// in bytes, until [Server.Limit] says otherwise.
const DefaultRoom = 512 << 20

// callBytes is what a call takes at least: its stack, its stream and its headers.
const callBytes = 32 << 10

// noRoomDetail is why a call is refused unread.
const noRoomDetail = "too many calls are in flight: their messages could take more memory than is allowed"

// room counts bytes that are in use. It never waits.
type room struct{ used, limit atomic.Int64 }

// take reports whether there was room for so many bytes, and takes it.
func (r *room) take(bytes int64) bool {
	if r.used.Add(bytes) <= r.limit.Load() {
		return true
	}
	r.used.Add(-bytes)
	return false
}

// give returns bytes that were taken.
func (r *room) give(bytes int64) { r.used.Add(-bytes) }
