package runs

import (
	"fmt"
	"strings"

	"ehpcflow/workflows"
)

// summary is the run's line in the Web UI, of which the server takes 400 bytes.
func summary(in workflows.RolloutInput) string {
	if in.Attach != nil {
		return fmt.Sprintf("command %s of %s, submitted elsewhere", beginning(in.Attach.CommandID), in.ClusterID)
	}
	command := strings.Join(strings.Fields(in.Command), " ")
	return fmt.Sprintf("%s of %s: %s", beginning(in.Target.String()+wavesText(in)), in.ClusterID, beginning(command))
}

// wavesText reads " in 3 waves" where the nodes are named, and otherwise " in waves of
// 1, 10%, 100%".
func wavesText(in workflows.RolloutInput) string {
	waves := in.Policy.Waves
	switch n := len(in.Target.Nodes); {
	case len(waves) == 0:
		return ""
	case n > 0:
		if waves := len(in.Policy.Split(n)); waves > 1 {
			return fmt.Sprintf(" in %d waves", waves)
		}
		return ""
	}
	sizes := make([]string, min(len(waves), 5))
	for i := range sizes {
		sizes[i] = waves[i].String()
	}
	text := " in waves of " + strings.Join(sizes, ", ")
	if len(waves) > len(sizes) {
		text += " and more"
	}
	return text
}

func beginning(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:60]) + "…"
	}
	return text
}

func details(in workflows.RolloutInput) string {
	if in.Attach != nil {
		return fmt.Sprintf("Follows command `%s` of cluster `%s`, which was submitted elsewhere", in.Attach.CommandID, in.ClusterID)
	}
	fence := "```"
	for strings.Contains(in.Command, fence) {
		fence += "`"
	}
	return fmt.Sprintf("Cluster `%s`%s, timeout %d s\n\n%ssh\n%s\n%s", in.ClusterID, wavesText(in), in.TimeoutSeconds, fence, in.Command, fence)
}
