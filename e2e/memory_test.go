package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// maxMemory is what docs/security.md says that the process takes at most, whoever
// sends it messages: 512 MiB of these, and what it takes besides.
const maxMemory = 768 << 20

// Attack T6: thousands of messages that are begun and never end take no more memory
// than that.
func TestAttackUnfinishedMessagesTakeBoundedMemory(t *testing.T) {
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	address, p := alone(t, programs.Authz, "--insecure-http", "--domain", issuer.Issuer.URL)
	token := issuer.Token(issuer.UserClaims())
	eventually(t, "the keys are there", func() bool { return reasonFrom(t, address, token) == "allowed" })
	const connections, calls = 8, 1000
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	stuck := make(chan struct{}, connections*calls) // a call that is refused, or has sent all it can
	for range connections {
		client := http2Client()
		t.Cleanup(client.CloseIdleConnections)
		for range calls {
			const check = "/envoy.service.auth.v3.Authorization/Check"
			all.Go(func() { beginCall(ctx, client, "http://"+address+check, stuck) })
		}
	}
	for range connections * calls {
		<-stuck
	}
	peak := e2etest.PeakMemory(t, p)
	t.Logf("%d MiB at most, with %d messages begun", peak>>20, connections*calls)
	if peak > maxMemory {
		t.Errorf("%d MiB, want at most %d", peak>>20, maxMemory>>20)
	}
	cancel()
	all.Wait()
	eventually(t, "good requests pass again", func() bool { return reasonFrom(t, address, token) == "allowed" })
}

// http2Client is a client with one connection, without TLS.
func http2Client() *http.Client {
	transport := &http.Transport{Protocols: &http.Protocols{}, MaxConnsPerHost: 1}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: transport}
}

// beginCall sends all of a message of 256 KiB but for its last byte, and waits.
func beginCall(ctx context.Context, client *http.Client, url string, stuck chan<- struct{}) {
	told := sync.OnceFunc(func() { stuck <- struct{}{} })
	defer told()
	const length = 256 << 10
	start := binary.BigEndian.AppendUint32([]byte{0}, length)
	body := io.MultiReader(bytes.NewReader(start), bytes.NewReader(make([]byte, length-1)), waiting{ctx, told})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		panic(err) // the address is one
	}
	request.Header.Set("Content-Type", "application/grpc")
	response, err := client.Do(request)
	if err != nil {
		return // it was cut off
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // it was refused
}

// waiting is a body that goes on until ctx ends, and tells that it is reached.
type waiting struct {
	ctx     context.Context
	reached func()
}

func (w waiting) Read([]byte) (int, error) {
	w.reached()
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}
