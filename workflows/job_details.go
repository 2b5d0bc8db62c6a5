package workflows

import (
	"fmt"
	"strings"

	"ehpcflow/activities"
)

// details is what the Web UI shows of the run, in Markdown.
func (r *runJob) details() string {
	s := &r.status
	var b strings.Builder
	write := func(format string, args ...any) {
		b.WriteString(fmt.Sprintf(format, args...)) //nolint:staticcheck // workflowcheck takes Fprintf for I/O
	}
	write("# %s\n\n", title(s.Phase, r.outcome))
	if s.JobID == "" {
		write("Job `%s` for cluster `%s`\n\n", s.Name, s.ClusterID)
	} else {
		write("Job `%s` (`%s`) on cluster `%s`, submitted at %s UTC: %s\n\n", s.JobID, s.Name, s.ClusterID, clock(s.SubmittedAt), s.State)
	}
	if len(s.Nodes) > 0 {
		write("On %s: %s\n\n", Nodes(len(s.Nodes)), firstFew(s.Nodes))
	}
	if tasks := tasksText(s.Tasks); tasks != "" {
		write("Tasks: %s\n\n", tasks)
	}
	if s.ExitStatus != nil {
		write("Exit status %d\n\n", *s.ExitStatus)
	}
	if s.Reason != "" {
		write("%s\n\n", shorten(s.Reason, 1000))
	}
	if s.Question != nil {
		write("**Question.** %s\n\nAnswer it with one of\n\n", shorten(s.Question.Text, 1000))
		for _, choice := range s.Question.Choices {
			write("    starter answer %s %s\n", r.runID, strings.Replace(choice.Usage(), "COMMAND_ID", "JOB_ID", 1))
		}
		write("\n")
	}
	if s.Phase != Ended && s.Phase != Stopping {
		write("- stop the job: `starter cancel %s`\n\n", r.runID)
	}
	if s.Log != "" {
		write("The end of its log\n\n    %s\n", strings.ReplaceAll(strings.TrimRight(s.Log, "\n"), "\n", "\n    "))
	}
	return fitDetails(b.String())
}

var jobStates = []JobState{
	activities.JobPending, activities.JobQueued, activities.JobRunning, activities.JobFinished,
	activities.JobStopped, activities.JobMissing, activities.JobUnknown,
}

// tasksText reads "2 queued, 3 finished".
func tasksText(tasks map[JobState]int) string {
	var parts []string
	for _, state := range jobStates {
		if n := tasks[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}
