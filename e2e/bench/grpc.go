package main

import (
	"context"
	"fmt"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// mixed is how many tokens the mixed case chooses from.
const mixed = 10_000

// smallCache is so small that a token that comes again after all others of the
// pool is as good as new: the cost of a new token then holds what the cache
// does to take it in, and to let another go.
const smallCache = 1000

// straight is a case of load straight to the gRPC port.
type straight struct {
	name    string
	service *party.Service
	sources sources
	// reason is what a denial must say.
	reason string
}

// grpc measures decisions without Envoy, in turns with the bare verification.
func (b *bench) grpc(ctx context.Context) error {
	stock, err := b.house.Stock(ctx, b.stock)
	if err != nil {
		return err
	}
	defer stock.Stop()
	authz, err := b.house.Authz(ctx, b.authz, "grpc", b.settings(nil))
	if err != nil {
		return err
	}
	defer authz.Stop()
	small, err := b.house.Authz(ctx, b.authz, "grpc-small-cache", b.settings(map[string]any{
		"token_cache": map[string]any{"entries": smallCache},
	}))
	if err != nil {
		return err
	}
	defer small.Stop()
	cases, err := b.straights(stock, authz, small)
	if err != nil {
		return err
	}
	turns := []turn{b.bareRSA}
	for _, c := range cases {
		t, done, err := b.straightTrial(ctx, result.GroupGRPC, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		defer done()
		turns = append(turns, b.turn(t))
	}
	return b.inTurns(ctx, turns)
}

// straights returns the cases: the stock server, a warm and a cold token cache,
// and the denials.
func (b *bench) straights(stock, authz, small *party.Service) ([]straight, error) {
	template, err := b.template()
	if err != nil {
		return nil, err
	}
	warm := b.good(template, few)
	many := b.good(template, mixed)
	skewed := func(worker int) func() int { return load.Skewed(len(many), uint64(worker)) } //nolint:gosec // small
	cases := []straight{
		{result.CaseStock, stock, list(warm), ""},
		{result.CaseWarm, authz, list(warm), ""},
		{"mixed", authz, chosen(many, skewed), ""},
		{result.CaseCold, small, filled(template, true, load.InTurn(b.pool.Size()), b.pool.Append), ""},
	}
	denials, err := b.denials()
	if err != nil {
		return nil, err
	}
	for _, d := range denials {
		cases = append(cases, straight{d.name, authz, list(d.requests), d.reason})
	}
	forged := filled(template, false, load.InTurn(1<<31), b.pool.AppendForged)
	return append(cases, straight{"bad signature", authz, forged, "bad_signature"}), nil
}

// straightTrial connects to the service and looks at one whole answer.
func (b *bench) straightTrial(ctx context.Context, group string, c straight) (trial, func(), error) {
	client, err := load.Dial(c.service.Address)
	if err != nil {
		return trial{}, nil, err
	}
	done := func() { _ = client.Close() } // nothing is in flight
	if err := probe(ctx, client, c.sources(0)(), c.reason); err != nil {
		done()
		return trial{}, nil, err
	}
	return trial{group: group, name: c.name, service: c.service.Process, run: func(ctx context.Context, end load.End) (load.Sample, error) {
		return client.Closed(ctx, end, inFlight, c.sources)
	}}, done, nil
}

// probe wants the verdict of a request, and the reason of a denial.
func probe(ctx context.Context, client *load.Client, r load.Request, reason string) error {
	answer, err := client.Ask(ctx, r.Body)
	if err != nil {
		return err
	}
	if answer.Allowed != r.Allow || reason != "" && answer.Reason != reason {
		return fmt.Errorf("allowed %t for reason %q, want %t for %q", answer.Allowed, answer.Reason, r.Allow, reason)
	}
	return nil
}
