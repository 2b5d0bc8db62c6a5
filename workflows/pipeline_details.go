package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/pipeline"
)

// show notes what the pipeline does now, and refreshes what the Web UI shows of it.
func (r *pipelineRun) show(ctx workflow.Context) {
	s := &r.status
	switch {
	case s.Phase == Ended:
	case r.canceled:
		s.Phase = Stopping
	case slices.ContainsFunc(s.all(), func(step StepResult) bool { return step.State == StepRunning && step.Kind == pipeline.Approves }):
		s.Phase = Waiting
	default:
		s.Phase = Watching
	}
	lasting, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	r.entry.enterPhase(lasting, s.Phase)
	workflow.SetCurrentDetails(ctx, s.details(r.family.runID))
}

// all are the steps, those of finally last.
func (r *PipelineResult) all() []StepResult { return slices.Concat(r.Steps, r.Finally) }

// StepsText reads "2 succeeded, 1 running".
func (r PipelineResult) StepsText() string {
	counts := make(map[StepState]int)
	for _, step := range r.all() {
		counts[step.State]++
	}
	return StatesText(counts)
}

// StatesText reads "2 succeeded, 1 running"; "" of nothing.
func StatesText(counts map[StepState]int) string {
	var parts []string
	for _, state := range StepStates {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// nodes counts the nodes of all steps, and those of them that failed.
func (r *PipelineResult) nodes() (nodes, failed int) {
	for _, step := range r.all() {
		nodes += step.NodeCount
		failed += failedNodes(step.States)
	}
	return nodes, failed
}

// Remark is what a person should know of a step beside its state.
func (s StepResult) Remark() string {
	parts := []string{s.Reason}
	if len(s.Items) > 0 {
		parts = append(parts, "items: "+StatesText(s.Items))
	}
	if s.State == StepSucceeded && len(s.By) > 0 {
		parts = append(parts, "approved by "+firstFew(s.By))
	}
	if s.NodeCount > 0 && s.Reason == "" {
		parts = append(parts, CountsText(s.States))
	}
	if s.Attempts > 1 {
		parts = append(parts, fmt.Sprintf("%d attempts", s.Attempts))
	}
	if s.MayRun {
		parts = append(parts, "may be running still")
	}
	if s.DoneIn != "" {
		parts = append(parts, "done in "+s.DoneIn)
	}
	return strings.Join(nonEmpty(parts), "; ")
}

// details is what the Web UI shows of a pipeline, in Markdown.
func (s *PipelineStatus) details(runID string) string {
	all := s.all()
	ended, failed := 0, 0
	for _, step := range all {
		if step.Ended() {
			ended++
		}
		if step.State == StepFailed {
			failed++
		}
	}
	text := "# " + title(s.Phase, Outcome(s.Verdict))
	if s.Phase == Ended && failed > 0 {
		text += fmt.Sprintf(": %d of %d steps failed", failed, len(all))
	}
	text += "\n\n"
	if s.Phase != Ended {
		text += fmt.Sprintf("%s of %d steps ended\n\n", bar(ended, len(all)), len(all))
	}
	text += fmt.Sprintf("Pipeline %s: %s\n\n", code(s.Pipeline), s.StepsText())
	if s.Lineage != nil {
		text += shorten(s.Lineage.String(), 500) + "\n\n"
	}
	text += nonEmptyLine(shorten(s.Reason, 1000))
	for _, step := range all {
		if step.State == StepRunning && step.Kind == pipeline.Approves && len(text) < mostDetails/4 {
			text += fmt.Sprintf("**%s waits for an approval.** Decide with one of\n\n    starter approve %s --why …\n    starter reject %s --why …\n\n",
				step.Name, cmp.Or(step.RunID, StepRunID(runID, step.Name)), cmp.Or(step.RunID, StepRunID(runID, step.Name)))
		}
	}
	switch {
	case s.Phase != Ended:
		text += fmt.Sprintf("- how each step stands: `starter status %s`\n- stop all of them: `starter cancel %s`\n\n", runID, runID)
	case s.Verdict != Succeeded:
		text += fmt.Sprintf("- how each step ended: `starter status %s`\n- run again what did not succeed: `starter pipeline rerun %s --from-failed`\n\n", runID, runID)
	}
	text += fmt.Sprintf("Each step has a run of its own, `%s`.\n\n", StepRunID(runID, "STEP"))
	for i := range s.Finally {
		all[len(s.Steps)+i].Name += " (finally)"
	}
	return text + stepsTable(all, "steps", mostDetails-len(text))
}

// shownFirst are the states in the order in which many steps are shown of which some have
// to be left out.
var shownFirst = []StepState{StepFailed, StepRunning, StepCanceled, StepWaiting, StepSkipped, StepSucceeded}

// stepsTable shows the graph of steps in their order, of many those that matter most, within so many
// bytes.
func stepsTable(steps []StepResult, what string, most int) string {
	const head = "| step | needs | state | took | remark |\n|---|---|---|---|---|\n"
	rows := make([]string, len(steps))
	most -= len(head) + 100
	shown := 0
	for _, state := range shownFirst {
		for i, step := range steps {
			if step.State != state {
				continue
			}
			row := stepRow(step)
			if most -= len(row); most < 0 {
				break
			}
			rows[i] = row
			shown++
		}
		if most < 0 {
			break
		}
	}
	text := head + strings.Join(rows, "")
	if left := len(steps) - shown; left > 0 {
		text += fmt.Sprintf("\n%d more %s are not shown\n", left, what)
	}
	return text
}

func stepRow(s StepResult) string {
	name, took := s.Name, ""
	if s.OnFailureOf != "" {
		name += " (when " + s.OnFailureOf + " failed)"
	}
	if !s.EndedAt.IsZero() && !s.StartedAt.IsZero() {
		took = s.EndedAt.Sub(s.StartedAt).Round(time.Second).String()
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", cell(name), cell(shorten(firstFew(s.Needs), 60)), s.State, took, cell(shorten(s.Remark(), 120)))
}

// show refreshes what the Web UI shows of the items of a step.
func (r *itemsRun) show(ctx workflow.Context) {
	counts := r.counts()
	ended := len(r.items) - counts[StepWaiting] - counts[StepRunning]
	text := "# " + title(r.phase, Outcome(r.verdict)) + "\n\n"
	if r.phase != Ended {
		text += fmt.Sprintf("%s of %d items ended\n\n", bar(ended, len(r.items)), len(r.items))
	}
	text += fmt.Sprintf("Step %s of %s: %d items: %s\n\n", code(r.in.Step.Name), code(r.in.Run), len(r.items), StatesText(counts))
	text += nonEmptyLine(shorten(r.reason, 1000))
	text += fmt.Sprintf("Each item has a run of its own, `%s`.\n\n", StepRunID(r.family.runID, "N"))
	workflow.SetCurrentDetails(ctx, text+stepsTable(r.items, "items", mostDetails-len(text)))
}
