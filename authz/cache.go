package authz

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
)

// Limits of a cache of tokens.
const (
	// entryBytes is what an entry may take on average. One that takes more
	// counts for several.
	entryBytes = 1 << 10

	// maxRefused is how many refused tokens are remembered.
	maxRefused = 1 << 12
)

// CacheCounters counts what became of looking for tokens among those remembered. An
// authorizer that takes the place of another can go on with its counters.
type CacheCounters struct {
	// Hits are tokens that were found, Misses those that had to be verified.
	Hits, Misses atomic.Uint64
}

// digest is what a token is remembered by: not the token, which would be a
// secret to keep, and two tokens cannot be made to share one.
type digest [sha256.Size]byte

// tokenCache remembers verified tokens of one configuration. Only tokens that an
// issuer has signed get in, so a flood of forged ones changes nothing in it;
// what is in it counts for as long as it holds.
type tokenCache struct {
	accepted *otter.Cache[digest, *identity]
	// refused are those that an issuer signed and that do not pass: expired
	// ones, those for another API. Clients send them again and again.
	refused  *otter.Cache[digest, *identity]
	counters *CacheCounters
}

// newTokenCache returns a cache for so many tokens, nil for none.
func newTokenCache(entries int, counters *CacheCounters) (*tokenCache, error) {
	if entries == 0 {
		return nil, nil //nolint:nilnil // no cache
	}
	if entries < 0 {
		return nil, fmt.Errorf("%d cached tokens: want 0 or more", entries)
	}
	if counters == nil {
		counters = &CacheCounters{}
	}
	c := &tokenCache{counters: counters}
	var err error
	c.accepted, err = otter.New(&otter.Options[digest, *identity]{
		MaximumWeight: uint64(entries) * entryBytes,
		Weigher:       func(_ digest, id *identity) uint32 { return uint32(max(id.size(), entryBytes)) }, //nolint:gosec // headers are bounded
	})
	if err != nil {
		return nil, err
	}
	c.refused, err = otter.New(&otter.Options[digest, *identity]{MaximumSize: min(entries, maxRefused)})
	return c, err
}

// get returns what is known of a token, nil when nothing is. What holds no more
// is forgotten.
func (c *tokenCache) get(token digest) *identity {
	if c == nil {
		return nil
	}
	for _, tokens := range [...]*otter.Cache[digest, *identity]{c.accepted, c.refused} {
		id, known := tokens.GetIfPresent(token)
		switch {
		case !known:
		case id.validity.Holds():
			c.counters.Hits.Add(1)
			return id
		default:
			tokens.Invalidate(token)
		}
	}
	c.counters.Misses.Add(1)
	return nil
}

// put remembers what is known of a token, unless it does not hold for any time.
func (c *tokenCache) put(token digest, id *identity) {
	switch {
	case c == nil || !id.validity.Holds():
	case id.headers.exists():
		c.accepted.Set(token, id)
	default:
		c.refused.Set(token, id)
	}
}

// size returns how many accepted tokens are remembered, about.
func (c *tokenCache) size() int {
	if c == nil {
		return 0
	}
	return c.accepted.EstimatedSize()
}
