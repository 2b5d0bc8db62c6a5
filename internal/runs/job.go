package runs

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// JobReport is how a run of a job stands.
type JobReport struct {
	RunID string          `json:"run"`
	State State           `json:"state"`
	Phase workflows.Phase `json:"phase"`

	// Job is how it stands in the scheduler, and in the end its verdict.
	Job workflows.JobResult `json:"job"`

	// Question that the run cannot answer by itself, and the answers to those before.
	Question *workflows.Question `json:"question,omitempty"`
	Answers  []workflows.Answer  `json:"answers,omitempty"`

	// Error of a run that did not complete.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on, as that of a Report.
	Trouble string `json:"trouble,omitempty"`
}

// Stopped says that the job is known to run no more, or was never submitted.
func (r JobReport) Stopped() bool { return r.State != Running && !mayRun(r.Job) }

// mayRun says that a job, or a copy of it, is not known to have ended.
func mayRun(job workflows.JobResult) bool {
	if len(job.Copies) > 0 {
		return true
	}
	switch job.State {
	case workflows.JobPending, workflows.JobFinished, workflows.JobStopped:
		return false
	case workflows.JobQueued, workflows.JobRunning, workflows.JobMissing, workflows.JobUnknown:
	}
	return job.State != ""
}

// ReadJob reports how a run of a job stands.
func ReadJob(ctx context.Context, c client.Client, id string) (JobReport, error) {
	report := JobReport{RunID: id}
	described, kind, err := describeRun(ctx, c, id)
	switch {
	case err != nil:
		return report, err
	case kind != OfJob:
		return report, &RefusedError{fmt.Sprintf("run %s is not one of a job: see starter status %s", id, id)}
	}
	switch report.State = StateOf(described.GetWorkflowExecutionInfo().GetStatus()); report.State {
	case Completed, Failed, Canceled:
		report.Phase = workflows.Ended
		report.Error, err = readEnd(ctx, c, id, &report.Job, &report.Job.Reason)
		report.State, report.Error = judged(report.State, report.Error)
		return report, err
	case Running, Terminated, TimedOut:
		report.Trouble = trouble(described)
		var status workflows.JobStatus
		if !ask(ctx, c, id, workflows.JobQuery, &status) && report.Trouble == "" {
			report.Trouble = unanswering
		}
		report.Phase, report.Job, report.Question, report.Answers = status.Phase, status.JobResult, status.Question, status.Answers
		if report.Question != nil {
			report.Trouble = questionText(*report.Question, id)
		}
	}
	if report.State != Running {
		report.Trouble = ""
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside; the job was not stopped and may still be running (starter cancel stops, terminating does not)"}
	}
	return report, nil
}

// FollowJob reads a run of a job again and again, as Follow does one of a command.
func FollowJob(ctx context.Context, c client.Client, id string, show func(JobReport)) (JobReport, error) {
	return follow(ctx, follower[JobReport]{
		read:  func() (JobReport, error) { return ReadJob(ctx, c, id) },
		stand: func(r *JobReport) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(report *JobReport, last JobReport) {
			if report.Phase == "" { // nobody could say how the run itself stands
				report.Phase, report.Job, report.Question, report.Answers = last.Phase, last.Job, last.Question, last.Answers
			}
		},
		show: show,
	})
}
