// Package drawing draws the graph of a pipeline as an SVG, for ground that is light or
// dark. It knows what a graph is, and neither files nor Temporal.
package drawing

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"ehpcflow/pipeline"
)

// SVG draws a graph, each step in the colours of its state; of "" it has those of one that
// waits. What a step does is its title, which a browser shows under the pointer.
func SVG(g pipeline.Graph, state func(step string) string) []byte {
	l := laidOut(g)
	d := &drawing{}
	width, tall := 0.0, 0.0
	for _, spot := range l.spots {
		width = max(width, spot.x+spot.width)
		tall = max(tall, spot.y+spot.height/2)
	}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" font-family="system-ui,Segoe UI,Helvetica,Arial,sans-serif" text-anchor="middle">`,
		width+margin, tall+margin, width+margin, tall+margin)
	d.add(`<title>%s</title>`, escaped(g.Name))
	d.add(`<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 1L10 5L0 9z" fill="%s"/></marker></defs>`, grey)
	d.last(l)
	for _, way := range l.routes {
		d.edge(l, way)
	}
	for i, spot := range l.spots {
		switch {
		case spot.node != nil:
			d.step(spot, state(spot.node.Step))
		case i == l.ended:
			d.add(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>all steps have ended</title></circle>`, spot.x+spot.width/2, spot.y, grey)
		}
	}
	d.add(`</svg>`)
	return []byte(d.text.String())
}

const grey = "#78909c" // is seen on light ground and on dark

type drawing struct{ text strings.Builder }

func (d *drawing) add(format string, values ...any) {
	fmt.Fprintf(&d.text, format+"\n", values...)
}

// widthOf is that of the box of a step, for letters as wide as those of any common font.
func widthOf(node pipeline.Node) float64 {
	width := max(8.2*float64(utf8.RuneCountInString(node.Step)), 6*float64(utf8.RuneCountInString(kindOf(node)))) + 26
	if node.Kind == pipeline.Approves || node.Kind == pipeline.Waits {
		width += 22
	}
	return max(width, 78)
}

func kindOf(node pipeline.Node) string {
	if node.Foreach {
		return string(node.Kind) + " × n"
	}
	return string(node.Kind)
}

// last frames the steps of finally.
func (d *drawing) last(l *layout) {
	const space, label = 13.0, 16.0
	var left, right, top, bottom float64
	found := false
	for _, s := range l.spots {
		if s.node == nil || !s.node.Finally {
			continue
		}
		if !found {
			left, right, top, bottom, found = s.x, s.x+s.width, s.y-height/2, s.y+height/2, true
		}
		left, right = min(left, s.x), max(right, s.x+s.width)
		top, bottom = min(top, s.y-height/2), max(bottom, s.y+height/2)
	}
	if !found {
		return
	}
	d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="10" fill="none" stroke="%s" stroke-dasharray="5 4"/>`,
		left-space, top-space, right-left+2*space, bottom-top+2*space+label, grey)
	d.add(`<text x="%.1f" y="%.1f" font-size="12" fill="%s">finally</text>`, (left+right)/2, bottom+label+4, grey)
}

// edge draws a way as curves between layers, and straight where it passes one.
func (d *drawing) edge(l *layout, way route) {
	var path strings.Builder
	from := l.spots[way.spots[0]]
	x, y := from.x+from.width, from.y
	if way.spots[0] == l.ended {
		x = from.x + from.width/2 + 4
	}
	fmt.Fprintf(&path, "M%.1f %.1f", x, y)
	for k, i := range way.spots[1:] {
		to := l.spots[i]
		end := to.x
		if i == l.ended {
			end = to.x + to.width/2 - 4
		}
		bend := min((end-x)/2, layers)
		fmt.Fprintf(&path, "C%.1f %.1f %.1f %.1f %.1f %.1f", x+bend, y, end-bend, to.y, end, to.y)
		x, y = end, to.y
		if k < len(way.spots)-2 {
			x = to.x + to.width
			fmt.Fprintf(&path, "H%.1f", x)
		}
	}
	more := ""
	if !way.headless {
		more += ` marker-end="url(#arrow)"`
	}
	if way.failure {
		more += ` stroke-dasharray="5 4"`
	}
	d.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.4"%s/>`, path.String(), grey, more)
	if way.failure {
		to := l.spots[way.spots[1]]
		d.add(`<text x="%.1f" y="%.1f" font-size="10" text-anchor="end" fill="%s">failed</text>`, to.x-8, to.y-7, grey)
	}
}

// step draws a box: its form says the kind of the step, sheets behind it that there are
// several.
func (d *drawing) step(s spot, state string) {
	paint := paintOf(state)
	look := fmt.Sprintf(`fill="%s" stroke="%s" stroke-width="1.5"`, paint.Fill, paint.Line)
	if paint.Dashed {
		look += ` stroke-dasharray="5 3"`
	}
	d.add(`<g><title>%s</title>`, escaped(titleOf(*s.node, state)))
	x, y := s.x, s.y-height/2
	if s.node.Foreach {
		d.form(s.node.Kind, x+5, y+5, s.width, look)
	}
	d.form(s.node.Kind, x, y, s.width, look)
	middle := x + s.width/2
	d.add(`<text x="%.1f" y="%.1f" font-size="13" font-weight="600" fill="%s">%s</text>`, middle, y+18, paint.Text, escaped(s.node.Step))
	d.add(`<text x="%.1f" y="%.1f" font-size="10" fill="%s">%s</text></g>`, middle, y+32, paint.Text, escaped(kindOf(*s.node)))
}

// form of a kind: a box for a command, a round one for a job, a hexagon for an approval,
// a lozenge for a wait, a double box for a pipeline.
func (d *drawing) form(kind pipeline.Kind, x, y, width float64, look string) {
	switch kind {
	case pipeline.Approves:
		const cut = 14.0
		d.add(`<path d="M%.1f %.1fH%.1fL%.1f %.1fL%.1f %.1fH%.1fL%.1f %.1fz" %s/>`,
			x+cut, y, x+width-cut, x+width, y+height/2, x+width-cut, y+height, x+cut, x, y+height/2, look)
	case pipeline.SubPipeline:
		d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" %s/>`, x, y, width, height, look)
		d.add(`<path d="M%.1f %.1fv%.1fM%.1f %.1fv%.1f" %s/>`, x+6, y, height, x+width-6, y, height, look)
	default:
		corners := map[pipeline.Kind]float64{pipeline.RunsJob: 11, pipeline.Waits: height / 2}
		d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f" %s/>`, x, y, width, height, max(2, corners[kind]), look)
	}
}

func paintOf(state string) pipeline.Paint {
	for _, paint := range pipeline.Paints {
		if paint.State == state {
			return paint
		}
	}
	return pipeline.Paints[0]
}

func titleOf(node pipeline.Node, state string) string {
	words := node.Step
	if state != "" {
		words += " (" + state + ")"
	}
	if node.Gist != "" {
		words += ": " + node.Gist
	}
	return words
}

// escaped is a text in XML, without what XML cannot hold.
func escaped(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text))
}
