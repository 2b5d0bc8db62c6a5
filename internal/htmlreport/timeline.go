package htmlreport

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// timeline is the picture of a run: a bar for each node of few, and of many how many ran
// and had ended at each time; below it a cell for each node.
type timeline struct {
	Bars, Curve, Cells template.HTML // SVG; "" is none
}

// mostBars is up to how many nodes each has a bar.
const mostBars = 100

// span is when a node ran, for one attempt.
type span struct {
	node       int
	from, to   time.Time
	class, tip string
	open       bool // its end is not known
}

const (
	width  = 960.0
	margin = 150.0 // for names, left of the bars
)

// timelineOf draws what is known of the times: a node runs from the submit of its command
// to its end by the service's word.
func timelineOf(report runs.Report, now time.Time) timeline {
	var t timeline
	spans := spansOf(report, now)
	if len(report.Nodes) == 0 {
		return t
	}
	few := len(report.Nodes) <= mostBars
	if !few || len(spans) == 0 {
		t.Cells = cells(report.Nodes)
	}
	if len(spans) == 0 {
		return t
	}
	from, to := spans[0].from, spans[0].to
	for _, s := range spans {
		from, to = earlier(from, s.from), later(to, s.to)
	}
	if to.Sub(from) < time.Second {
		to = from.Add(time.Second)
	}
	if few {
		t.Bars = bars(report.Nodes, spans, from, to)
	} else {
		t.Curve = curve(spans, len(report.Nodes), from, to)
	}
	return t
}

// begun is when the command that tells of a node was submitted.
func begun(report runs.Report) map[string]time.Time {
	began := make(map[string]time.Time, len(report.Nodes))
	for _, command := range report.Commands {
		for _, id := range nodesOf(report, command) {
			began[id] = later(began[id], command.SubmittedAt)
		}
	}
	return began
}

func nodesOf(report runs.Report, command workflows.Command) []string {
	ids := slices.Concat(command.InstanceIDs, command.Unasked)
	if len(command.InstanceIDs) == 0 && command.From >= 0 && command.From+command.Nodes <= len(report.Nodes) {
		for _, node := range report.Nodes[command.From : command.From+command.Nodes] {
			if !slices.Contains(command.Refused, node.InstanceID) && (len(command.Only) == 0 || slices.Contains(command.Only, node.InstanceID)) {
				ids = append(ids, node.InstanceID)
			}
		}
	}
	return ids
}

func spansOf(report runs.Report, now time.Time) []span {
	submitted := make(map[string]time.Time, len(report.Commands))
	for _, command := range report.Commands {
		submitted[command.CommandID] = command.SubmittedAt
	}
	until := now
	if !report.EndedAt.IsZero() {
		until = report.EndedAt
	}
	began := begun(report)
	var spans []span
	for i, node := range report.Nodes {
		for n, attempt := range node.Attempts {
			if at := submitted[attempt.CommandID]; !at.IsZero() && !attempt.FinishedAt.IsZero() {
				spans = append(spans, span{
					node: i, from: at, to: later(at, attempt.FinishedAt), class: classOf(attempt.State),
					tip: fmt.Sprintf("%s, attempt %d: %s", node.InstanceID, n+1, attempt.State),
				})
			}
		}
		at := began[node.InstanceID]
		if at.IsZero() || classOf(node.State) == "other" && node.FinishedAt.IsZero() {
			continue
		}
		s := span{node: i, from: at, to: later(at, node.FinishedAt), class: classOf(node.State), tip: fmt.Sprintf("%s: %s", node.InstanceID, node.State)}
		switch {
		case node.FinishedAt.IsZero():
			s.to, s.open = later(at, until), true
		case endedBefore(node, at):
			s.tip += " before " + stamp(at)
		default:
			s.tip += " after " + took(s.to.Sub(at))
		}
		spans = append(spans, s)
	}
	return spans
}

