package chart

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Style is how the series of a bar chart stand.
type Style int

// The styles: one behind the other in one bar, or each with a bar of its own.
const (
	Stacked Style = iota
	Grouped
)

const (
	chartWidth = vg.Length(620)
	thickness  = vg.Length(16) // of a bar
	gap        = vg.Length(12) // between two names
	surround   = vg.Length(110)
)

// Bars draws horizontal bars from the top down, a name each, with the sum or
// the values behind them, into an SVG file. Values are in the unit that the
// axis names.
func Bars(path, title, axis string, names []string, style Style, series ...Series) error {
	p := newPlot(title)
	p.X.Label.Text = axis
	p.X.Min = 0
	p.X.Tick.Marker = ticks{}
	upward := make([]string, len(names))
	for i, name := range names {
		upward[len(names)-1-i] = name
	}
	p.Add(verticals())
	perName := 1
	if style == Grouped {
		perName = len(series)
	}
	var below *plotter.BarChart
	for n, s := range series {
		bars, err := newBars(s, palette[n%len(palette)])
		if err != nil {
			return err
		}
		if style == Grouped {
			bars.Offset = thickness * (vg.Length(perName-1)/2 - vg.Length(n))
		} else if below != nil {
			bars.StackOn(below)
		}
		below = bars
		p.Add(bars)
		if len(series) > 1 {
			p.Legend.Add(s.Name, bars)
		}
		if style == Grouped || n == len(series)-1 {
			if err := addLabels(p, series, n, style, bars.Offset); err != nil {
				return err
			}
		}
	}
	p.NominalY(upward...)
	p.Y.Tick.Length, p.Y.Width = 0, 0
	p.X.Max *= 1.12 // room for the last label
	height := surround + vg.Length(len(names))*(thickness*vg.Length(perName)+gap)
	return save(path, chartWidth, height, p)
}

// newBars turns the order around, since the axis goes up.
func newBars(s Series, fill color.Color) (*plotter.BarChart, error) {
	bars, err := plotter.NewBarChart(turned(s.Values), thickness)
	if err != nil {
		return nil, err
	}
	bars.Horizontal = true
	bars.Color = fill
	bars.LineStyle.Width = 0
	return bars, nil
}

// addLabels writes behind each bar what it comes to.
func addLabels(p *plot.Plot, series []Series, n int, style Style, offset vg.Length) error {
	values := turned(series[n].Values)
	if style == Stacked {
		for _, other := range series[:n] {
			for i, value := range turned(other.Values) {
				values[i] += value
			}
		}
	}
	points, texts := make(plotter.XYs, len(values)), make([]string, len(values))
	for i, value := range values {
		points[i] = plotter.XY{X: value, Y: float64(i)}
		texts[i] = short(value)
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: texts})
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = face(9, false)
		labels.TextStyle[i].Color = ink
		labels.TextStyle[i].YAlign = draw.YCenter
	}
	labels.Offset = vg.Point{X: vg.Points(4), Y: offset}
	p.Add(labels)
	return nil
}

func turned(values []float64) plotter.Values {
	out := make(plotter.Values, len(values))
	for i, value := range values {
		out[len(values)-1-i] = value
	}
	return out
}

// verticals are the faint lines that lead from the axis upwards.
func verticals() *plotter.Grid {
	grid := plotter.NewGrid()
	grid.Vertical.Color = faint
	grid.Horizontal.Width = 0
	return grid
}
