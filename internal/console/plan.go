package console

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

// PlanJSON is a plan for machines. However many the nodes are, each is an object of its
// own.
type PlanJSON struct {
	workflows.PlanCommandResult
	Nodes   []activities.Node `json:"nodes"`   // on which it would run
	Skipped []activities.Node `json:"skipped"` // that are meant and cannot run a command
	LeftOut []activities.Node `json:"leftOut"` // that are not meant
}

// WritePlanJSON writes a plan for machines.
func WritePlanJSON(out io.Writer, plan workflows.PlanCommandResult) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	each := func(nodes activities.Nodes) []activities.Node { return append([]activities.Node{}, nodes...) }
	return encoder.Encode(PlanJSON{plan, each(plan.Nodes), each(plan.Skipped), each(plan.LeftOut)})
}

// WritePlan writes a plan for people: a table of the nodes, in a large cluster only of
// those that cannot run a command, and what the run would come to.
func WritePlan(out io.Writer, plan workflows.PlanCommandResult) error {
	var b strings.Builder
	all := len(plan.Nodes) + len(plan.Skipped) + len(plan.LeftOut)
	rows := planRows(plan, all > mostListed)
	if len(rows) > 0 {
		t := newTable(planColumns(plan))
		for _, row := range rows {
			t.AppendRow(cells(row))
		}
		b.WriteString(t.Render() + "\n")
	}
	if left := all - len(rows); left > 0 {
		fmt.Fprintf(&b, "%s not listed; --json has them all\n", workflows.Nodes(left))
	}
	b.WriteString("\n")
	for _, line := range planLines(plan) {
		if line.text != "" {
			fmt.Fprintf(&b, "%-10s %s\n", line.name, strings.ReplaceAll(printable(line.text), "\n", "\n"+strings.Repeat(" ", 11)))
		}
	}
	b.WriteString("\n" + printable(plan.Headline()) + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// planColumns has the queue where queues were asked for: of the others it is not known.
func planColumns(plan workflows.PlanCommandResult) []string {
	columns := []string{"node", "host", "role", "status", "remark"}
	if asksQueues(plan) {
		columns = slices.Insert(columns, queueColumn, "queue")
	}
	return columns
}

func asksQueues(plan workflows.PlanCommandResult) bool {
	return plan.Cluster != nil && len(plan.Cluster.Queues) > 0
}

// queueColumn is the place of the queue, after the role.
const queueColumn = 3

// planRows are those of the nodes that the command would be submitted to first.
func planRows(plan workflows.PlanCommandResult, onlyUnfit bool) [][]string {
	var rows [][]string
	add := func(nodes activities.Nodes, remark func(activities.Node) string) {
		for _, node := range nodes {
			if onlyUnfit && (node.Unfit == "" || node.LeftOut != "" || len(rows) == mostListed) {
				continue
			}
			row := []string{
				node.InstanceID, printable(node.HostName), printable(strings.Join(node.Roles, ", ")),
				printable(node.Status), printable(remark(node)),
			}
			if asksQueues(plan) {
				row = slices.Insert(row, queueColumn, printable(strings.Join(node.Queues, ", ")))
			}
			rows = append(rows, row)
		}
	}
	add(plan.Nodes, func(node activities.Node) string {
		if node.Unfit == "" {
			return ""
		}
		return "cannot run a command: " + node.Unfit
	})
	add(plan.Skipped, func(node activities.Node) string { return "skipped, cannot run a command: " + node.Unfit })
	add(plan.LeftOut, func(node activities.Node) string { return "left out: " + string(node.LeftOut) })
	return rows
}

type planLine struct{ name, text string }

func planLines(plan workflows.PlanCommandResult) []planLine {
	cluster := plan.ClusterText()
	if cluster == "" {
		cluster = "not looked at: named nodes are taken as they are, by run too; --status running looks them up"
	}
	lines := []planLine{
		{"Cluster", plan.Input.ClusterID + ", " + cluster},
		{"Target", plan.Input.Target.String()},
		{"Nodes", nodesText(plan)},
	}
	lines = append(lines, rolloutLines(plan)...)
	if plan.Refused == nil {
		lines = append(lines, planLine{"Commands", commandsText(plan)}, planLine{"API calls", callsText(plan)})
	}
	return append(lines, planLine{"Text", textText(plan)}, planLine{"Command", plan.Input.Command})
}

func nodesText(plan workflows.PlanCommandResult) string {
	text := fmt.Sprintf("%d meant", len(plan.Nodes)+len(plan.Skipped))
	if n := len(plan.Nodes); n > 1 && plan.Nodes[0].HostName != "" {
		text += fmt.Sprintf(", %s to %s", plan.Nodes[0].HostName, plan.Nodes[n-1].HostName)
	}
	if len(plan.Skipped) > 0 {
		text += fmt.Sprintf("; %d of them skipped", len(plan.Skipped))
	}
	counts := make(map[activities.LeftOut]int)
	for _, node := range plan.LeftOut {
		counts[node.LeftOut]++
	}
	var reasons []string
	for _, reason := range activities.AllLeftOut {
		if counts[reason] > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s", counts[reason], reason))
		}
	}
	if len(reasons) > 0 {
		text += fmt.Sprintf("; %d left out: %s", len(plan.LeftOut), strings.Join(reasons, ", "))
	}
	return text
}

func commandsText(plan workflows.PlanCommandResult) string {
	text := partsText(plan.Commands)
	switch most := plan.Calls.MostSubmits; {
	case most == 0:
	case plan.Input.Policy.Concurrency.IsZero():
		text += fmt.Sprintf("; up to %d with attempts again", most)
	default:
		text += fmt.Sprintf("; up to %d, for as a node ends the next one is a command of its own", most)
	}
	return text
}

func partsText(commands []workflows.PlannedCommand) string {
	least, most := commands[0].Nodes, commands[0].Nodes
	for _, command := range commands {
		least, most = min(least, command.Nodes), max(most, command.Nodes)
	}
	switch last := commands[len(commands)-1]; {
	case least < last.Nodes || len(commands) > 1 && commands[len(commands)-2].Nodes < most:
		return fmt.Sprintf("%d, each on %d to %s", len(commands), least, workflows.Nodes(most))
	case len(commands) == 1:
		return "1, on " + workflows.Nodes(last.Nodes)
	case last.Nodes != commands[0].Nodes:
		return fmt.Sprintf("%d, each on %s, the last on %d", len(commands), workflows.Nodes(commands[0].Nodes), last.Nodes)
	default:
		return fmt.Sprintf("%d, each on %s", len(commands), workflows.Nodes(last.Nodes))
	}
}

func callsText(plan workflows.PlanCommandResult) string {
	var parts []string
	if plan.Calls.ListNodes > 0 {
		parts = append(parts, fmt.Sprintf("%d ListNodes", plan.Calls.ListNodes))
	}
	if plan.Calls.ListNodesByQueue > 0 {
		parts = append(parts, fmt.Sprintf("%d ListNodesByQueue", plan.Calls.ListNodesByQueue))
	}
	looks := plan.Calls.ListInvocationStatus
	parts = append(parts,
		fmt.Sprintf("%s InvokeShellCommand", upTo(plan.Calls.InvokeShellCommand, plan.Calls.MostSubmits)),
		fmt.Sprintf("%s ListInvocationResults", upTo(plan.Calls.ListInvocationResults, plan.Calls.MostSubmits)),
		fmt.Sprintf("about %d to %d ListInvocationStatus", looks.Least, looks.Most))
	text := strings.Join(parts, ", ")
	if looks.ExpectedMost > 0 {
		text += fmt.Sprintf(" (%d to %d if it takes as long as expected)", looks.ExpectedLeast, looks.ExpectedMost)
	}
	return text
}

// upTo reads "5", or "5 to 500" where there may be so many.
func upTo(least, most int) string {
	if most > least {
		return fmt.Sprintf("%d to %d", least, most)
	}
	return fmt.Sprint(least)
}

func textText(plan workflows.PlanCommandResult) string {
	own := utf8.RuneCountInString(plan.Input.Command)
	text := fmt.Sprintf("%d of %d characters", plan.TextLength, workflows.MaxCommandLength)
	if more := plan.TextLength - own; more > 0 {
		text += fmt.Sprintf(": %d of the command, %d that make it run at most once", own, more)
	}
	return text
}
