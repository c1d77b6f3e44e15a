package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

const droppedLines = "kinde_authz_log_lines_dropped_total"

// enough decisions fill a pipe, what may wait behind it, and more.
const enough = 10_000

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// Attack W3: nobody reads the log. What is read when reading goes on is whole
// lines, and those that are missing are counted.
func TestDecisionsDoNotWaitForALogThatNobodyReads(t *testing.T) {
	read, write := pipe(t)
	i := start(t, write)
	write.Close()
	i.check(t, enough)
	i.healthy(t)
	counted := i.metric(t, droppedLines)
	if counted == 0 {
		t.Fatal("no line was dropped: the test does not send enough")
	}
	decisions, dropped := 0, 0
	for lines := bufio.NewScanner(read); dropped == 0 && lines.Scan(); {
		var line struct {
			Message string `json:"msg"`
			Lines   int    `json:"lines"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %q", err, lines.Text())
		}
		switch line.Message {
		case "decision":
			decisions++
		case "log lines were dropped":
			dropped = line.Lines
		}
	}
	if decisions+dropped != enough || float64(dropped) != counted {
		t.Errorf("%d decisions: %d in the log, %d told and %g counted as dropped", enough, decisions, dropped, counted)
	}
	i.signal(t, syscall.SIGTERM)
	ends(t, i.Process, 0, 5*time.Second)
}

// Attack W4: a log that cannot be written.
func TestALogThatFailsStopsNothing(t *testing.T) {
	gone := func(t *testing.T) *os.File {
		read, write := pipe(t)
		read.Close()
		return write
	}
	full := func(t *testing.T) *os.File {
		file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	for name, log := range map[string]func(*testing.T) *os.File{"the reader has gone": gone, "the disk is full": full} {
		t.Run(name, func(t *testing.T) {
			i := start(t, log(t))
			i.check(t, 1000)
			i.healthy(t)
			eventually(t, "each line is counted", func() bool { return i.metric(t, droppedLines) >= 1000 })
			i.signal(t, syscall.SIGTERM)
			ends(t, i.Process, 0, 5*time.Second)
		})
	}
}

// Attack W3: a process whose log nobody reads ends when it is told to.
func TestSignalsEndAProcessWhoseLogIsStuck(t *testing.T) {
	t.Run("the first", func(t *testing.T) {
		_, write := pipe(t)
		i := start(t, write)
		i.check(t, enough)
		i.signal(t, syscall.SIGTERM)
		ends(t, i.Process, 0, 5*time.Second)
	})
	t.Run("the second", func(t *testing.T) {
		_, write := pipe(t)
		i := start(t, write, "--drain-delay=1h")
		i.check(t, enough)
		i.signal(t, syscall.SIGTERM)
		eventually(t, "it drains", func() bool { return i.health(t) == healthv1.HealthCheckResponse_NOT_SERVING })
		i.signal(t, syscall.SIGTERM)
		ends(t, i.Process, 1, 3*time.Second)
	})
}

// Attack W1: a token in the path is masked in the log.
func TestNoTokenIsLogged(t *testing.T) {
	var log process.Log
	i := start(t, &log)
	token := i.issuer.Token(i.issuer.UserClaims())
	if got, err := i.reason(t, "/reset/"+token, token); got != "allowed" {
		t.Fatalf("got %q, %v", got, err)
	}
	eventually(t, "it is logged", func() bool { return strings.Contains(log.String(), `"path":"/reset/[token]`) })
	if strings.Contains(log.String(), "eyJ") {
		t.Error(log.String())
	}
}
