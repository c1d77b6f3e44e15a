//go:build deploy

package e2e

import "testing"

func TestCluster(t *testing.T) {}