func bars(nodes []workflows.NodeResult, spans []span, from, to time.Time) template.HTML {
	const row, top = 16.0, 22.0
	height := top + row*float64(len(nodes)) + 4
	x := func(at time.Time) float64 { return margin + (width-margin-8)*share(at, from, to) }
	var b strings.Builder
	open(&b, height, fmt.Sprintf("when each of %s ran", workflows.Nodes(len(nodes))))
	axis(&b, from, to, height, margin, width-8)
	for i, node := range nodes {
		y := top + row*float64(i)
		if i > 0 && node.Wave != nodes[i-1].Wave {
			fmt.Fprintf(&b, `<path class="wave" d="M0 %.1fH%.0f"/>`, y, width)
		}
		fmt.Fprintf(&b, `<text class="name" x="%.0f" y="%.1f" text-anchor="end">%s</text>`, margin-6, y+11.5,
			template.HTMLEscapeString(short(cmp.Or(node.HostName, node.InstanceID), 22)))
	}
	for _, s := range spans {
		open := ""
		if s.open {
			open = " open"
		}
		fmt.Fprintf(&b, `<rect class="%s%s" x="%.1f" y="%.1f" width="%.1f" height="10" rx="2"><title>%s</title></rect>`,
			s.class, open, x(s.from), top+row*float64(s.node)+3, max(x(s.to)-x(s.from), 2), template.HTMLEscapeString(s.tip))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // the texts in it are escaped
}

// curve draws, over the time, how many nodes were running, and how many had ended well or
// badly, in so many steps.
func curve(spans []span, all int, from, to time.Time) template.HTML {
	const steps, height, top = 300, 190.0, 22.0
	type count struct{ running, good, bad int }
	counts := make([]count, steps+1)
	for _, s := range spans {
		first, last := step(s.from, from, to, steps), step(s.to, from, to, steps)
		for i := first; i <= steps; i++ {
			switch {
			case i < last || s.open:
				counts[i].running++
			case s.class == "good":
				counts[i].good++
			case s.class == "bad":
				counts[i].bad++
			}
		}
	}
	var b strings.Builder
	open(&b, height, fmt.Sprintf("how many of %s were running, and had ended, over time", workflows.Nodes(all)))
	axis(&b, from, to, height-4, 44, width-8)
	area := func(class string, low, high func(count) int) {
		y := func(n int) float64 { return height - 4 - (height-4-top)*float64(n)/float64(all) }
		x := func(i int) float64 { return 44 + (width-52)*float64(i)/steps }
		var up, down []string
		for i, c := range counts {
			up = append(up, fmt.Sprintf("%.1f %.1f", x(i), y(high(c))))
			down = append(down, fmt.Sprintf("%.1f %.1f", x(i), y(low(c))))
		}
		slices.Reverse(down)
		fmt.Fprintf(&b, `<path class="%s" d="M%sZ"/>`, class, strings.Join(append(up, down...), "L"))
	}
	area("good", func(count) int { return 0 }, func(c count) int { return c.good })
	area("bad", func(c count) int { return c.good }, func(c count) int { return c.good + c.bad })
	area("going", func(c count) int { return c.good + c.bad }, func(c count) int { return c.good + c.bad + c.running })
	fmt.Fprintf(&b, `<text class="tick" x="38" y="%.0f" text-anchor="end">%d</text><text class="tick" x="38" y="%.0f" text-anchor="end">0</text></svg>`,
		top+9, all, height-5)
	return template.HTML(b.String()) //nolint:gosec // it holds numbers and words of ours
}

// cells draws a square for each node, in the order of the run, with a gap before each wave.
func cells(nodes []workflows.NodeResult) template.HTML {
	size := 12.0
	switch {
	case len(nodes) > 3000:
		size = 6
	case len(nodes) > 600:
		size = 8
	}
	columns := int(width / size)
	paths := make(map[string]*strings.Builder)
	column, row, gap := 0, 0, 0.0
	for i, node := range nodes {
		if i > 0 && (column == columns || node.Wave != nodes[i-1].Wave) {
			if node.Wave != nodes[i-1].Wave {
				gap += 5
			}
			column, row = 0, row+1
		}
		class := classOf(node.State)
		if paths[class] == nil {
			paths[class] = new(strings.Builder)
		}
		fmt.Fprintf(paths[class], "M%g %gh%gv%gh-%gz", size*float64(column), size*float64(row)+gap, size-1, size-1, size-1)
		column++
	}
	var b strings.Builder
	open(&b, size*float64(row+1)+gap, "a square for each node")
	for _, class := range []string{"good", "bad", "going", "other"} {
		if path := paths[class]; path != nil {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, class, path)
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // it holds numbers and words of ours
}

func open(b *strings.Builder, height float64, what string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, width, math.Ceil(height), what)
}

// axis writes the time since the beginning along the top, with lines down.
func axis(b *strings.Builder, from, to time.Time, height, left, right float64) {
	every := tick(to.Sub(from))
	for at := time.Duration(0); at <= to.Sub(from); at += every {
		x := left + (right-left)*float64(at)/float64(to.Sub(from))
		fmt.Fprintf(b, `<path class="grid" d="M%.1f 16V%.0f"/><text class="tick" x="%.1f" y="11">%s</text>`, x, height, min(x, right-34), at)
	}
}

// tick is a round time, of which about eight fit.
func tick(length time.Duration) time.Duration {
	for _, every := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute,
		10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
	} {
		if length/every <= 8 {
			return every
		}
	}
	return length/8 + 1
}

func share(at, from, to time.Time) float64 { return float64(at.Sub(from)) / float64(to.Sub(from)) }

func step(at, from, to time.Time, steps int) int {
	return min(max(int(share(at, from, to)*float64(steps)), 0), steps)
}

func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
