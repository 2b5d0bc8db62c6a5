package runs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ehpcflow/workflows"
)

// Query chooses runs from the list. Empty fields choose all.
type Query struct {
	Clusters  []string // any of them
	Verdicts  []string
	Phases    []string
	User      string
	Parent    string
	Top       bool // those only that are no part of another run: no step, no cluster of several
	CommandID string
	State     string    // running or ended
	Since     time.Time // of the start
	Until     time.Time
	Text      string // in the command or in the run's name, in any case
	Limit     int    // the newest; at least 1
}

// Verdicts and phases by which runs are listed.
var (
	ListedVerdicts = []workflows.Outcome{
		workflows.OutcomePending, outcome(workflows.Succeeded), outcome(workflows.Partial), outcome(workflows.Failed),
		outcome(workflows.Gone), outcome(workflows.Aborted), outcome(workflows.Canceled), outcome(workflows.Unattended),
		workflows.OutcomeError,
	}
	ListedPhases = []workflows.Phase{
		workflows.Resolving, workflows.Watching, workflows.Parked, workflows.Rolling, workflows.Waiting,
		workflows.Draining, workflows.Stopping, workflows.Ended,
	}
)

func outcome(verdict workflows.Verdict) workflows.Outcome { return workflows.Outcome(verdict) }

// States by which runs are listed.
const (
	StateRunning = "running"
	StateEnded   = "ended"
)

// Problems are everything that is wrong with the query.
func (q Query) Problems() []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, verdict := range q.Verdicts {
		if !slices.Contains(ListedVerdicts, workflows.Outcome(verdict)) {
			problem("there is no verdict %q: use %s (--verdict)", verdict, wordsText(ListedVerdicts))
		}
	}
	for _, phase := range q.Phases {
		if !slices.Contains(ListedPhases, workflows.Phase(phase)) {
			problem("no run is listed in a phase %q: use %s (--phase)", phase, wordsText(ListedPhases))
		}
	}
	if !slices.Contains([]string{"", StateRunning, StateEnded}, q.State) {
		problem("there is no state %q: use %s or %s (--state)", q.State, StateRunning, StateEnded)
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		problem("nothing starts after %s (--since) and before %s (--until)", q.Since.UTC().Format(time.RFC3339), q.Until.UTC().Format(time.RFC3339))
	}
	if q.Limit < 1 || q.Limit > MostListed {
		problem("%d runs are asked for, it can be 1 to %d (--limit)", q.Limit, MostListed)
	}
	return problems
}

// MostListed is how many runs can be listed at once.
const MostListed = 10_000

func wordsText[W ~string](words []W) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// listedTypes are the workflows that run something on clusters.
var listedTypes = []string{quoted(runCommandType), quoted(rolloutType), quoted(clustersType), quoted(pipelineType), quoted(jobType)}

// visibility is the query as Temporal takes it. Plans are no runs. It leaves out values with
// quotes or backslashes, which databases read in different ways: fits looks for these.
func (q Query) visibility() string {
	terms := []string{fmt.Sprintf("WorkflowType IN (%s)", strings.Join(listedTypes, ", "))}
	among := func(name string, values ...string) {
		if values = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(values) > 0 && !slices.ContainsFunc(values, odd) {
			for i := range values {
				values[i] = quoted(values[i])
			}
			terms = append(terms, fmt.Sprintf("%s IN (%s)", name, strings.Join(values, ", ")))
		}
	}
	among(workflows.AttributeCluster.GetName(), slices.Clone(q.Clusters)...)
	among(workflows.AttributeVerdict.GetName(), slices.Clone(q.Verdicts)...)
	among(workflows.AttributePhase.GetName(), slices.Clone(q.Phases)...)
	among(workflows.AttributeUser.GetName(), workflows.Indexed(q.User))
	among(workflows.AttributeParentRun.GetName(), workflows.Indexed(q.Parent))
	among(workflows.AttributeCommandID.GetName(), q.CommandID)
	switch q.State {
	case StateRunning:
		terms = append(terms, "ExecutionStatus = 'Running'")
	case StateEnded:
		terms = append(terms, "ExecutionStatus != 'Running'")
	}
	if !q.Since.IsZero() {
		terms = append(terms, "StartTime >= "+quoted(q.Since.UTC().Format(time.RFC3339Nano)))
	}
	if !q.Until.IsZero() {
		terms = append(terms, "StartTime < "+quoted(q.Until.UTC().Format(time.RFC3339Nano)))
	}
	return strings.Join(terms, " AND ")
}

// odd says whether a value cannot be part of a query.
func odd(text string) bool { return strings.ContainsAny(text, "'\"`\\") }

func quoted(text string) string { return "'" + text + "'" }

// fits says whether a run that the server found is one of those. The text is not asked of
// the server, which may have the command encrypted only.
func (q Query) fits(run Listed) bool {
	among := func(wanted []string, has ...string) bool {
		return len(wanted) == 0 || slices.ContainsFunc(has, func(v string) bool { return slices.Contains(wanted, v) })
	}
	if q.Top && run.ParentRun != "" && strings.HasPrefix(run.RunID, workflows.StepRunID(run.ParentRun, "")) {
		return false
	}
	is := func(wanted string, has ...string) bool { return wanted == "" || slices.Contains(has, wanted) }
	text := strings.ToLower(q.Text)
	return among(q.Clusters, run.Clusters...) &&
		is(workflows.Indexed(q.User), run.User) && is(workflows.Indexed(q.Parent), run.ParentRun) && is(q.CommandID, run.CommandIDs...) &&
		(strings.Contains(strings.ToLower(run.RunID), text) || strings.Contains(strings.ToLower(run.Command), text))
}
