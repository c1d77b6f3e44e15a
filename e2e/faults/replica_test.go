package faults

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// replica is a kinde-authz that comes back where it was.
type replica struct {
	*process.Process
	grpc, admin string
	env         []string
	logs        string // the folder of its log
}

// newReplica finds ports for a replica on a loopback address of its own: no connection
// of another program takes them while it is away.
func newReplica(t *testing.T, n int, env []string) *replica {
	t.Helper()
	host := fmt.Sprintf("127.0.0.%d", n+2)
	r := &replica{grpc: freePort(t, host), admin: freePort(t, host), logs: t.TempDir()}
	r.env = append(slices.Clip(env), "KINDE_AUTHZ_LISTEN="+r.grpc, "KINDE_AUTHZ_ADMIN_LISTEN="+r.admin)
	t.Cleanup(func() {
		if r.Process != nil {
			_ = r.Signal(syscall.SIGCONT) // it may be stopped
			r.Kill()
		}
	})
	return r
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start starts the replica, with more environment, and a stderr of the caller's if there
// is one. It does not wait.
func (r *replica) start(t *testing.T, stderr *os.File, env ...string) {
	t.Helper()
	command := exec.Command(programs.authz, "serve")
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "KINDE_") })
	command.Env = slices.Concat(own, r.env, env)
	if stderr != nil {
		command.Stderr = stderr
	}
	var log process.Log
	if err := log.Open(r.logs, "kinde-authz.log"); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.Process, err = process.Start(command, &log); err != nil {
		t.Fatal(err)
	}
}

// signal sends a signal.
func (r *replica) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := r.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the end of a replica that was told to, and wants it in good order.
func (r *replica) ends(t *testing.T) {
	t.Helper()
	e2etest.Eventually(t, "the replica ends", func() bool {
		select {
		case <-r.Done():
			return true
		default:
			return false
		}
	})
	if code := r.ExitCode(); code != 0 {
		t.Errorf("exit code %d: %s", code, r.LastLines())
	}
}

var web = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// fetch returns a page, and why there is none.
func fetch(url string) (string, error) {
	response, err := web.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, response.StatusCode)
	}
	return string(text), err
}

// metric is the sum of all series of a metric whose name and labels begin so, 0 when
// they cannot be read.
func (r *replica) metric(prefix string) (sum float64) {
	text, err := fetch("http://" + r.admin + "/metrics")
	if err != nil {
		return 0
	}
	return metricOf(text, prefix)
}

func metricOf(text, prefix string) (sum float64) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			var value float64
			if _, err := fmt.Sscan(rest[strings.LastIndexByte(rest, ' ')+1:], &value); err == nil {
				sum += value
			}
		}
	}
	return sum
}

// forgetPeak has the peak of the replica's memory begin anew (proc_pid_clear_refs(5)).
func (r *replica) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", r.ID()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}
