package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// trial is something that is measured once a round.
type trial struct {
	group, name string
	// service and envoy are whose CPU and memory are read; either may be nil.
	service, envoy *party.Process
	// run loads them until the end.
	run func(context.Context, load.End) (load.Sample, error)
}

// turn measures something once, after it ran unmeasured for a while.
type turn func(ctx context.Context, warmUp time.Duration) error

// inTurns measures each once, then each once more, so that what the machine
// does beside hits all alike.
func (b *bench) inTurns(ctx context.Context, turns []turn) error {
	for round := range b.rounds {
		warmUp := b.warmUp
		if round > 0 {
			warmUp = b.window / 10
		}
		for _, measure := range turns {
			if err := measure(ctx, warmUp); err != nil {
				return err
			}
		}
		b.say("  round %d of %d", round+1, b.rounds)
	}
	return nil
}

// turn returns what measures a trial.
func (b *bench) turn(t trial) turn {
	return func(ctx context.Context, warmUp time.Duration) error {
		if err := b.try(ctx, t, warmUp); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		return nil
	}
}

// try warms a trial up, measures one window and records the figures.
func (b *bench) try(ctx context.Context, t trial, warmUp time.Duration) error {
	if _, err := t.run(ctx, load.End{After: warmUp}); err != nil {
		return err
	}
	service, envoy := newMeter(t.service), newMeter(t.envoy)
	sample, err := t.run(ctx, load.End{After: b.window})
	if err != nil {
		return err
	}
	if sample.Requests == 0 {
		return errors.New("not one good answer")
	}
	if err := b.charge(t, service, result.ServiceCPU, result.Memory, sample.Requests); err != nil {
		return err
	}
	if err := b.charge(t, envoy, result.EnvoyCPU, result.EnvoyRSS, sample.Requests); err != nil {
		return err
	}
	b.add(t, result.Rate, sample.Rate())
	if t.envoy != nil {
		b.add(t, result.Failed, 1000*float64(sample.Unavailable)/float64(sample.Requests+sample.Unavailable))
	}
	b.addLatency(t, sample)
	return nil
}

// charge records what a process used for so many requests.
func (b *bench) charge(t trial, m *meter, cpu, memory result.Metric, requests int64) error {
	if m == nil {
		return nil
	}
	used, err := m.used()
	if err != nil {
		return err
	}
	b.add(t, cpu, micros(used)/float64(requests))
	resident, err := m.process.Memory()
	b.add(t, memory, mebibytes(resident))
	return err
}

func (b *bench) addLatency(t trial, sample load.Sample) {
	b.add(t, result.P50, micros(sample.Percentile(50)))
	b.add(t, result.P99, micros(sample.Percentile(99)))
	b.add(t, result.P999, micros(sample.Percentile(99.9)))
}

func (b *bench) add(t trial, metric result.Metric, value float64) {
	b.result.Add(result.Key{Group: t.group, Case: t.name, Metric: metric}, value)
}

// meter reads the CPU of a process from when it was made.
type meter struct {
	process *party.Process
	start   time.Duration
	err     error
}

// newMeter returns nil for no process.
func newMeter(process *party.Process) *meter {
	if process == nil {
		return nil
	}
	start, err := process.CPU()
	return &meter{process, start, err}
}

func (m *meter) used() (time.Duration, error) {
	now, err := m.process.CPU()
	if m.err != nil {
		err = m.err
	}
	return now - m.start, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
