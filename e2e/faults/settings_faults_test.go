package faults

import (
	"os"
	"syscall"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

const reloads = `kinde_authz_config_reloads_total{result=`

func settingsFaults() []fault {
	return []fault{
		{"settings: swapped 100 times", func(t *testing.T, r *rig, p *phase) {
			p.inject()
			for n := range 100 {
				read := r.counted(t, reloads+`"ok"`, 1)
				e2etest.Replace(t, r.settings, []string{others, settings}[n%2])
				r.hangUp(t)
				read()
			}
			p.await(t, judged())
		}, bound{}},
		{"settings: broken", func(t *testing.T, r *rig, p *phase) {
			r.badSettings(t, p, func() { e2etest.Replace(t, r.settings, broken) })
		}, bound{}},
		{"settings: a pipe that hangs its reader", func(t *testing.T, r *rig, p *phase) {
			r.badSettings(t, p, func() {
				if err := syscall.Mkfifo(r.settings+".new", 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(r.settings+".new", r.settings); err != nil {
					t.Fatal(err)
				}
			})
		}, bound{}},
		{"settings: missing", func(t *testing.T, r *rig, p *phase) {
			r.badSettings(t, p, func() {
				if err := os.Remove(r.settings); err != nil {
					t.Fatal(err)
				}
			})
		}, bound{}},
	}
}

func (r *rig) hangUp(t *testing.T) {
	t.Helper()
	for _, one := range r.replicas {
		one.signal(t, syscall.SIGHUP)
	}
}

// badSettings has settings that no replica takes, until both have refused them.
func (r *rig) badSettings(t *testing.T, p *phase, spoil func()) {
	t.Helper()
	refused := r.counted(t, reloads+`"error"`, 1)
	p.inject()
	spoil()
	r.hangUp(t)
	refused()
	p.await(t, judged())
	taken := r.counted(t, reloads+`"ok"`, 1)
	e2etest.Replace(t, r.settings, settings)
	r.hangUp(t)
	taken()
}
