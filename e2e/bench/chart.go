package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// panel is horizontal bars from the top down, a name each, with what they come to behind
// them. The parts of a bar stand one behind the other.
type panel struct {
	title string // what it shows
	axis  string
	parts []string // names, when there is more than one
	names []string
	bars  [][]float64
}

func (p *panel) add(name string, parts ...float64) {
	p.names, p.bars = append(p.names, name), append(p.bars, parts)
}

// drawGRPC draws what a decision costs in the service.
func (r *result) drawGRPC() []panel {
	cpu := func(name string) float64 { return r.row(groupGRPC, name).ServiceCPU.median() }
	p := panel{
		title: fmt.Sprintf("A remembered token costs %.2f × a stock server's CPU, a new one %.1f ×",
			cpu(caseWarm)/cpu(caseStock), cpu(caseCold)/cpu(caseStock)),
		axis: "CPU of the service a decision, µs",
	}
	for _, row := range r.Rows {
		if row.Group == groupGRPC {
			p.add(row.Case, cpu(row.Case))
		}
	}
	return []panel{p}
}

// drawEnvoy draws what a check adds behind Envoy, in the service and in Envoy.
func (r *result) drawEnvoy() []panel {
	group := groupEnvoy(16)
	p := panel{
		title: fmt.Sprintf("Behind Envoy a remembered token takes %.2f × a stock check's CPU, jwt_authn %.2f ×",
			r.added(group, caseWarm)/r.added(group, caseStock), r.added(group, caseNative)/r.added(group, caseStock)),
		axis:  "cores that a check adds at 10,000 requests/s, 16 connections",
		parts: []string{"in the service", "in Envoy"},
	}
	for _, row := range r.Rows {
		if row.Group == group && row.Case != caseNone {
			service := row.ServiceCPU.median()
			p.add(row.Case, service/microsACore, (r.added(group, row.Case)-service)/microsACore)
		}
	}
	return []panel{p}
}

// drawGrowth draws memory by tokens, and latency by connections.
func (r *result) drawGrowth() []panel {
	memory := panel{axis: "memory of the service, MiB"}
	for _, row := range r.Rows {
		if row.Group == groupTokens {
			memory.add(row.Case, row.Memory.median())
			memory.title = fmt.Sprintf("With %s remembered the service takes %.0f MiB", row.Case, row.Memory.median())
		}
	}
	latency := panel{axis: "median latency behind Envoy, ms", parts: []string{"without a check", "added by kinde-authz"}}
	added := func(n int) float64 {
		return r.row(groupEnvoy(n), caseWarm).P50.median() - r.row(groupEnvoy(n), caseNone).P50.median()
	}
	for _, n := range connections {
		latency.add(counted(n, "connection"), r.row(groupEnvoy(n), caseNone).P50.median(), added(n))
	}
	latency.title = fmt.Sprintf("A check adds %.2f ms to a request that is alone, %.1f ms at 64 connections",
		added(1), added(64))
	return []panel{memory, latency}
}

// draw writes the charts of a whole run.
func (r *result) draw(folder string) error {
	charts := map[string][]panel{"grpc": r.drawGRPC(), "envoy": r.drawEnvoy(), "growth": r.drawGrowth()}
	for name, panels := range charts {
		if err := writeFile(filepath.Join(folder, name+".svg"), []byte(svg(panels))); err != nil {
			return err
		}
	}
	return nil
}

// Sizes in pixels. A letter is as wide as those of the widest usual font are.
const (
	width     = 720
	line      = 24
	letter    = 7.5
	thickness = 16
)

// palette tells parts apart, also for who is colour-blind (Okabe and Ito).
var palette = []string{"#0072b2", "#e69f00"}

// drawing is the elements of an SVG, of which the last stands at a height of y.
type drawing struct {
	strings.Builder
	y float64
}

func (d *drawing) text(x float64, style, text string) {
	fmt.Fprintf(d, "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, d.y, style, text)
}

func (d *drawing) bar(x, length float64, part int) {
	fmt.Fprintf(d, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
		x, d.y-thickness+4, length, thickness, palette[part])
}

// svg returns panels, one below the other.
func svg(panels []panel) string {
	d := &drawing{}
	for _, p := range panels {
		d.y += line
		d.text(letter, `font-size="13" font-weight="bold"`, p.title)
		longest, most := 0, 0.0
		for i, name := range p.names {
			longest, most = max(longest, utf8.RuneCountInString(name)), max(most, sum(p.bars[i]))
		}
		left := letter * float64(longest+2)
		scale := (width - left - 8*letter) / most
		for i, name := range p.names {
			d.y += line
			d.text(left-letter, `text-anchor="end"`, name)
			x := left
			for part, value := range p.bars[i] {
				d.bar(x, value*scale, part)
				x += value * scale
			}
			d.text(x+letter/2, "", short(sum(p.bars[i])))
		}
		d.y += line
		d.text(width-letter, `text-anchor="end"`, p.axis+"; lower is better")
		x := letter
		for part, name := range p.parts {
			d.bar(x, thickness, part)
			d.text(x+1.5*thickness, "", name)
			x += letter * float64(len(name)+6)
		}
		d.y += line
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.0f" `, width, d.y-line/2) +
		`font-family="Arial,Helvetica,sans-serif" font-size="12" fill="#333">` + "\n" +
		`<rect width="100%" height="100%" fill="#fff"/>` + "\n" + d.String() + "</svg>\n"
}

func sum(values []float64) (total float64) {
	for _, value := range values {
		total += value
	}
	return total
}
