package main

import (
	"fmt"
	"html"
	"strings"
	"time"
	"unicode/utf8"
)

// The measures of the picture, in pixels.
const (
	height  = 34 // of the terminal, in rows
	row     = 18
	letter  = 8.4 // every one is as wide
	margin  = 20
	bar     = 34 // with the title
	inside  = columns * letter
	outside = inside + 2*margin
	bottom  = bar + height*row + margin
)

// head is before the rows. Without animation all rows are there, and the last of them are
// seen: what an animation changes, it changes only while it lasts.
const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]d" role="img" aria-label="%[3]s">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d5dbe3; white-space: pre; }
.green { fill: #6fd087; }
.red { fill: #ff8f87; }
.yellow { fill: #e8c15b; }
.dim { fill: #98a4b3; }
.bold { font-weight: 700; fill: #ffffff; }
.row { animation: hidden 1ms backwards; }
.cover { opacity: 0; animation: typed %[4]gs steps(%[5]d) backwards; }
.rows { animation: scroll %[6]gs step-end backwards; }
@keyframes hidden { from, to { opacity: 0; } }
@keyframes typed { from { opacity: 1; } to { opacity: 1; transform: translateX(%[7]gpx); } }
@keyframes scroll {
%[8]s}
@media (prefers-reduced-motion: reduce) { .row, .cover, .rows { animation: none; } }
</style>
<rect width="100%%" height="100%%" rx="10" fill="#161b22" stroke="#3a4452"/>
<circle cx="20" cy="17" r="5.5" fill="#ff5f57"/><circle cx="38" cy="17" r="5.5" fill="#febc2e"/>` +
	`<circle cx="56" cy="17" r="5.5" fill="#28c840"/>
<text class="dim" x="%[9]g" y="22" text-anchor="middle">kinde-authz</text>
<svg x="%[10]d" y="%[11]d" width="%[7]g" height="%[12]d">
<g class="rows" transform="translate(0 %[13]d)">
`

// render draws the film. It plays once and stays at its end.
func render(title string, frames []frame) string {
	end := frames[len(frames)-1].at
	var out strings.Builder
	fmt.Fprintf(&out, head, outside, bottom, html.EscapeString(title), (columns * typing).Seconds(), columns,
		end.Seconds(), inside, scroll(frames, end), outside/2, margin, bar, height*row, -row*offset(len(frames)))
	for n, f := range frames {
		out.WriteString(f.draw(n * row))
	}
	out.WriteString("</g>\n</svg>\n</svg>\n")
	return out.String()
}

// offset is how many rows have scrolled away after so many.
func offset(rows int) int { return max(0, rows-height) }

// scroll is the way of the rows, as steps of an animation.
func scroll(frames []frame, end time.Duration) string {
	var steps strings.Builder
	steps.WriteString("from { transform: none; }\n")
	for n, f := range frames {
		if offset(n+1) > 0 {
			fmt.Fprintf(&steps, "%.3f%% { transform: translateY(%dpx); }\n", 100*f.at.Seconds()/end.Seconds(), -row*offset(n+1))
		}
	}
	return steps.String()
}

// draw draws one row at y. What is typed is there from the first letter on, below a cover
// that moves to the right.
func (f *frame) draw(y int) string {
	if len(f.row) == 0 {
		return ""
	}
	var out strings.Builder
	length := letter * float64(utf8.RuneCountInString(text(f.row)))
	fmt.Fprintf(&out, `<text class="row" style="animation-delay:%dms" xml:space="preserve" y="%d" textLength="%.1f">`, f.at.Milliseconds(), y+13, length)
	for _, r := range f.row {
		if r.class == "" {
			out.WriteString(html.EscapeString(r.text))
			continue
		}
		fmt.Fprintf(&out, `<tspan class="%s">%s</tspan>`, r.class, html.EscapeString(r.text))
	}
	out.WriteString("</text>\n")
	if f.typed {
		fmt.Fprintf(&out, `<rect class="cover" style="animation-delay:%dms" y="%d" width="%g" height="%d" fill="#161b22"/>`+"\n",
			f.at.Milliseconds(), y, inside, row)
	}
	return out.String()
}
