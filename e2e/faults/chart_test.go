//go:build soak

package faults

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sizes in pixels.
const (
	width  = 720
	height = 120 // of the lines of one panel
	margin = 24
)

// colors tell the replicas apart, also for who is colour-blind (Okabe and Ito).
var colors = [2]string{"#0072b2", "#e69f00"}

// chart draws each series as a panel with a line for each replica, from zero up.
func chart(all []*series, took time.Duration) string {
	var panels strings.Builder
	y := 0
	for _, s := range all {
		most := max(slices.Max(s.values[0]), slices.Max(s.values[1]), 1)
		fmt.Fprintf(&panels, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s, at most %.0f</text>\n",
			margin, y+margin, s.name, most)
		top := y + margin + 8
		fmt.Fprintf(&panels, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#ccc\"/>\n",
			margin, top, width-2*margin, height)
		for n, values := range s.values {
			fmt.Fprintf(&panels, "<polyline fill=\"none\" stroke=\"%s\" points=\"", colors[n])
			for i, value := range values {
				fmt.Fprintf(&panels, "%.1f,%.1f ", float64(margin)+float64(i)/float64(max(len(values)-1, 1))*(width-2*margin),
					float64(top)+height*(1-value/most))
			}
			panels.WriteString("\"/>\n")
		}
		y = top + height + 8
	}
	fmt.Fprintf(&panels, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n",
		width-margin, y+margin, took.Round(time.Second))
	for n, color := range colors {
		fmt.Fprintf(&panels, "<text x=\"%d\" y=\"%d\" fill=\"%s\">replica %d</text>\n", margin+n*100, y+margin, color, n+1)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" `, width, y+2*margin) +
		`font-family="Arial,Helvetica,sans-serif" font-size="12">` + "\n" +
		`<rect width="100%" height="100%" fill="#fff"/>` + "\n" + panels.String() + "</svg>\n"
}
