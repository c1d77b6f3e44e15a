package main

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// garbagePercent is how much the heap may grow between two collections, in percent
// of what is live. What is live is small, and with the runtime's default of 100
// collections would cost more of a busy service's time than the memory is worth.
const garbagePercent = 400

// setMemoryLimits sets when garbage is collected: seldom, and before the memory
// limit of the container is reached. GOGC and GOMEMLIMIT in the environment win.
func setMemoryLimits(log *zap.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if _, err := memlimit.Set(); err != nil {
		log.Warn("the container's memory limit cannot be read: set GOMEMLIMIT", zap.Error(err))
	}
}
