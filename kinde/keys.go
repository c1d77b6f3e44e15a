package kinde

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// coolDown is how long further unknown key IDs cause no refetch after one
	// did: what a flood costs the issuer, and the longest that a flood can
	// hide a new key.
	coolDown = 10 * time.Second

	// maxWaiting is how many may wait for a fetch of one issuer's keys. They have not
	// shown a signature yet, and each takes memory of its caller: those beyond are
	// answered at once.
	maxWaiting = 256

	minRetry = time.Second
	maxRetry = 10 * time.Second
)

var (
	errNoKeys      = &Error{KeysUnavailable, "the issuer's keys have not been fetched yet"}
	errStaleKeys   = &Error{KeysUnavailable, "the issuer's keys were last fetched too long ago"}
	errFetchFailed = &Error{KeysUnavailable, "the token names a new key, and fetching the issuer's keys failed"}
	errFetchLate   = &Error{KeysUnavailable, "the token names a new key, and the issuer has not answered yet"}
	errUnknownKey  = &Error{UnknownKey, "the issuer publishes no key with that ID"}
)

// keySet is what is known of an issuer's keys at one moment. It never changes.
type keySet struct {
	keys    map[string]*key
	fetched time.Time // the last successful fetch, zero before the first
	failed  bool      // whether a later fetch failed
}

// keyStore keeps the keys of one issuer. One goroutine, run, fetches while the
// store is in use; find reads the latest set without a lock and asks run for a
// refetch when a key is missing.
type keyStore struct {
	origin
	source  source
	now     func() time.Time
	observe func(Refresh)

	current atomic.Pointer[keySet]
	demand  chan struct{}
	loaded  chan struct{} // closed once there are keys
	load    sync.Once
	waiting atomic.Int32 // callers of find that wait for a fetch

	mu       sync.Mutex
	fetching chan struct{} // closed when the fetch under way ends; nil when none is
	demanded time.Time     // the last refetch for an unknown key ID
	running  bool

	using sync.Mutex // held while run starts or stops
	users int        // verifiers that keep run going
	stop  func()     // ends run and waits for it
	seed  *keyStore  // whose keys this one begins with, until it is started
}

// origin is where the keys come from and how they are kept.
type origin struct {
	domain, file               string
	refresh, maxStale, timeout time.Duration
}

// after returns the store that takes the place of an older one of the same issuer:
// the older one itself where nothing about it changed, so that whoever waits for a
// key still gets it, else this one, which begins with the keys of the older one.
func (s *keyStore) after(old *keyStore) *keyStore {
	if s.origin == old.origin {
		return old
	}
	s.seed = old
	s.use(old.current.Load())
	return s
}

// use makes a set the latest one.
func (s *keyStore) use(set *keySet) {
	s.current.Store(set)
	if set != nil && len(set.keys) > 0 {
		s.load.Do(func() { close(s.loaded) })
	}
}

// start makes run go, or keeps it going for one user more.
func (s *keyStore) start() {
	s.using.Lock()
	defer s.using.Unlock()
	if s.users++; s.users > 1 {
		return
	}
	if s.seed != nil { // it may have learned since that a key is withdrawn
		s.use(s.seed.current.Load())
		s.seed = nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	s.setRunning(true)
	go func() { defer close(ended); s.run(ctx) }()
	s.stop = func() { cancel(); <-ended; s.setRunning(false) }
}

// release undoes one start.
func (s *keyStore) release() {
	s.using.Lock()
	defer s.using.Unlock()
	if s.users--; s.users == 0 {
		s.stop()
	}
}

// find returns the key of that ID. For an unknown one it waits for a fetch that
// began now or is under way, but leaves the caller time to answer before ctx's
// deadline. So it does for the very first fetch: a replica that has just begun is asked
// before it has the keys where nobody has noticed that it was away.
func (s *keyStore) find(ctx context.Context, id string) (*key, error) {
	var late <-chan time.Time
	for {
		set, missed := s.current.Load(), errFetchLate
		done := (<-chan struct{})(nil)
		if set == nil {
			done, missed = s.underWay(), errNoKeys
		}
		if done == nil {
			if err := s.usable(set, s.now()); err != nil {
				return nil, err
			}
			if key := set.keys[id]; key != nil {
				return key, nil
			}
			if done = s.refetch(); done == nil {
				return s.verdict(id)
			}
		}
		if deadline, ok := ctx.Deadline(); ok && late == nil {
			late = time.After(time.Until(deadline) * 3 / 4)
		}
		if !s.await(ctx, done, late) {
			return nil, missed
		}
	}
}

// await waits for a fetch to end, and reports whether it did in time.
func (s *keyStore) await(ctx context.Context, done <-chan struct{}, late <-chan time.Time) bool {
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > maxWaiting {
		return false
	}
	select {
	case <-done:
		return true
	case <-late:
	case <-ctx.Done():
	}
	return false
}

// verdict is the answer on a key that is missing while no fetch is due.
func (s *keyStore) verdict(id string) (*key, error) {
	set := s.current.Load() // a fetch may have ended since the caller looked
	if key := set.keys[id]; key != nil {
		return key, nil
	}
	if set.failed || !s.isRunning() {
		return nil, errFetchFailed
	}
	return nil, errUnknownKey
}

// usable reports why no key of the set may be used now.
func (s *keyStore) usable(set *keySet, now time.Time) error {
	if set == nil || len(set.keys) == 0 {
		return errNoKeys
	}
	if now.Sub(set.fetched) > s.maxStale {
		return errStaleKeys
	}
	return nil
}

// refetch joins the fetch under way or starts one. It returns nil when none is
// to be waited for: one for an unknown key ID was made a short while ago.
func (s *keyStore) refetch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil
	}
	if s.fetching != nil {
		return s.fetching
	}
	if now := s.now(); s.demanded.IsZero() || now.Sub(s.demanded) >= coolDown {
		s.demanded = now
		s.fetching = make(chan struct{})
		s.demand <- struct{}{} // holds one, and only the maker of s.fetching sends
		return s.fetching
	}
	return nil
}

