package playground

import (
	"net/http"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// breakage is something to break or to mend.
type breakage struct {
	What string `json:"what"`
}

// told is what was done, and what follows from it.
type told struct {
	Says string `json:"says"`
}

// breakIt breaks or mends a part of the stack.
func (p *Playground) breakIt(r *http.Request, in breakage) (told, error) {
	defer p.seen.wake()
	switch in.What {
	case "rotate":
		p.stack.Issuer.Rotate()
		return told{"A new key signs from now on. kinde-authz meets it with the next token, and fetches the keys."}, nil
	case "issuer-down":
		return told{"The issuer answers 503. Known keys stay good for a day; a new key, or a new start of kinde-authz, " +
			"cannot be served."}, p.fail(kindetest.Down)
	case "issuer-up":
		return told{"The issuer answers again. kinde-authz asks it within 10 s, or when a token names a new key."}, p.fail("")
	case "kill":
		p.stack.KillAuthz()
		return told{"kinde-authz is dead. Envoy lets nobody pass."}, nil
	case "start":
		if err := p.stack.RestartAuthz(r.Context()); err != nil {
			return told{}, err
		}
		return told{"kinde-authz runs, with an empty cache."}, nil
	default:
		return told{}, wrong("%q: want rotate, issuer-down, issuer-up, kill or start", in.What)
	}
}

func (p *Playground) fail(outage kindetest.Outage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outage = outage
	return p.stack.Issuer.Fail(outage)
}
