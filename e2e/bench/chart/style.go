// Package chart draws the SVG charts of the benchmarks: horizontal bars
// ([Bars]) and lines over a logarithmic axis ([Lines]).
package chart

import (
	"bytes"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Series is a quantity with a value for each bar or point.
type Series struct {
	Name   string
	Values []float64
}

// palette tells series apart, also for who is colour-blind (Okabe and Ito).
var palette = []color.Color{
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
	color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
	color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff},
}

var (
	ink   = color.Gray{Y: 0x33}
	faint = color.Gray{Y: 0xdd}
)

// newPlot returns an empty plot in the charts' style.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(10)
	p.Title.TextStyle.Font = face(13, true)
	p.Title.TextStyle.Color = ink
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color = ink
		axis.Label.TextStyle.Font = face(11, false)
		axis.Label.TextStyle.Color = ink
		axis.Label.Padding = vg.Points(4)
		axis.Tick.Label.Font = face(10, false)
		axis.Tick.Label.Color = ink
		axis.Tick.Color = ink
	}
	p.Legend.TextStyle.Font = face(10, false)
	p.Legend.TextStyle.Color = ink
	p.Legend.Top = true
	p.Legend.ThumbnailWidth = vg.Points(14)
	p.Legend.Padding = vg.Points(2)
	return p
}

func face(size vg.Length, bold bool) font.Font {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 2 // font.Bold of golang.org/x/image
	}
	return f
}

// save draws plots side by side, with a margin, into one SVG file.
func save(path string, width, height vg.Length, plots ...*plot.Plot) error {
	canvas := vgsvg.New(width, height)
	all := draw.New(canvas)
	all.SetColor(color.White)
	all.Fill(all.Path())
	const margin = vg.Length(12)
	all = draw.Crop(all, margin, -margin, margin, -margin)
	tiles := draw.Tiles{Rows: 1, Cols: len(plots), PadX: vg.Points(24)}
	drawn := plot.Align([][]*plot.Plot{plots}, tiles, all)[0]
	for column, p := range plots {
		p.Draw(drawn[column])
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return err
	}
	// A reader without that font gets one without serifs all the same.
	text := bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;"))
	return os.WriteFile(path, text, 0o644) //nolint:gosec // for all to read
}
