package extauthz

import "sync/atomic"

// maxRoom is what all messages that are being read, or decided on, may take
// together, in bytes.
const maxRoom = 512 << 20

// noRoomDetail is why a call is refused unread.
const noRoomDetail = "too many calls are in flight: their messages could take more than 512 MiB"

// room counts bytes that are in use. It never waits.
type room struct{ used atomic.Int64 }

// take reports whether there was room for so many bytes, and takes it.
func (r *room) take(bytes int64) bool {
	if r.used.Add(bytes) <= maxRoom {
		return true
	}
	r.used.Add(-bytes)
	return false
}

// give returns bytes that were taken.
func (r *room) give(bytes int64) { r.used.Add(-bytes) }
