package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	pictureWidth = 32 * vg.Centimeter

	// The picture is as high as its bars and their figures need.
	heightAtLeast = 4 * vg.Centimeter
	heightOfLoad  = 8 * vg.Centimeter

	// least is what smaller values are drawn as: a log scale has no zero.
	least = 0.001
)

// loadColors tell the numbers of runs apart, also for most of the colour-blind.
var loadColors = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	color.RGBA{0x00, 0x9e, 0x73, 0xff}, color.RGBA{0xcc, 0x79, 0xa7, 0xff},
}

func init() { plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans" }

// panels of the picture, by rows.
var panels = [][]struct {
	title string
	value func(Measurement) float64
}{
	{
		{"History events a run", func(m Measurement) float64 { return m.Events }},
		{"Server CPU, seconds for all runs", func(m Measurement) float64 { return m.ServerCPU }},
	},
	{
		{"End lag p99, seconds", func(m Measurement) float64 { return m.EndLag.P99 }},
		{"API calls a run", func(m Measurement) float64 { return m.APICalls }},
	},
}

// picture draws the measurements as SVG, on white.
func (r *Report) picture() ([]byte, error) {
	var plots [][]*plot.Plot
	for _, row := range panels {
		var drawn []*plot.Plot
		for _, panel := range row {
			p, err := r.panel(panel.title, panel.value)
			if err != nil {
				return nil, err
			}
			drawn = append(drawn, p)
		}
		plots = append(plots, drawn)
	}
	canvas := vgsvg.New(pictureWidth, heightAtLeast+vg.Length(len(r.loads()))*heightOfLoad)
	tiles := draw.Tiles{
		Rows: len(plots), Cols: len(plots[0]), PadX: vg.Centimeter, PadY: vg.Centimeter,
		PadTop: vg.Centimeter / 2, PadBottom: vg.Centimeter / 2, PadLeft: vg.Centimeter / 2, PadRight: vg.Centimeter / 2,
	}
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Path())
	for i, row := range plot.Align(plots, tiles, whole) {
		for j, tile := range row {
			plots[i][j].Draw(tile)
		}
	}
	var svg bytes.Buffer
	_, err := canvas.WriteTo(&svg)
	return svg.Bytes(), err
}

// loads are the numbers of runs at once that were measured.
func (r *Report) loads() []int {
	var loads []int
	for _, m := range r.Measurements {
		if !slices.Contains(loads, m.Runs) {
			loads = append(loads, m.Runs)
		}
	}
	return loads
}

// panel has a row for each pattern, and in it a bar for each number of runs.
func (r *Report) panel(title string, value func(Measurement) float64) (*plot.Plot, error) {
	var names []string
	loads := r.loads()
	lowest, highest := math.Inf(1), least
	for _, m := range r.Measurements {
		if !slices.Contains(names, m.Pattern) {
			names = append(names, m.Pattern)
		}
		lowest, highest = min(lowest, max(value(m), least)), max(highest, value(m))
	}
	slices.Reverse(names) // the first goes to the top

	p := plot.New()
	p.Title.Text = title
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5+float64(len(loads))/2 // the legend stands above
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.X.Min = 0.999 * math.Pow10(int(math.Floor(math.Log10(lowest*0.9)))) // or its tick may fall off
	p.X.Max = math.Pow10(int(math.Ceil(math.Log10(highest * 3))))
	p.Legend.Top = true
	for i, runs := range loads {
		points, err := r.bars(p, runs, value, func(m Measurement) float64 {
			return float64(slices.Index(names, m.Pattern)) + 0.8*(0.5-(float64(i)+0.5)/float64(len(loads)))
		}, loadColors[i%len(loadColors)])
		if err != nil {
			return nil, err
		}
		p.Legend.Add(fmt.Sprintf("%d runs at once", runs), points)
	}
	return p, nil
}

// bars draws a line with a dot and its figure at the end for each pattern, at the
// height that it has.
func (r *Report) bars(
	p *plot.Plot, runs int, value, height func(Measurement) float64, in color.Color,
) (*plotter.Scatter, error) {
	var labels plotter.XYLabels
	for _, m := range r.Measurements {
		if m.Runs != runs {
			continue
		}
		end := plotter.XY{X: max(value(m), least), Y: height(m)}
		labels.XYs = append(labels.XYs, end)
		labels.Labels = append(labels.Labels, fmt.Sprintf("%.3g", value(m)))
		line, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: end.Y}, end})
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = in, vg.Points(3)
		p.Add(line)
	}
	points, err := plotter.NewScatter(labels.XYs)
	if err != nil {
		return nil, err
	}
	points.GlyphStyle = draw.GlyphStyle{Color: in, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
	figures, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range figures.TextStyle {
		figures.TextStyle[i].YAlign = draw.YCenter
	}
	figures.Offset = vg.Point{X: vg.Points(6)}
	p.Add(points, figures)
	return points, nil
}
