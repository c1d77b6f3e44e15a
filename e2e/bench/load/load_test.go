package load

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

func TestPercentiles(t *testing.T) {
	workers := []*hdrhistogram.Histogram{newHistogram(), newHistogram()}
	for i := range 1000 {
		record(workers[i%2], time.Duration(i+1)*time.Millisecond)
	}
	s := newSample(2*time.Second, workers)
	if s.Requests != 1000 || s.Rate() != 500 {
		t.Errorf("%d requests, %v a second", s.Requests, s.Rate())
	}
	for p, want := range map[float64]time.Duration{50: 500 * time.Millisecond, 99: 990 * time.Millisecond, 99.9: 999 * time.Millisecond} {
		if got := s.Percentile(p); (got - want).Abs() > want/500 {
			t.Errorf("p%v = %v, want %v", p, got, want)
		}
	}
}

func TestRecordTakesAnyTime(t *testing.T) {
	h := newHistogram()
	for _, took := range []time.Duration{-1, 0, time.Hour} {
		record(h, took)
	}
	if h.TotalCount() != 3 {
		t.Errorf("%d recorded, want 3", h.TotalCount())
	}
}

func TestShare(t *testing.T) {
	total := int64(0)
	for w := range 7 {
		total += share(100, 7, w)
	}
	if total != 100 || share(100, 7, 0) != 15 || share(100, 7, 6) != 14 {
		t.Errorf("shares of 100 among 7 add up to %d", total)
	}
}

func TestSkewedPrefersLowNumbers(t *testing.T) {
	const n, draws = 10_000, 200_000
	next := Skewed(n, 1)
	counts := make([]int, n)
	for range draws {
		counts[next()]++ // panics beyond n
	}
	top, used := 0, 0
	for i, count := range counts {
		if i < 10 {
			top += count
		}
		if count > 0 {
			used++
		}
	}
	if top < draws*35/100 || top > draws*60/100 {
		t.Errorf("the first ten were chosen %d times of %d", top, draws)
	}
	if used < n/2 {
		t.Errorf("%d of %d were chosen at all", used, n)
	}
	if again := Skewed(n, 1); again() != Skewed(n, 1)() {
		t.Error("a seed gives no fixed choice")
	}
}

func TestInTurn(t *testing.T) {
	next := InTurn(3)
	for i := range 7 {
		if got := next(); got != i%3 {
			t.Errorf("choice %d is %d", i, got)
		}
	}
}

func TestTemplate(t *testing.T) {
	template, err := NewTemplate(5, "/a", 4)
	if err != nil {
		t.Fatal(err)
	}
	fill := func(dst []byte) []byte { return append(dst, "token"...) }
	body := template.Append([]byte("before"), fill)
	var request authv3.CheckRequest
	if err := proto.Unmarshal(bytes.TrimPrefix(body, []byte("before")), &request); err != nil {
		t.Fatal(err)
	}
	http := request.GetAttributes().GetRequest().GetHttp()
	headers := http.GetHeaderMap().GetHeaders()
	if len(headers) != 4 || headers[0].GetKey() != "authorization" || string(headers[0].GetRawValue()) != "Bearer token" || http.GetPath() != "/a" {
		t.Errorf("request %v", &request)
	}
	body, err = Without("/a")
	if err != nil || proto.Unmarshal(body, &request) != nil || bytes.Contains(body, []byte("authorization")) {
		t.Errorf("request without a token %q, %v", body, err)
	}
}

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		name     string
		response *authv3.CheckResponse
		want     bool
	}{
		{"nothing", &authv3.CheckResponse{}, true},
		{"code 0", &authv3.CheckResponse{Status: &status.Status{}}, true},
		{"code 0 and a message", &authv3.CheckResponse{Status: &status.Status{Message: "fine"}}, true},
		{"code 7", &authv3.CheckResponse{Status: &status.Status{Code: 7, Message: "no"}}, false},
		{"code 0, denied", &authv3.CheckResponse{Status: &status.Status{}, HttpResponse: &authv3.CheckResponse_DeniedResponse{}}, true},
	} {
		answer, err := proto.Marshal(c.response)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := allowed(answer); err != nil || got != c.want {
			t.Errorf("%s: %t, %v, want %t", c.name, got, err, c.want)
		}
	}
	for _, answer := range []string{"\x0a", "\x0a\x05a", "\x0a\x01\x08", "\xff"} {
		if _, err := allowed([]byte(answer)); err == nil {
			t.Errorf("%q was taken for an answer", answer)
		}
	}
}

func TestPassed(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
	reader := bufio.NewReader(strings.NewReader(head + head))
	for range 2 {
		if err := passed(reader); err != nil {
			t.Error(err)
		}
	}
	unavailable := strings.NewReader("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
	if err := passed(bufio.NewReader(unavailable)); !errors.Is(err, errUnavailable) {
		t.Errorf("503: %v", err)
	}
	for _, answer := range []string{
		"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "junk\r\n", "",
		"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
	} {
		if err := passed(bufio.NewReader(strings.NewReader(answer))); err == nil || errors.Is(err, errUnavailable) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
