package faults

import (
	"testing"
	"time"
)

// try is what envoy.yaml gives one try (max_interval).
const try = 800 * time.Millisecond

// fault is what breaks, and what must hold meanwhile, beside what always must: no bad
// token passes, and each gets its own answer or none.
type fault struct {
	name   string
	happen func(*testing.T, *rig, *phase)
	bound
}

// bound is what a fault may do to good requests. The zero value says that none is lost.
type bound struct {
	anyLost   bool          // only told
	inFlight  bool          // as many as were under way may be lost
	recovered time.Duration // within which the last is lost
	slowest   time.Duration // answer, unless zero
	memory    int           // of a replica, in bytes, unless zero
}

func (b bound) check(t *testing.T, p *phase) {
	t.Helper()
	if p.wronglyAllowed > 0 || p.wrong > 0 {
		t.Errorf("%s: %d wrongly allowed, %d with another denial: %q", p.fault, p.wronglyAllowed, p.wrong, p.complaints)
	}
	most := 0
	if b.inFlight {
		most = p.most
	}
	if p.lost > most && !b.anyLost {
		t.Errorf("%s: %d good requests were lost, want at most %d: %q", p.fault, p.lost, most, p.complaints)
	}
	if got := p.recovered(); b.recovered > 0 && got > b.recovered {
		t.Errorf("%s: the last was lost after %s, want %s at most: %q", p.fault, got, b.recovered, p.complaints)
	}
	if got := p.percentile(100); b.slowest > 0 && got > b.slowest {
		t.Errorf("%s: the slowest took %s, want %s at most", p.fault, got, b.slowest)
	}
	if b.memory > 0 && p.peak > b.memory {
		t.Errorf("%s: a replica took %d MiB, want at most %d", p.fault, p.peak>>20, b.memory>>20)
	}
}

// all are the faults, in the order of the table.
func all() []fault {
	var list []fault
	for _, group := range [][]fault{
		processFaults(), issuerFaults(), settingsFaults(), logFaults(), networkFaults(),
	} {
		list = append(list, group...)
	}
	return list
}

func TestFaultsLetNobodyIn(t *testing.T) {
	r := startRig(t, plain(t), nil)
	for _, f := range all() {
		t.Run(f.name, func(t *testing.T) {
			f.check(t, r.during(t, f.name, func(p *phase) { f.happen(t, r, p) }))
		})
	}
}
