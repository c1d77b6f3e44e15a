package main

import (
	"context"
	"runtime"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// The flood: of ten requests nine are badly signed, and all together are half
// of what the service can do of such a mix.
const (
	badShare = 0.9
	loadOf   = 0.5
	seed     = 1
)

// isolation measures how long good tokens wait at a fixed rate: alone, among
// bad signatures, and, to tell what of that is only the busier machine, with
// the bad signatures sent to the stock server.
func (b *bench) isolation(ctx context.Context) error {
	// The sender sleeps in the kernel and keeps its processor for a while:
	// without one more it would hold up those who read the answers.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU() + 1))
	services, stop, err := b.services(ctx, false)
	defer stop()
	if err != nil {
		return err
	}
	var clients []*load.Client
	for _, service := range services {
		client, err := load.Dial(service.Address)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }() // nothing is in flight
		clients = append(clients, client)
	}
	return b.isolate(ctx, clients[0], clients[1])
}

// isolate learns the capacity and then measures at a share of it.
func (b *bench) isolate(ctx context.Context, stock, authz *load.Client) error {
	template, err := b.template()
	if err != nil {
		return err
	}
	good, bad := list(b.good(template, few)), b.forgedOnce(template, false)
	capacity, err := b.capacity(ctx, authz, blend(good, bad))
	if err != nil {
		return err
	}
	goodRate, badRate := capacity*loadOf*(1-badShare), capacity*loadOf*badShare
	b.say("  capacity %.0f/s: %.0f/s good, %.0f/s bad", capacity, goodRate, badRate)
	measured := load.Flow{Client: authz, Rate: goodRate, Next: good(0), Measured: true}
	beside := func(flows ...load.Flow) loading {
		return func(ctx context.Context, end load.End) (load.Sample, error) {
			return load.Open(ctx, end.After, seed, append(flows, measured)...)
		}
	}
	forged := load.Flow{Client: authz, Rate: badRate, Next: bad(0)}
	elsewhere := load.Flow{Client: stock, Rate: badRate, Next: b.forgedOnce(template, true)(0)}
	return b.inTurns(ctx, []turn{
		b.latencyTurn(result.CaseAlone, beside()),
		b.latencyTurn(result.CaseAmong, beside(forged)),
		b.latencyTurn(result.CaseElsewhere, beside(elsewhere)),
	})
}

// loading loads for a time and returns what the good requests gave.
type loading func(context.Context, load.End) (load.Sample, error)

// latencyTurn records rate and latency of the good requests. CPU is left out:
// it is the whole mix's.
func (b *bench) latencyTurn(name string, run loading) turn {
	return b.turn(trial{group: result.GroupIsolation, name: name, run: run})
}

// capacity measures, in a closed loop, what the service does of the mix in a
// second, and records it.
func (b *bench) capacity(ctx context.Context, client *load.Client, mix sources) (float64, error) {
	var rate float64
	for _, duration := range []time.Duration{b.warmUp, b.window} { // the last counts
		sample, err := client.Closed(ctx, load.End{After: duration}, inFlight, mix)
		if err != nil {
			return 0, err
		}
		rate = sample.Rate()
	}
	b.result.Add(result.Key{Group: result.GroupIsolation, Case: result.CaseCapacity, Metric: result.Rate}, rate)
	return rate, nil
}

// blend takes one good request and nine bad ones, over and over.
func blend(good, bad sources) sources {
	const cycle = 10
	return func(worker int) load.Source {
		nextGood, nextBad, n := good(worker), bad(worker), worker
		return func() load.Request {
			n++
			if n%cycle == 0 {
				return nextGood()
			}
			return nextBad()
		}
	}
}

// forgedOnce makes requests with bad signatures, each in memory of its own,
// since many are under way at a time. The stock server allows them.
func (b *bench) forgedOnce(template load.Template, allow bool) sources {
	next := load.InTurn(1 << 31)
	return func(int) load.Source {
		return func() load.Request {
			i := next()
			body := template.Append(nil, func(dst []byte) []byte { return b.pool.AppendForged(dst, i) })
			return load.Request{Body: body, Allow: allow}
		}
	}
}
