package chart

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks puts about five ticks on an axis, at round numbers, all labelled.
type ticks struct{}

// Ticks implements [plot.Ticker].
func (ticks) Ticks(low, high float64) []plot.Tick {
	step := roundStep((high - low) / 5)
	var all []plot.Tick
	for n := math.Ceil(low / step); n*step <= high; n++ {
		all = append(all, plot.Tick{Value: n * step, Label: short(n * step)})
	}
	return all
}

// roundStep returns 1, 2 or 5 times a power of ten, not far from what it is
// given.
func roundStep(about float64) float64 {
	if about <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(about)))
	switch digit := about / power; {
	case digit < 1.5:
		return power
	case digit < 3.5:
		return 2 * power
	case digit < 7.5:
		return 5 * power
	default:
		return 10 * power
	}
}

// short writes a number in three digits or so, thousands from 10 on as k.
func short(value float64) string {
	switch {
	case value >= 1e6:
		return strconv.FormatFloat(value/1e6, 'g', 3, 64) + "M"
	case value >= 10_000:
		return strconv.FormatFloat(value/1e3, 'g', 3, 64) + "k"
	case value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	default:
		return strconv.FormatFloat(value, 'g', 3, 64)
	}
}
