package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// JobProgress writes a line for each change of a job, an approval or a wait.
type JobProgress struct {
	out  io.Writer
	last map[string]string
}

// NewJobProgress writes to out.
func NewJobProgress(out io.Writer) *JobProgress {
	return &JobProgress{out: out, last: make(map[string]string)}
}

// Show writes what changed since the report before.
func (p *JobProgress) Show(report runs.JobReport) {
	p.note("phase", jobPhase(report), "")
	p.note("trouble", report.Trouble, "waiting: ")
}

// ShowApproval does so for an approval.
func (p *JobProgress) ShowApproval(report runs.ApprovalReport) {
	p.note("trouble", report.Trouble, "waiting: ")
}

// ShowWait does so for a wait.
func (p *JobProgress) ShowWait(report runs.WaitReport) {
	if report.State == runs.Running && !report.Until.IsZero() {
		p.note("until", inUTC(report.Until), "waits until ")
	}
	p.note("trouble", report.Trouble, "waiting: ")
}

func (p *JobProgress) note(key, text, before string) {
	if text != p.last[key] && text != "" {
		fmt.Fprintf(p.out, "%s %s\n", time.Now().Format(time.TimeOnly), printable(before+text))
	}
	p.last[key] = text
}

// jobPhase says in a few words what a run of a job is doing.
func jobPhase(report runs.JobReport) string {
	switch report.Phase {
	case "":
		return ""
	case workflows.Submitting:
		return "giving the job to the scheduler of " + report.Job.ClusterID
	case workflows.Seeking:
		return "looking for the job among those of " + report.Job.ClusterID
	case workflows.Parked:
		return "waiting for an answer"
	case workflows.Stopping:
		return "stopping job " + jobText(report.Job)
	default:
		return "job " + jobText(report.Job)
	}
}

// WriteJobJSON writes a report for machines.
func WriteJobJSON(out io.Writer, report runs.JobReport) error { return writeAnyJSON(out, report) }

// WriteJob writes a report for people: what the job printed, and the verdict.
func WriteJob(out io.Writer, report runs.JobReport) error {
	colours, job := paintFor(out), report.Job
	var b strings.Builder
	if log := strings.TrimRight(job.Log, "\n"); log != "" {
		fmt.Fprintf(&b, "%s\n", printable(log))
	}
	facts := []string{jobText(job)}
	if job.Name != "" {
		facts = append(facts, fmt.Sprintf("named %s on %s", job.Name, job.ClusterID))
	}
	if !job.StartedAt.IsZero() && !job.EndedAt.IsZero() {
		facts = append(facts, "ran for "+job.EndedAt.Sub(job.StartedAt).Round(time.Second).String())
	}
	if job.Reason != "" && report.Error == nil {
		facts = append(facts, job.Reason)
	}
	text := printable(strings.Join(facts, "; "))
	switch {
	case report.State == runs.Running:
		fmt.Fprintf(&b, "\nrun %s goes on: %s\n", report.RunID, printable(jobPhase(report)))
		if report.Trouble != "" {
			fmt.Fprintf(&b, "waiting: %s\n", printable(report.Trouble))
		}
	case report.Error != nil:
		fmt.Fprintf(&b, "\nrun %s %s: %s\n", report.RunID, report.State, printable(report.Error.Message))
	default:
		fmt.Fprintf(&b, "\nrun %s: %s (%s)\n", report.RunID, colours.verdict(job.Verdict), text)
	}
	_, err := io.WriteString(out, strings.TrimPrefix(b.String(), "\n"))
	return err
}
