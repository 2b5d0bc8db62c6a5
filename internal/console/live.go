package console

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// live draws a line for the run and, while they fit on the screen, one for each
// node.
type live struct {
	out     io.Writer
	screen  *mpb.Progress
	close   sync.Once
	most    int // node lines that fit
	mu      sync.Mutex
	report  runs.Report
	started time.Time
	ended   map[string]time.Time
	bars    []*mpb.Bar
	trouble string
}

func newLive(out io.Writer, height int) *live {
	l := &live{
		out:     out,
		screen:  mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(120*time.Millisecond), mpb.WithAutoRefresh()),
		most:    max(height-4, 0),
		started: time.Now(),
		ended:   make(map[string]time.Time),
	}
	l.addLine(l.head)
	return l
}

func (l *live) Show(report runs.Report) {
	l.mu.Lock()
	for _, node := range report.Nodes {
		switch _, known := l.ended[node.InstanceID]; {
		case !node.State.Ended(): // or it is tried again
			delete(l.ended, node.InstanceID)
		case !known:
			l.ended[node.InstanceID] = time.Now()
		}
	}
	l.report = report
	news := report.Trouble != "" && report.Trouble != l.trouble
	l.trouble = report.Trouble
	lines := len(l.bars) - 1
	l.mu.Unlock()

	if news {
		fmt.Fprintf(l.screen, "waiting: %s\n", printable(report.Trouble))
	}
	if max(report.NodeCount, len(report.Nodes)) <= l.most {
		for i := lines; i < len(report.Nodes); i++ {
			l.addLine(func() string { return l.node(i) })
		}
	}
}

func (l *live) Close() {
	l.close.Do(func() {
		for _, bar := range l.bars {
			bar.SetTotal(-1, true)
		}
		l.screen.Wait()
		fmt.Fprintln(l.out)
	})
}

// addLine adds a line whose text is asked for at each refresh.
func (l *live) addLine(text func() string) {
	bar, err := l.screen.Add(0, nil, mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		l.mu.Lock()
		defer l.mu.Unlock()
		return text()
	})))
	if err == nil { // it is closed otherwise
		l.bars = append(l.bars, bar)
	}
}

func (l *live) head() string {
	return fmt.Sprintf("%s  %s", l.report.RunID, phaseText(l.report))
}

func (l *live) node(i int) string {
	if i >= len(l.report.Nodes) {
		return ""
	}
	node := l.report.Nodes[i]
	took := time.Since(l.started)
	if at, ended := l.ended[node.InstanceID]; ended {
		took = at.Sub(l.started)
	}
	return fmt.Sprintf("  %s %s %s %4s  %s", mark(node.State), pad(node.InstanceID, 22), pad(node.HostName, 14),
		took.Truncate(time.Second), printable(stateText(node)))
}

const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

func mark(state workflows.NodeState) string {
	switch state {
	case activities.Succeeded:
		return "✓"
	case activities.Finished:
		return "·"
	case activities.Pending, activities.Running, activities.Unknown:
		frames := []rune(spinner)
		return string(frames[time.Now().UnixMilli()/120%int64(len(frames))])
	case activities.Nonzero, activities.Failed, activities.Stopped, activities.TimedOut, activities.Lost, activities.Skipped:
	}
	return "✗"
}

func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }
