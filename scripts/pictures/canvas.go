package main

import (
	"fmt"
	"html"
	"strings"
)

// canvas collects shapes, in pixels.
type canvas struct {
	width, height int
	shapes        strings.Builder
}

func (c *canvas) add(format string, args ...any) { fmt.Fprintf(&c.shapes, format+"\n", args...) }

func (c *canvas) box(x, y, width, height int) { c.bar("box", x, y, width, height) }

func (c *canvas) bar(class string, x, y, width, height int) {
	c.add(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, class, x, y, width, height)
}

func (c *canvas) line(x1, y1, x2, y2 int) {
	c.add(`<line class="lane" x1="%d" y1="%d" x2="%d" y2="%d"/>`, x1, y1, x2, y2)
}

func (c *canvas) arrow(x1, y1, x2, y2 int) {
	c.add(`<line class="arrow" x1="%d" y1="%d" x2="%d" y2="%d" marker-end="url(#head)"/>`, x1, y1, x2, y2)
}

// text is centered at x.
func (c *canvas) text(x, y int, class, text string) {
	c.add(`<text class="%s" x="%d" y="%d">%s</text>`, class, x, y, html.EscapeString(text))
}

// frame is around the shapes. It has a background of its own, so that it can be read
// on a dark page too.
const frame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<style>
text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #1c2733; }
.bold { font-size: 14px; font-weight: 600; }
.small { font-size: 12px; }
.title { font-size: 16px; font-weight: 600; }
.box { fill: #f3f7fb; stroke: #5b7c99; }
.good { fill: #e2f3e6; stroke: #4b8a5d; }
.bad { fill: #fbe6e3; stroke: #b35c50; }
.arrow { stroke: #33475b; stroke-width: 1.3; }
.lane { stroke: #b8c6d3; stroke-dasharray: 3 4; }
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">` +
	`<path d="M0 0 10 5 0 10z" fill="#33475b"/></marker></defs>
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text class="title" x="%d" y="26">%s</text>
<g transform="translate(0 %d)">
%s</g>
</svg>
`

// svg returns the picture with its title above.
func (c *canvas) svg(title string) string {
	const top = 36
	title = html.EscapeString(title)
	return fmt.Sprintf(frame, c.width, c.height+top, title, c.width/2, title, top, c.shapes.String())
}

// wrap breaks a text into lines of about so many characters, and ends it with … where
// there is no room for all.
func wrap(text string, perLine, lines int) []string {
	var all []string
	for word := range strings.FieldsSeq(text) {
		last := len(all) - 1
		if last >= 0 && len(all[last])+1+len(word) <= perLine {
			all[last] += " " + word
			continue
		}
		if len(all) == lines {
			all[last] += " …"
			break
		}
		all = append(all, word)
	}
	return all
}
