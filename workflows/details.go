package workflows

import (
	"fmt"
	"strings"

	"ehpcflow/activities"
)

// details is what the Web UI shows of the run, in Markdown. The server takes 20
// kB; a run of MaxNodes nodes makes half of that.
func (s *RunCommandStatus) details() string {
	var b strings.Builder
	write := func(format string, args ...any) {
		b.WriteString(fmt.Sprintf(format, args...)) //nolint:staticcheck // workflowcheck takes Fprintf for I/O
	}
	write("**%s** · %s\n\n", s.headline(), s.CountsText())
	if s.CommandID != "" {
		write("Command `%s` on cluster `%s`\n\n", s.CommandID, s.ClusterID)
	}
	if s.Reason != "" {
		write("%s\n\n", shorten(s.Reason, 1000))
	}
	if len(s.Nodes) > 0 {
		write("| node | host | state | exit | remark |\n|---|---|---|---|---|\n")
	}
	for _, node := range s.Nodes {
		exit := ""
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		write("| %s | %s | %s | %s | %s |\n", node.InstanceID, node.HostName, node.State, exit, node.Remark())
	}
	return b.String()
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
func (r RunCommandResult) CountsText() string {
	counts := r.Counts()
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
	return n.Reason
}

func (s *RunCommandStatus) watchSummary() string {
	counts := s.Counts()
	return fmt.Sprintf("watch %s: %d of %s running", s.CommandID, counts[activities.Running], Nodes(len(s.Nodes)))
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
