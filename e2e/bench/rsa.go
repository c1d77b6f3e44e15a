package main

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kinde-authz/kinde-authz/e2e/bench/party"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
)

// bareRSA measures the verification of the few tokens' signatures and nothing
// else: the hash and crypto/rsa. All processors do so at once: they are as busy
// in the cases that it is compared with, and neighbours slow each other down.
func (b *bench) bareRSA(_ context.Context, warmUp time.Duration) error {
	each, group := make([]float64, runtime.NumCPU()), errgroup.Group{}
	for i := range each {
		group.Go(func() (err error) {
			runtime.LockOSThread() // the thread's CPU is read
			defer runtime.UnlockOSThread()
			if _, err := b.verifyFor(warmUp / 4); err != nil {
				return err
			}
			each[i], err = b.verifyFor(b.window / 4)
			return err
		})
	}
	err, sum := group.Wait(), 0.0
	for _, one := range each {
		sum += one
	}
	b.result.Add(result.Key{Group: result.GroupGRPC, Case: result.CaseRSA, Metric: result.Operation}, sum/float64(len(each)))
	return err
}

// verifyFor verifies until the thread has used so much CPU, and returns the µs
// an operation.
func (b *bench) verifyFor(window time.Duration) (float64, error) {
	var inputs, signatures [few][]byte
	for i := range few {
		inputs[i], signatures[i] = b.pool.Input(i)
	}
	start, err := party.ThreadCPU()
	if err != nil {
		return 0, err
	}
	for operations := 1; ; operations++ {
		i := operations % few
		if err := b.pool.Verify(inputs[i], signatures[i]); err != nil {
			return 0, err
		}
		now, err := party.ThreadCPU()
		if used := now - start; err != nil || used >= window {
			return micros(used) / float64(operations), err
		}
	}
}
