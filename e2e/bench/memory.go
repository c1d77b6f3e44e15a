package main

import (
	"context"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// memory measures what kinde-authz keeps resident, with default settings and a
// process of its own in each round: after few tokens, after many were served
// twice, and after a flood of bad signatures.
func (b *bench) memory(ctx context.Context) error {
	return b.inTurns(ctx, []turn{func(ctx context.Context, _ time.Duration) error {
		authz, err := b.house.Authz(ctx, b.authz, "memory", b.settings(nil))
		if err != nil {
			return err
		}
		defer authz.Stop()
		client, err := load.Dial(authz.Address)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }() // nothing is in flight
		return b.fill(ctx, authz.Process, client)
	}})
}

// fill loads one kinde-authz step by step and reads its memory after each.
func (b *bench) fill(ctx context.Context, process *party.Process, client *load.Client) error {
	template, err := b.template()
	if err != nil {
		return err
	}
	answer, err := client.Ask(ctx, b.good(template, 1)[0].Body)
	if err != nil {
		return err
	}
	after := func(name string, end load.End, source sources) (int64, error) {
		if _, err := client.Closed(ctx, end, inFlight, source); err != nil {
			return 0, err
		}
		resident, err := process.Memory()
		b.note(name, result.Memory, mebibytes(resident))
		return resident, err
	}
	little, err := after(result.CaseFew, load.End{After: b.window}, list(b.good(template, few)))
	if err != nil {
		return err
	}
	twice := load.End{Requests: 2 * int64(b.tokens)}
	much, err := after(result.CaseMany, twice, filled(template, true, load.InTurn(b.tokens), b.pool.Append))
	if err != nil {
		return err
	}
	b.note(result.CaseMany, result.PerToken, float64(much-little)/float64(b.tokens)-float64(answer.Headers))
	b.note(result.CaseMany, result.AnswerSize, float64(answer.Headers))
	forged := filled(template, false, load.InTurn(b.forged), b.pool.AppendForged)
	flooded, err := after(result.CaseFlooded, load.End{Requests: int64(b.forged)}, forged)
	b.note(result.CaseFlooded, result.Growth, mebibytes(flooded-much))
	return err
}

func (b *bench) note(name string, metric result.Metric, value float64) {
	b.result.Add(result.Key{Group: result.GroupMemory, Case: name, Metric: metric}, value)
}
