package chart

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one of the plots that stand side by side in a chart: lines over
// the same steps.
type Panel struct {
	Title  string
	Axis   string // of the values
	Series []Series
}

const panelHeight = vg.Length(280)

// Lines draws panels into an SVG file. The steps, all above 0, are the points
// of the horizontal axis, which is logarithmic; every series has a value for
// each. The values' axis begins at 0, so that what is flat looks flat.
func Lines(path, axis string, steps []float64, panels ...Panel) error {
	plots := make([]*plot.Plot, len(panels))
	for i, panel := range panels {
		p := newPlot(panel.Title)
		p.X.Label.Text, p.Y.Label.Text = axis, panel.Axis
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = marked(steps)
		p.Y.Tick.Marker = ticks{}
		grid := plotter.NewGrid()
		grid.Vertical.Color, grid.Horizontal.Color = faint, faint
		p.Add(grid)
		for n, s := range panel.Series {
			if err := addLine(p, n, steps, s, len(panel.Series) > 1); err != nil {
				return err
			}
		}
		p.X.Min, p.X.Max = slices.Min(steps)*0.85, slices.Max(steps)*1.18
		p.Y.Min = 0
		p.Y.Max *= 1.25 // room for the legend
		plots[i] = p
	}
	return save(path, chartWidth, panelHeight, plots...)
}

func addLine(p *plot.Plot, n int, steps []float64, s Series, legend bool) error {
	points := make(plotter.XYs, len(steps))
	for i, step := range steps {
		points[i] = plotter.XY{X: step, Y: s.Values[i]}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = palette[n%len(palette)], vg.Points(2)
	dots.Color, dots.Shape, dots.Radius = palette[n%len(palette)], draw.CircleGlyph{}, vg.Points(3)
	p.Add(line, dots)
	if legend {
		p.Legend.Add(s.Name, line, dots)
	}
	return nil
}

// marked puts a tick at each step and nowhere else.
func marked(steps []float64) plot.ConstantTicks {
	var all plot.ConstantTicks
	for _, step := range steps {
		all = append(all, plot.Tick{Value: step, Label: short(step)})
	}
	return all
}
