package result

import "fmt"

// tolerance is by how much a ratio may get worse from one run to another.
const tolerance = 0.15

// Compare says of each ratio among the targets what it was and is, one a
// line, and whether none got worse by more than 15 %. Only ratios count: what
// is absolute differs between machines. Two runs without a common ratio do
// not pass, since nothing was compared.
func Compare(before, after *Result) (lines []string, ok bool) {
	old := map[string]Target{}
	for _, t := range before.Targets {
		old[t.Name] = t
	}
	compared, worse := 0, 0
	for _, now := range after.Targets {
		was, known := old[now.Name]
		if now.Unit != "" || !known {
			continue
		}
		compared++
		word := "ok"
		if gotWorse(was, now) {
			word = "WORSE"
			worse++
		}
		lines = append(lines, fmt.Sprintf("%-5s  %-34s %.3f -> %.3f", word, now.Name, was.Value, now.Value))
	}
	if compared == 0 {
		lines = append(lines, "WORSE  no ratio was measured in both runs")
	}
	return lines, compared > 0 && worse == 0
}

// gotWorse adds the tolerance to the old value, in the bad direction, so that
// it also means something when that is not above 0.
func gotWorse(was, now Target) bool {
	room := tolerance * max(was.Value, -was.Value)
	if now.AtLeast {
		return now.Value < was.Value-room
	}
	return now.Value > was.Value+room
}
