package workflows

import (
	"fmt"
	"strings"

	"ehpcflow/activities"
)

// details is what the Web UI shows of the run, in Markdown. The server takes 20
// kB, which mostShown nodes do not fill.
func (s *RunCommandStatus) details() string {
	return fmt.Sprintf("**%s** · %s\n\n%s", s.headline(), CountsText(s.RunCommandResult.Counts()), s.particulars())
}

// particulars are the commands, what is to be known of them, and the nodes.
func (s *RunCommandStatus) particulars() string {
	var b strings.Builder
	write := func(format string, args ...any) {
		b.WriteString(fmt.Sprintf(format, args...)) //nolint:staticcheck // workflowcheck takes Fprintf for I/O
	}
	switch more := len(s.Commands) - 1; {
	case more == 0:
		write("Command `%s` on cluster `%s`\n\n", s.CommandID, s.ClusterID)
	case more > 0:
		write("Command `%s` and %d more on cluster `%s`\n\n", s.CommandID, more, s.ClusterID)
	}
	if origin := s.Origin(); origin != "" {
		write("%s\n\n", shorten(origin, 500))
	}
	if s.Reason != "" {
		write("%s\n\n", shorten(s.Reason, 1000))
	}
	if s.Question != nil {
		write("**Question.** %s\n\nAnswer it with one of\n\n", shorten(s.Question.Text, 1000))
		for _, choice := range s.Question.Choices {
			write("    starter answer %s %s\n", s.runID, choice.Usage())
		}
		write("\n")
	}
	shown, left := s.worthShowing()
	if len(shown) > 0 {
		write("| node | host | state | exit | remark |\n|---|---|---|---|---|\n")
	}
	for _, node := range shown {
		exit := ""
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		write("| %s | %s | %s | %s | %s |\n", node.InstanceID, node.HostName, node.State, exit, shorten(node.Remark(), 80))
	}
	if left > 0 {
		write("\n%d more nodes are not shown\n", left)
	}
	return b.String()
}

// mostShown is how many nodes the details show.
const mostShown = 100

// worthShowing are the nodes to show, and how many are left out: of many, those
// that went wrong come first.
func (s *RunCommandStatus) worthShowing() (shown NodeResults, left int) {
	if len(s.Nodes) <= mostShown {
		return s.Nodes, 0
	}
	for _, node := range s.Nodes {
		switch node.State {
		case activities.Pending, activities.Running, activities.Finished, activities.Succeeded:
		case activities.Unknown, activities.Failed, activities.Stopped, activities.TimedOut, activities.Nonzero, activities.Lost, activities.Skipped:
			if len(shown) < mostShown {
				shown = append(shown, node)
			}
		}
	}
	return shown, len(s.Nodes) - len(shown)
}

func (s *RunCommandStatus) headline() string {
	switch {
	case s.Phase != Ended:
		return string(s.Phase)
	case s.Verdict != "":
		return string(s.Verdict)
	}
	return "not followed to its end"
}

// CountsText reads "3 succeeded, 1 nonzero", or "no nodes yet".
func CountsText(counts map[NodeState]int) string {
	var parts []string
	for _, state := range activities.NodeStates {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 {
		return "no nodes yet"
	}
	return strings.Join(parts, ", ")
}

// Nodes counts nodes in words: "1 node", "4 nodes".
func Nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// Remark is what a person should know of a node beside its state.
func (n NodeResult) Remark() string {
	if n.Word != "" && !n.State.Ended() {
		return fmt.Sprintf("the service says %q", n.Word)
	}
	var remarks []string
	for _, remark := range []string{n.Reason, n.OutputRemark} {
		if remark != "" {
			remarks = append(remarks, remark)
		}
	}
	if !n.RetryAt.IsZero() {
		remarks = append(remarks, "to be tried again at "+clock(n.RetryAt)+" UTC")
	}
	return strings.Join(remarks, "; ")
}

func (s *RunCommandStatus) watchSummary() string {
	what := s.CommandID
	if len(s.Commands) > 1 {
		what = fmt.Sprintf("%d commands", len(s.Commands))
	}
	return fmt.Sprintf("watch %s: %d of %s running", what, s.RunCommandResult.Counts()[activities.Running], Nodes(len(s.Nodes)))
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
