package workflows

import (
	"fmt"
	"strings"

	"ehpcflow/activities"
)

// mostDetails is what the details may hold, in bytes; the server takes 20 kB.
const mostDetails = 18_000

// fitDetails cuts details that are too long, at the end of a line.
func fitDetails(text string) string {
	if len(text) <= mostDetails {
		return text
	}
	cut := text[:mostDetails]
	return cut[:strings.LastIndexByte(cut, '\n')+1] + "\n…\n"
}

// details is what the Web UI shows of the run, in Markdown.
func (s *RunCommandStatus) details() string {
	return fitDetails(s.headline() + s.particulars())
}

// headline says first how the run stands. Temporal shows a run in green that it could
// follow to its end, whatever came of it, so that the verdict has to be seen at once.
func (s *RunCommandStatus) headline() string {
	counts := s.RunCommandResult.Counts()
	title := title(s.Phase, s.outcome)
	if failed := failedNodes(counts); s.Phase == Ended && failed > 0 {
		title += fmt.Sprintf(": %d of %s failed", failed, Nodes(len(s.Nodes)))
	}
	text := "# " + title + "\n\n"
	if bar := bar(s.EndedNodes(), len(s.Nodes)); bar != "" && s.Phase != Ended {
		text += bar + " of " + Nodes(len(s.Nodes)) + " ended\n\n"
	}
	return text + CountsText(counts) + "\n\n"
}

// title is a phase, or in capitals the outcome of a run that has ended.
func title(phase Phase, outcome Outcome) string {
	switch {
	case phase != Ended:
		return string(phase)
	case outcome == OutcomeError:
		return "NOT FOLLOWED TO ITS END"
	}
	return strings.ToUpper(string(outcome))
}

// particulars are the commands, what is to be known of them, how to steer the run, and
// the nodes.
func (s *RunCommandStatus) particulars() string {
	var b strings.Builder
	write := func(format string, args ...any) {
		b.WriteString(fmt.Sprintf(format, args...)) //nolint:staticcheck // workflowcheck takes Fprintf for I/O
	}
	since := "submitted"
	if s.attached {
		since = "taken up"
	}
	switch more := len(s.Commands) - 1; {
	case more == 0:
		write("Command `%s` on cluster `%s`, %s at %s UTC\n\n", s.CommandID, s.ClusterID, since, clock(s.SubmittedAt))
	case more > 0:
		write("Command `%s` and %d more on cluster `%s`, submitted from %s UTC on\n\n", s.CommandID, more, s.ClusterID, clock(s.SubmittedAt))
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
	write("%s%s", s.steering(), s.nodesTable())
	return b.String()
}

// steering are the commands that a person may give now, to copy.
func (s *RunCommandStatus) steering() string {
	var lines []string
	say := func(command, why string) { lines = append(lines, fmt.Sprintf("- %s: `%s`", why, command)) }
	switch {
	case s.Phase == Ended && s.outcome == Outcome(Succeeded):
		return ""
	case s.Phase == Ended && s.attached: // it does not know how to run the command again
		return ""
	case s.Phase == Ended:
		say("starter rerun "+s.runID, "run it again where it failed")
	case s.Phase == Stopping:
		return ""
	default:
		say("starter status "+s.runID, "how each node stands")
		if s.Rollout != nil && s.Rollout.Halt == nil {
			if !s.Rollout.Paused {
				say("starter pause "+s.runID+" --why TEXT", "start nothing more for now")
			}
			say("starter set "+s.runID+" --max-failures N --why TEXT", "change the budget; also --concurrency and others")
		}
		say("starter cancel "+s.runID, s.cancelling())
	}
	return strings.Join(lines, "\n") + "\n\n"
}

// cancelling is what cancelling the run does.
func (s *RunCommandStatus) cancelling() string {
	switch {
	case s.attached:
		return "end the watching; the command, submitted elsewhere, is not stopped"
	case s.raw:
		return "end the watching; the command, sent as it is, cannot be stopped"
	}
	return "stop the command wherever it runs"
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
