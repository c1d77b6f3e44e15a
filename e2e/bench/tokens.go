package main

import (
	"context"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// million is the last step, which takes long to mint.
const million = 1_000_000

// growTokens measures with more and more distinct tokens, all of them in the
// cache. Each round has a process of its own, since memory does not shrink.
func (b *bench) growTokens(ctx context.Context) error {
	steps := []int{1, 10, 100, 1000, 10_000, 100_000}
	if b.million {
		steps = append(steps, million)
		if err := b.mint(million); err != nil {
			return err
		}
	}
	for len(steps) > 1 && steps[len(steps)-1] > b.pool.Size() { // a quick run has few
		steps = steps[:len(steps)-1]
	}
	return b.inTurns(ctx, []turn{func(ctx context.Context, _ time.Duration) error {
		entries := 2 * steps[len(steps)-1]
		authz, err := b.house.Authz(ctx, b.authz, "tokens", b.settings(map[string]any{
			"token_cache": map[string]any{"entries": entries},
		}))
		if err != nil {
			return err
		}
		defer authz.Stop()
		for _, n := range steps {
			if err := b.growTokensTo(ctx, authz, n); err != nil {
				return err
			}
		}
		return nil
	}})
}

// growTokensTo sends n tokens once, and then again and again for a window.
func (b *bench) growTokensTo(ctx context.Context, authz *party.Service, n int) error {
	template, err := b.template()
	if err != nil {
		return err
	}
	source := filled(template, true, load.InTurn(n), b.pool.Append)
	t, done, err := b.straightTrial(ctx, result.GrowthTokens, straight{result.Step(n, "tokens"), authz, source, ""})
	if err != nil {
		return err
	}
	defer done()
	if _, err := t.run(ctx, load.End{Requests: int64(n)}); err != nil {
		return err
	}
	return b.try(ctx, t, b.window/10)
}
