package main

import (
	"bytes"
	"image/color"
	"math"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// lineColors can be told apart by most of the colour-blind.
var lineColors = []color.Color{
	color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x55, 0x55, 0x55, 0xff}, color.RGBA{0x00, 0x72, 0xb2, 0xff},
	color.RGBA{0x56, 0xb4, 0xe9, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff}, color.RGBA{0xcc, 0x79, 0xa7, 0xff},
}

// picture draws, side by side, how the lag depends on the runtime, and what it
// costs over all runtimes.
func picture(compared, curve []Poller, runtimes []time.Duration) ([]byte, error) {
	plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans"
	byRuntime, err := lagByRuntime(compared)
	if err != nil {
		return nil, err
	}
	byCost, err := lagByCost(compared, curve, runtimes)
	if err != nil {
		return nil, err
	}
	plots := [][]*plot.Plot{{byRuntime, byCost}}
	canvas := vgsvg.New(36*vg.Centimeter, 15*vg.Centimeter)
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	pad := vg.Centimeter
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: pad, PadTop: pad / 2, PadBottom: pad / 2, PadLeft: pad / 2, PadRight: pad}
	for i, tile := range plot.Align(plots, tiles, whole)[0] {
		plots[0][i].Draw(tile)
	}
	var svg bytes.Buffer
	_, err = canvas.WriteTo(&svg)
	return svg.Bytes(), err
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Add(plotter.NewGrid())
	return p
}

func lagByRuntime(pollers []Poller) (*plot.Plot, error) {
	p := newPlot("How late the end is noticed (p95)", "runtime of the command", "lag ÷ runtime")
	p.X.Tick.Marker = plot.ConstantTicks{
		{Value: 1, Label: "1 s"}, {Value: 10, Label: "10 s"}, {Value: 60, Label: "1 min"}, {Value: 600, Label: "10 min"},
		{Value: 3600, Label: "1 h"}, {Value: 6 * 3600, Label: "6 h"}, {Value: 24 * 3600, Label: "24 h"},
	}
	p.Y.Tick.Marker = plot.ConstantTicks{
		{Value: 0.001, Label: "0.1 %"}, {Value: 0.01, Label: "1 %"}, {Value: 0.1, Label: "10 %"}, {Value: 1, Label: "100 %"}, {Value: 10, Label: "10 ×"}, {Value: 100, Label: "100 ×"},
	}
	p.Y.Min, p.Y.Max = 0.0005, 200
	p.Legend.Top = true
	const points = 40
	for i, poller := range pollers {
		var xys plotter.XYs
		for j := range points + 1 {
			runtime := math.Pow((24 * time.Hour).Seconds(), float64(j)/points)
			lag := poller.over(around(time.Duration(runtime*float64(time.Second)), 400)).RelativeP95
			xys = append(xys, plotter.XY{X: runtime, Y: lag})
		}
		line, err := plotter.NewLine(xys)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = lineColors[i%len(lineColors)], vg.Points(1.5)
		if i == 0 {
			line.Width = vg.Points(3)
		}
		p.Add(line)
		p.Legend.Add(poller.Name, line)
	}
	return p, nil
}

func lagByCost(compared, curve []Poller, runtimes []time.Duration) (*plot.Plot, error) {
	p := newPlot("What it costs, over all runtimes", "calls a command", "lag p50, seconds")
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 50, 3000, 0.5, 100
	for i, group := range [][]Poller{curve, compared[1:], compared[:1]} {
		var labels plotter.XYLabels
		for _, outcome := range outcomes(group, runtimes) {
			labels.XYs = append(labels.XYs, plotter.XY{X: outcome.Calls, Y: outcome.LagP50})
			labels.Labels = append(labels.Labels, strings.TrimSuffix(outcome.Name, ", equal calls"))
		}
		points, err := plotter.NewScatter(labels.XYs)
		if err != nil {
			return nil, err
		}
		points.GlyphStyle = draw.GlyphStyle{Color: []color.Color{lineColors[4], lineColors[2], lineColors[0]}[i], Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
		figures, err := plotter.NewLabels(labels)
		if err != nil {
			return nil, err
		}
		for i := range figures.TextStyle {
			figures.TextStyle[i].YAlign = draw.YCenter
			figures.TextStyle[i].Font.Size = vg.Points(9)
		}
		figures.Offset = vg.Point{X: vg.Points(7)}
		p.Add(points, figures)
		p.Legend.Add([]string{"other divisors and longest waits", "fixed intervals", "the default"}[i], points)
	}
	p.Legend.Top = true
	return p, nil
}
