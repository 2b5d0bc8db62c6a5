package console

import (
	"io"
	"os"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// paint colours texts, or leaves them as they are.
type paint bool

// paintFor colours what goes to a terminal, unless the terminal can do nothing or its user
// wants none: see https://no-color.org.
func paintFor(out io.Writer) paint {
	width, _ := screenSize(out)
	return paint(width > 0 && os.Getenv("NO_COLOR") == "" && !isDumb())
}

// isDumb says that the terminal only prints: no colours, no moving about.
func isDumb() bool { return os.Getenv("TERM") == "dumb" }

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	normal = "\x1b[0m"
)

func (p paint) in(colour, text string) string {
	if !p || colour == "" || text == "" {
		return text
	}
	return colour + text + normal
}

func (p paint) state(state workflows.NodeState, text string) string {
	return p.in(stateColour(state), text)
}

func stateColour(state workflows.NodeState) string {
	switch state {
	case activities.Succeeded:
		return green
	case activities.Nonzero, activities.Failed, activities.Stopped, activities.TimedOut, activities.Lost:
		return red
	case activities.Skipped, activities.Unknown:
		return yellow
	case activities.Pending, activities.Running, activities.Finished:
	}
	return ""
}

func (p paint) verdict(verdict workflows.Verdict) string {
	switch verdict {
	case workflows.Succeeded:
		return p.in(green, string(verdict))
	case workflows.Failed, workflows.Gone, workflows.Aborted:
		return p.in(red, string(verdict))
	case workflows.Partial, workflows.Canceled, workflows.Unattended:
		return p.in(yellow, string(verdict))
	default:
		return string(verdict)
	}
}
