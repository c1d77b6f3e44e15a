//go:build deploy

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// rate is that of the load, in requests per second.
const rate = 300

// load is requests at a steady rate.
type load struct {
	sent    int
	answers map[string]int // how many of them, by status or error
	took    time.Duration
	stopped context.CancelFunc
	done    chan struct{}
}

// startLoad sends requests until stop is called, whatever becomes of those before. Without
// keep-alive each has a connection of its own.
func startLoad(t *testing.T, url, token string, keepAlive bool) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{answers: map[string]int{}, stopped: cancel, done: make(chan struct{})}
	transport := &http.Transport{DisableKeepAlives: !keepAlive, MaxIdleConnsPerHost: rate}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	go func() {
		defer close(l.done)
		defer transport.CloseIdleConnections()
		var mu sync.Mutex
		var requests sync.WaitGroup
		defer requests.Wait()
		start := time.Now()
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			l.took = time.Since(start)
			for due := int(l.took.Seconds() * rate); l.sent < due; l.sent++ {
				requests.Go(func() {
					answer := answerTo(client, url, token)
					mu.Lock()
					defer mu.Unlock()
					l.answers[answer]++
				})
			}
		}
	}()
	t.Cleanup(func() { l.stop() })
	return l
}

// answerTo returns the status or the error of one request.
func answerTo(client *http.Client, url, token string) string {
	request, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		return err.Error()
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	if response.StatusCode == http.StatusServiceUnavailable {
		return fmt.Sprintf("503 %q", body) // Envoy's own tells why
	}
	return fmt.Sprint(response.StatusCode)
}

// stop ends it and waits for what is in flight.
func (l *load) stop() {
	l.stopped()
	<-l.done
}

// wantAll ends it, and wants every request to have passed.
func (l *load) wantAll(t *testing.T, what string) {
	t.Helper()
	l.stop()
	t.Logf("%s: %d requests in %s, %.0f a second: %v", what, l.sent, l.took.Round(time.Second),
		float64(l.sent)/l.took.Seconds(), l.answers)
	if l.answers["200"] != l.sent || l.sent == 0 {
		t.Errorf("%d of %d passed", l.answers["200"], l.sent)
	}
}
