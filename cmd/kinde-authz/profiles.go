package main

import (
	"net/http"
	"net/http/pprof" // it also registers with a mux that nothing serves
	"strconv"
	"time"
)

const (
	// profilesAtOnce bounds the profiles that are made at a time: they take processor time and
	// connections of the port that probes need. Others get 503 at once.
	profilesAtOnce = 2

	// maxProfile is the longest that a profile may take.
	maxProfile = 5 * time.Minute
)

// addProfiles serves /debug/pprof/ while the settings ask for it, and else what there is
// at a path that nobody knows.
func addProfiles(mux *http.ServeMux, on func() bool) {
	profiles := http.NewServeMux()
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	underway := make(places, profilesAtOnce)
	serve := func(w http.ResponseWriter, r *http.Request) {
		if !on() {
			http.NotFound(w, r)
			return
		}
		if !underway.take() {
			w.Header().Set("Retry-After", "5")
			http.Error(w, "other profiles are being made: try again", http.StatusServiceUnavailable)
			return
		}
		defer underway.give()
		if tooLong(r.FormValue("seconds")) {
			http.Error(w, "seconds: want at most "+strconv.Itoa(int(maxProfile.Seconds())), http.StatusBadRequest)
			return
		}
		profiles.ServeHTTP(w, r) // which moves the server's deadline for writing
	}
	mux.HandleFunc("GET /debug/pprof", serve)
	mux.HandleFunc("GET /debug/pprof/", serve)
}

// tooLong reports whether a profile would take too long. What is no number is left to
// pprof.
func tooLong(seconds string) bool {
	number, err := strconv.ParseFloat(seconds, 64)
	return err == nil && !(number <= maxProfile.Seconds())
}
