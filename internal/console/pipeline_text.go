package console

import (
	"fmt"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// stepText says what is to be known of a step beside its state.
func stepText(report runs.PipelineReport, step workflows.StepResult) string {
	return withReason(shortText(report, step), printable(stepRemark(step)))
}

// withReason adds to a text the reason, unless that says as much.
func withReason(text, reason string) string {
	switch {
	case text == "" || strings.Contains(reason, text):
		return reason
	case reason == "":
		return text
	}
	return text + "; " + reason
}

// shortText says it in a few words, without why the step did not succeed.
func shortText(report runs.PipelineReport, step workflows.StepResult) string {
	var texts []string
	add := func(text string) {
		if text != "" {
			texts = append(texts, text)
		}
	}
	if step.DoneIn != "" {
		return "not run again, done in " + step.DoneIn
	}
	if step.State == workflows.StepRunning {
		add(runningText(report, step))
	} else {
		add(endedText(step))
	}
	if n := step.Attempts; n > 1 && step.Reason == "" { // which says it
		add(fmt.Sprintf("attempt %d", n))
	}
	return printable(strings.Join(texts, "; "))
}

// runningText says how a step stands that runs.
func runningText(report runs.PipelineReport, step workflows.StepResult) string {
	own := report.Own[step.Name]
	switch {
	case len(step.Items) > 0:
		return itemsText(step.Items)
	case own.Run != nil:
		return phaseText(*own.Run)
	case own.Clusters != nil:
		return own.Clusters.ClustersText()
	case own.Job != nil:
		return jobText(own.Job.Job)
	case own.Pipeline != nil:
		return stepsEnded(*own.Pipeline)
	case step.Kind == pipeline.Approves:
		return "waits for an approval"
	}
	return ""
}

// endedText says what a step came to that has ended.
func endedText(step workflows.StepResult) string {
	switch {
	case len(step.Items) > 0:
		return itemsText(step.Items)
	case step.NodeCount > 0:
		return workflows.CountsText(step.States)
	case step.Job != nil:
		return jobText(*step.Job)
	}
	return runs.DecidedBy(workflows.ApprovalResult{By: step.By, Reason: stepRemark(step)}, 0)
}

// stepRemark is why a step did not succeed.
func stepRemark(step workflows.StepResult) string {
	switch {
	case step.Reason != "":
		return step.Reason
	case step.Error != nil:
		return step.Error.Code + ": " + step.Error.Message
	}
	return ""
}

// jobText reads "7.manager running on compute0".
func jobText(job workflows.JobResult) string {
	text := string(job.State)
	if job.JobID != "" {
		text = job.JobID + " " + text
	}
	if job.ExitStatus != nil {
		text += fmt.Sprintf(" (exit %d)", *job.ExitStatus)
	}
	if len(job.Nodes) > 0 && job.State == workflows.JobRunning {
		text += " on " + strings.Join(job.Nodes[:min(3, len(job.Nodes))], ", ")
		if more := len(job.Nodes) - 3; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return text
}

// itemsText reads "20 items: 3 succeeded, 1 failed, 16 waiting".
func itemsText(items map[workflows.StepState]int) string {
	all := 0
	for _, n := range items {
		all += n
	}
	return fmt.Sprintf("%d items: %s", all, statesText(items))
}

// statesText reads "3 succeeded, 1 failed", in the order of what matters.
func statesText(states map[workflows.StepState]int) string {
	var texts []string
	for _, state := range []workflows.StepState{
		workflows.StepSucceeded, workflows.StepFailed, workflows.StepCanceled, workflows.StepSkipped, workflows.StepRunning, workflows.StepWaiting,
	} {
		if n := states[state]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(texts, ", ")
}

// stepStates says how many steps are in each state.
func stepStates(report runs.PipelineReport) (states map[workflows.StepState]int, ended int) {
	states = make(map[workflows.StepState]int)
	for _, step := range report.All() {
		states[step.State]++
		if step.Ended() {
			ended++
		}
	}
	return states, ended
}

// stepsEnded reads "3 of 7 steps ended".
func stepsEnded(report runs.PipelineReport) string {
	_, ended := stepStates(report)
	return fmt.Sprintf("%d of %d steps ended", ended, len(report.All()))
}

// took is how long a step has taken; "" of one that did not start.
func took(step workflows.StepResult) string {
	switch {
	case step.StartedAt.IsZero() || step.DoneIn != "":
		return ""
	case step.EndedAt.IsZero():
		return max(time.Since(step.StartedAt), 0).Truncate(time.Second).String()
	}
	return step.EndedAt.Sub(step.StartedAt).Round(time.Second).String()
}

// pipelineHeadline is the last line of a result: what became of the run.
func (p paint) pipelineHeadline(report runs.PipelineReport) string {
	states, _ := stepStates(report)
	switch {
	case report.State == runs.Running && report.Phase == "":
		return fmt.Sprintf("\nrun %s goes on\nwaiting: %s", report.RunID, printable(report.Trouble))
	case report.State == runs.Running:
		text := fmt.Sprintf("\nrun %s goes on: %s", report.RunID, stepsEnded(report))
		if cancelling := report.Cancelling(); cancelling != "" {
			text += "\nit " + cancelling
		}
		if report.Trouble != "" {
			text += "\nwaiting: " + printable(report.Trouble)
		}
		return text
	case report.State == runs.Canceled && report.Error != nil:
		return fmt.Sprintf("\nrun %s: %s", report.RunID, printable(report.Error.Message))
	case report.Error != nil:
		return fmt.Sprintf("\nrun %s %s: %s", report.RunID, report.State, printable(report.Error.Message))
	}
	why := statesText(states)
	if report.Reason != "" {
		why += "; " + report.Reason
	}
	return fmt.Sprintf("\nrun %s: %s (%s)", report.RunID, p.verdict(report.Verdict), printable(why))
}
