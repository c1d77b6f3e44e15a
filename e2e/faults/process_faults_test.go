package faults

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

func processFaults() []fault {
	return []fault{
		{"none", func(t *testing.T, _ *rig, p *phase) { p.await(t, judged()) }, bound{}},
		{"kill -9 of one of two", killOne, bound{inFlight: true, recovered: either(4*time.Second, 2*time.Second)}},
		{"SIGTERM of one of two", func(t *testing.T, r *rig, p *phase) {
			p.inject()
			r.restart(t, r.replicas[0])
			p.await(t, judged())
		}, bound{}},
		{"rolling restart", func(t *testing.T, r *rig, p *phase) {
			p.inject()
			for _, one := range r.replicas {
				r.restart(t, one)
				r.healthy(t)
			}
			p.await(t, judged())
		}, bound{}},
		{"SIGSTOP and SIGCONT of one of two", stopOne, bound{slowest: either(3*try, 3*try/2)}},
		{"kill -9 of both", killBoth, bound{anyLost: true}},
		{"exporter: nobody listens", exporter(func(t *testing.T) string {
			return freePort(t, "127.0.0.9")
		}), bound{inFlight: true}},
		{"exporter: hangs", exporter(hangs), bound{inFlight: true}},
	}
}

// restart ends a replica in good order and starts it again.
func (r *rig) restart(t *testing.T, one *replica, env ...string) {
	t.Helper()
	one.signal(t, syscall.SIGTERM)
	one.ends(t)
	one.start(t, nil, env...)
}

func killOne(t *testing.T, r *rig, p *phase) {
	p.await(t, judged()/4)
	p.inject()
	r.replicas[0].Kill()
	p.await(t, judged())
	r.replicas[0].start(t, nil)
}

func killBoth(t *testing.T, r *rig, p *phase) {
	p.inject()
	for _, one := range r.replicas {
		one.Kill()
	}
	p.await(t, judged())
	for _, one := range r.replicas {
		one.start(t, nil)
	}
}

func stopOne(t *testing.T, r *rig, p *phase) {
	stopped := time.Now()
	p.inject()
	r.replicas[0].signal(t, syscall.SIGSTOP)
	e2etest.Eventually(t, "the replica is out of rotation", func() bool { return r.inRotation() == 1 })
	if took := time.Since(stopped); took > either(6*time.Second, 3*time.Second) {
		t.Errorf("it was out of rotation after %s, want 3s", took)
	}
	p.await(t, judged())
	r.replicas[0].signal(t, syscall.SIGCONT)
}

// exporter is a fault in which traces have nowhere to go.
func exporter(address func(*testing.T) string) func(*testing.T, *rig, *phase) {
	return func(t *testing.T, r *rig, p *phase) {
		endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=http://" + address(t)
		p.inject()
		r.replicas[0].Kill()
		r.replicas[0].start(t, nil, endpoint, "OTEL_TRACES_SAMPLER=always_on")
		r.healthy(t)
		p.await(t, judged())
	}
}

// hangs is an address that takes connections and says nothing.
func hangs(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		var kept []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				for _, conn := range kept {
					conn.Close()
				}
				return
			}
			kept = append(kept, conn)
		}
	}()
	return fmt.Sprint(listener.Addr())
}
