package forecast

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// does says in words what a step would do.
func does(step pipeline.Step, action pipeline.Action, known bool) string {
	if !known {
		return written(step)
	}
	switch {
	case action.Command != nil:
		text := targetText(*action.Command) + ": " + line(action.Command.Run) + ", at most " + length(cmp.Or(action.Command.Timeout, pipeline.Duration(workflows.DefaultTimeout)))
		if len(action.Command.Rollout) > 0 {
			text += ", as a rollout"
		}
		return text
	case action.Job != nil:
		return jobText(*action.Job)
	case action.Approval != nil:
		return approvalText(*action.Approval)
	case action.Wait != nil && !action.Wait.Until.IsZero():
		return "until " + action.Wait.Until.UTC().Format("2006-01-02 15:04:05") + " UTC"
	case action.Wait != nil:
		return "for " + length(action.Wait.For)
	case action.Sub != nil:
		return action.Sub.File
	}
	return ""
}

// written says it of a step whose body only the run can tell, as the file has it.
func written(step pipeline.Step) string {
	text := func(key string) string {
		value, is := step.With[key]
		if !is {
			return ""
		}
		return line(fmt.Sprint(value))
	}
	switch step.Kind {
	case pipeline.RunsCommand:
		return writtenTarget(step.With) + ": " + text("run") + ", at most " + cmp.Or(text("timeout"), length(pipeline.Duration(workflows.DefaultTimeout)))
	case pipeline.RunsJob:
		return text("run")
	case pipeline.Approves:
		return text("message")
	case pipeline.Waits:
		return strings.TrimSpace("for " + text("for") + text("until"))
	case pipeline.SubPipeline:
		return text("file")
	}
	return ""
}

// targets are the words that choose nodes, in a file and for people.
var targets = []struct {
	key, word string
	of        func(pipeline.Command) []string
}{
	{"nodes", "nodes", func(c pipeline.Command) []string { return c.Nodes }},
	{"roles", "role", func(c pipeline.Command) []string { return c.Roles }},
	{"queues", "queue", func(c pipeline.Command) []string { return c.Queues }},
	{"hosts", "host", func(c pipeline.Command) []string { return c.Hosts }},
	{"statuses", "status", func(c pipeline.Command) []string { return c.Statuses }},
	{"exclude", "without", func(c pipeline.Command) []string { return c.Exclude }},
}

// few is how many words of a kind are shown.
const few = 3

func targetText(c pipeline.Command) string {
	var parts []string
	if c.All {
		parts = append(parts, "all nodes")
	}
	for _, target := range targets {
		words := target.of(c)
		switch n := len(words); {
		case n == 0:
		case n > few:
			parts = append(parts, fmt.Sprintf("%s %s and %d more", target.word, strings.Join(words[:few], ", "), n-few))
		default:
			parts = append(parts, target.word+" "+strings.Join(words, ", "))
		}
	}
	return strings.Join(parts, ", ")
}

func writtenTarget(with map[string]any) string {
	var parts []string
	if all, is := with["all"]; is && all != false {
		parts = append(parts, "all nodes")
	}
	for _, target := range targets {
		switch value := with[target.key].(type) {
		case string:
			parts = append(parts, target.word+" "+line(value))
		case []any:
			parts = append(parts, target.word+" "+line(strings.Trim(fmt.Sprint(value), "[]")))
		}
	}
	return strings.Join(parts, ", ")
}

func jobText(job pipeline.Job) string {
	parts := []string{line(job.Run)}
	if job.Nodes > 0 {
		parts = append(parts, counted(job.Nodes, "node"))
	}
	if job.Queue != "" {
		parts = append(parts, "queue "+job.Queue)
	}
	if job.WallClock > 0 {
		parts = append(parts, "at most "+length(job.WallClock))
	}
	if job.Array != "" {
		parts = append(parts, "array "+job.Array)
	}
	parts = append(parts, "as "+job.User)
	return strings.Join(parts, ", ")
}

func approvalText(a pipeline.Approval) string {
	text := line(a.Message)
	var parts []string
	if n := a.Needed; n > 1 {
		parts = append(parts, fmt.Sprintf("%d people", n))
	}
	if len(a.Approvers) > 0 {
		parts = append(parts, "of "+strings.Join(a.Approvers, ", "))
	}
	if a.Within > 0 {
		late := "refused"
		if a.OnTimeout == pipeline.ApproveLate {
			late = "given"
		}
		parts = append(parts, fmt.Sprintf("%s after %s", late, length(a.Within)))
	}
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return strings.TrimSpace(text)
}

// length is a length of time as a file has it: 2h rather than 2h0m0s.
func length(d pipeline.Duration) string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// line is a text in one line, cut where it is long.
func line(text string) string {
	const most = 60
	if runes := []rune(OneLine(text)); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return OneLine(text)
}

// OneLine is a command in one line, with a mark where its lines ended.
func OneLine(text string) string {
	var lines []string
	for each := range strings.Lines(text) {
		if each = strings.Join(strings.Fields(each), " "); each != "" {
			lines = append(lines, each)
		}
	}
	return strings.Join(lines, " ⏎ ")
}
