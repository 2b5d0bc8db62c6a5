package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ehpcflow/activities"
)

// Of many nodes the details show so many that failed, that have not ended, and that took
// longest. Up to allShown are all shown.
const (
	allShown     = 60
	failedShown  = 40
	runningShown = 15
	slowestShown = 5
)

// barLength is how many blocks a bar has.
const barLength = 30

// bar reads `██████░░░░` 60%. It is full only when all is done.
func bar(done, all int) string {
	if all == 0 {
		return ""
	}
	full := done * barLength / all
	return fmt.Sprintf("`%s%s` %d%%", strings.Repeat("█", full), strings.Repeat("░", barLength-full), done*100/all)
}

// cell is a text that breaks no table.
func cell(text string) string { return breaksNoTable.Replace(text) }

var breaksNoTable = strings.NewReplacer("|", "¦", "\n", " ", "\r", " ")

// code is a text as it is written, in a table.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(cell(text), "`", "'") + "`"
}

// nodesTable shows the nodes, of many those that matter most.
func (s *RunCommandStatus) nodesTable() string {
	if len(s.Nodes) == 0 {
		return ""
	}
	shown := s.worthShowing()
	rows := [][]string{{"node", "host", "state", "exit", "took", "last line", "remark"}}
	for _, node := range shown {
		exit := ""
		if node.ExitCode != nil {
			exit = fmt.Sprint(*node.ExitCode)
		}
		state := string(node.State)
		if slices.Contains(FailedStates, node.State) || node.State == activities.Lost {
			state = "**" + state + "**"
		}
		rows = append(rows, []string{
			node.InstanceID, cell(node.HostName), state, exit, s.tookText(node), code(shorten(lastLine(node.Output), 60)), cell(shorten(node.Remark(), 80)),
		})
	}
	text := markdownTable(rows)
	if left := len(s.Nodes) - len(shown); left > 0 {
		fewer := "those that failed, those that have not ended, and the slowest are shown first"
		text += fmt.Sprintf("\n%s not shown: %s. All of them: `starter status %s --json`\n", Nodes(left), fewer, s.runID)
	}
	return text
}

// markdownTable writes rows under the first one, without the columns that are empty.
func markdownTable(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		line, rule := "|", "|"
		for column, text := range row {
			if !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[column] != "" }) {
				continue
			}
			line += " " + text + " |"
			rule += "---|"
		}
		b.WriteString(line + "\n")
		if i == 0 {
			b.WriteString(rule + "\n")
		}
	}
	return b.String()
}

// worthShowing are the nodes to show.
func (s *RunCommandStatus) worthShowing() NodeResults {
	if len(s.Nodes) <= allShown {
		return s.Nodes
	}
	var failed, running, slowest NodeResults
	slower := func(a, b NodeResult) int {
		one, _ := s.took(a)
		other, _ := s.took(b)
		return cmp.Compare(other, one)
	}
	for _, node := range s.Nodes {
		switch node.State {
		case activities.Failed, activities.Stopped, activities.TimedOut, activities.Nonzero, activities.Lost, activities.Unknown:
			failed = first(append(failed, node), failedShown)
		case activities.Running:
			running = first(append(running, node), runningShown)
		case activities.Finished, activities.Succeeded:
			at, _ := slices.BinarySearchFunc(slowest, node, slower)
			if at < slowestShown {
				slowest = first(slices.Insert(slowest, at, node), slowestShown)
			}
		case activities.Pending, activities.Skipped:
		}
	}
	return slices.Concat(failed, running, slowest)
}

func first(nodes NodeResults, most int) NodeResults { return nodes[:min(len(nodes), most)] }

// took is how long a node was busy, as far as its command's submit and its end are known:
// in a rollout, from the begin of its wave. It is not known of a node that ended before,
// such as one of a command that was attached to later.
func (s *RunCommandStatus) took(node NodeResult) (length time.Duration, known bool) {
	from := s.SubmittedAt
	if s.Rollout != nil && node.Wave > 0 && node.Wave <= len(s.Rollout.Waves) {
		from = s.Rollout.Waves[node.Wave-1].StartedAt
	}
	if node.FinishedAt.IsZero() || from.IsZero() || node.FinishedAt.Before(from.Truncate(time.Second)) {
		return 0, false
	}
	return max(node.FinishedAt.Sub(from), 0), true // an end is told in whole seconds
}

func (s *RunCommandStatus) tookText(node NodeResult) string {
	length, known := s.took(node)
	if !known {
		return ""
	}
	return length.Round(time.Second).String()
}

// lastLine is the last line of an output that holds something.
func lastLine(output string) string {
	trimmed := strings.TrimSpace(output)
	return strings.TrimSpace(trimmed[strings.LastIndexByte(trimmed, '\n')+1:])
}