// run fetches the keys now, every refresh, soon after a failure, and on
// demand, until ctx ends.
func (s *keyStore) run(ctx context.Context) {
	retry := minRetry
	for {
		s.begin()
		err := s.fetch(ctx)
		s.end()
		pause := jittered(s.refresh)
		if err != nil {
			pause = min(jittered(retry+retry/4), s.refresh)
			retry = min(2*retry, maxRetry*8/10)
		} else {
			retry = minRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-s.demand:
			timer.Stop()
		}
	}
}

// jittered returns d less up to a tenth, so that replicas do not ask in step
// and a withdrawn key is still gone within d.
func jittered(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

func (s *keyStore) setRunning(running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = running
	if running && s.fetching == nil { // which run is about to begin with
		s.fetching = make(chan struct{})
	}
	if !running && s.fetching != nil { // demanded, and nobody left to fetch
		close(s.fetching)
		s.fetching = nil
	}
}

func (s *keyStore) isRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// underWay is closed when the fetch under way ends; it is nil when there is none.
func (s *keyStore) underWay() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetching
}

// begin marks a fetch as under way, unless a demand already did, and takes
// that demand as met.
func (s *keyStore) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetching == nil {
		s.fetching = make(chan struct{})
	}
	select {
	case <-s.demand:
	default:
	}
}

// end wakes those who wait for the fetch.
func (s *keyStore) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.fetching)
	s.fetching = nil
}

// keeping returns the keys that were fetched, with those that were there before,
// and are the same still, in their place.
func keeping(before, fetched map[string]*key) map[string]*key {
	for id, old := range before {
		if now := fetched[id]; now != nil && now.public.Equal(old.public) {
			fetched[id] = old
		}
	}
	return fetched
}

// fetch gets the set once. A fetch that fails, or a set without a usable key,
// leaves the keys as they are.
func (s *keyStore) fetch(ctx context.Context) error {
	start, set := s.now(), keySet{}
	if known := s.current.Load(); known != nil {
		set = *known
	}
	var refused []error
	body, err := s.source.fetch(ctx)
	result := RefreshOK
	switch {
	case errors.Is(err, errNotModified):
		result, err = RefreshNotModified, nil
	case err == nil:
		var keys map[string]*key
		if keys, refused, err = parseSet(body); err == nil {
			set.keys = keeping(set.keys, keys)
			break
		}
		switch source := s.source.(type) {
		case *httpSource:
			source.forget()
		case fileSource:
			err = fmt.Errorf("jwks_file: %s: %w", source.path, err)
		}
	}
	if err == nil {
		set.fetched = s.now()
	} else {
		result = RefreshError
	}
	set.failed = err != nil
	s.use(&set)
	s.observe(Refresh{
		Issuer: s.domain, Start: start, Took: s.now().Sub(start),
		Result: result, Keys: len(set.keys), Refused: refused, Err: err,
	})
	return err
}
