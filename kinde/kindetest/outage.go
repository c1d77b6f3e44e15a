package kindetest

import (
	"fmt"
	"net/http"
	"strings"
)

// Outage is a way in which an issuer fails to publish its keys.
type Outage string

// The outages. The empty one is none.
const (
	Down     Outage = "down"     // 503
	Hang     Outage = "hang"     // no answer until the client gives up
	Garbage  Outage = "garbage"  // HTML with status 200
	Empty    Outage = "empty"    // a set without keys
	Redirect Outage = "redirect" // 302 to another host
	Huge     Outage = "huge"     // a body of 10 MiB
)

// Fail makes the issuer fail that way from now on; the empty outage ends it.
func (i *Issuer) Fail(outage Outage) error {
	switch outage {
	case "", Down, Hang, Garbage, Empty, Redirect, Huge:
	default:
		return fmt.Errorf("outage %q: want down, hang, garbage, empty, redirect, huge or nothing", outage)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.outage = outage
	return nil
}

// fails answers the request as the outage has it, and reports whether one is
// on.
func (i *Issuer) fails(w http.ResponseWriter, r *http.Request) bool {
	i.mu.Lock()
	outage := i.outage
	i.mu.Unlock()
	switch outage {
	case Down:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
	case Hang:
		<-r.Context().Done()
	case Garbage:
		fmt.Fprint(w, "<html>maintenance</html>")
	case Empty:
		fmt.Fprint(w, `{"keys":[]}`)
	case Redirect:
		http.Redirect(w, r, "http://localhost:1/keys", http.StatusFound)
	case Huge:
		fmt.Fprint(w, `{"keys":[`+strings.Repeat(" ", 10<<20)+`]}`)
	default:
		return false
	}
	return true
}
