package result

// Target is something the service is meant to keep, most often a ratio of two
// figures of one run: machines differ, ratios hardly do.
type Target struct {
	// Name stays the same from run to run.
	Name string `json:"name"`
	// What says it to a person.
	What string `json:"what"`
	// Limit bounds Value, from above or, with AtLeast, from below.
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least,omitempty"`
	// Unit is empty for a ratio.
	Unit  string  `json:"unit,omitempty"`
	Value float64 `json:"value"`
	Met   bool    `json:"met"`
}

// Judge works out the targets whose figures were measured.
func (r *Result) Judge() {
	r.Targets = nil
	r.judgeGRPC()
	r.judgeEnvoy()
	r.judgeMemory()
	r.judgeIsolation()
}

// judge adds a target.
func (r *Result) judge(t Target) {
	t.Met = t.Value <= t.Limit
	if t.AtLeast {
		t.Met = t.Value >= t.Limit
	}
	r.Targets = append(r.Targets, t)
}

func (r *Result) judgeGRPC() {
	cpu := func(name string) (float64, bool) { return r.value(GroupGRPC, name, ServiceCPU) }
	warm, ok := cpu(CaseWarm)
	if !ok {
		return
	}
	if stock, ok := cpu(CaseStock); ok {
		r.judge(Target{Name: "warm/stock", What: "warm decision, CPU, of the stock server's", Limit: 0.5, Value: warm / stock})
	}
	cold, hasCold := cpu(CaseCold)
	if rsa, ok := r.value(GroupGRPC, CaseRSA, Operation); ok && hasCold {
		r.judge(Target{Name: "(cold-warm)/rsa", What: "what a new token adds, CPU, of a bare RSA verification", Limit: 1.3, Value: (cold - warm) / rsa})
	}
	for _, name := range CheapDenials {
		if denial, ok := cpu(name); ok {
			r.judge(Target{Name: name + "/warm", What: "denial: " + name + ", CPU, of a warm allow's", Limit: 1, Value: denial / warm})
		}
	}
}

func (r *Result) judgeEnvoy() {
	for _, connections := range []int{16, 64} {
		of := func(variant string, metric Metric) (float64, bool) {
			return r.value(GroupEnvoy, Behind(variant, connections), metric)
		}
		rate, ok := of(CaseAuthz, Rate)
		cpu, hasCPU := of(CaseAuthz, ServiceCPU)
		if !ok || !hasCPU {
			continue
		}
		at := Step(connections, "connections")
		if stock, ok := of(CaseStock, ServiceCPU); ok {
			r.judge(Target{Name: "envoy cpu/stock, " + at, What: "warm behind Envoy, CPU, of the stock server's, " + at, Limit: 0.65, Value: cpu / stock})
		}
		if stock, ok := of(CaseStock, Rate); ok {
			r.judge(Target{Name: "envoy rate/stock, " + at, What: "requests/s behind Envoy, of the stock server's, " + at, Limit: 1, AtLeast: true, Value: rate / stock})
		}
		if opa, ok := of(CaseOPA, Rate); ok {
			r.judge(Target{Name: "envoy rate/opa, " + at, What: "requests/s behind Envoy, of OPA-Envoy's, " + at, Limit: 3, AtLeast: true, Value: rate / opa})
		}
	}
}

func (r *Result) judgeMemory() {
	if many, ok := r.value(GroupMemory, CaseMany, Memory); ok {
		r.judge(Target{Name: "memory", What: "resident memory with 100,000 tokens", Limit: 150, Unit: "MiB", Value: many})
	}
	if each, ok := r.value(GroupMemory, CaseMany, PerToken); ok {
		r.judge(Target{Name: "memory/token", What: "resident memory a token, beside its answer", Limit: 1024, Unit: "bytes", Value: each})
	}
	if growth, ok := r.value(GroupMemory, CaseFlooded, Growth); ok {
		// Nothing, but for what a garbage collector leaves from one time to the next.
		r.judge(Target{Name: "memory flood", What: "growth of resident memory by 200,000 bad signatures", Limit: 8, Unit: "MiB", Value: growth})
	}
}

func (r *Result) judgeIsolation() {
	alone, hasAlone := r.value(GroupIsolation, CaseAlone, P99)
	mixed, hasMixed := r.value(GroupIsolation, CaseAmong, P99)
	if hasAlone && hasMixed {
		r.judge(Target{Name: "p99 mixed/alone", What: "p99 of good tokens among bad signatures, of their p99 alone", Limit: 2, Value: mixed / alone})
	}
}
