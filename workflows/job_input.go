package workflows

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/activities/guard"
	"ehpcflow/activities/secrets"
	"ehpcflow/pipeline"
)

// Limits of a job.
const (
	MaxJobLine  = 4096   // characters of its command line, which travels in an address
	MaxJobTasks = 10_000 // of an array

	// maxJobName is what the API takes, in characters.
	maxJobName = 30
)

var (
	jobArray    = regexp.MustCompile(`^([0-9]{1,9})-([0-9]{1,9})(?::([1-9][0-9]{0,8}))?$`)
	jobVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	notInName   = regexp.MustCompile(`[^A-Za-z0-9.]+`)
)

// Validate returns everything that is wrong with the input, or nil.
func (in JobInput) Validate() error {
	if problems := in.problems(); len(problems) > 0 {
		return &InputError{Problems: problems}
	}
	return nil
}

// problems are what a run of a job refuses. What was accepted once has to be accepted
// again.
func (in JobInput) problems() []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	job := in.Job
	if strings.TrimSpace(in.ClusterID) == "" {
		problem("no cluster: name one")
	}
	switch length := utf8.RuneCountInString(job.Run); {
	case !utf8.ValidString(job.Run):
		problem("the command line is not valid UTF-8 text and would be changed on its way")
	case strings.TrimSpace(job.Run) == "":
		problem("the command line is empty: say what the job runs (run)")
	case length > MaxJobLine:
		problem("the command line has %d characters, a job takes %d: put a script on shared storage and call it", length, MaxJobLine)
	}
	if strings.TrimSpace(job.User) == "" {
		problem("no user: name the user of the cluster that the job runs as (user)")
	}
	if job.Password != nil && !secrets.ValidName(job.Password.Name) {
		problem("%q cannot be the name of a secret: use letters, digits, dots, dashes and _, at most 100", job.Password.Name)
	}
	if job.Priority < 0 || job.Priority > 9 {
		problem("the priority is %d, it can be 0 to 9", job.Priority)
	}
	for _, count := range []struct {
		of string
		n  int
	}{{"nodes", job.Nodes}, {"tasks", job.Tasks}, {"threads", job.Threads}, {"gpus", job.GPUs}} {
		if count.n < 0 {
			problem("%s is %d, which is less than none", count.of, count.n)
		}
	}
	if job.WallClock < 0 || time.Duration(job.WallClock) > MaxTimeout {
		problem("the wall clock limit is %v, it can be up to %v", time.Duration(job.WallClock), MaxTimeout)
	}
	if _, ok := arrayTasks(job.Array); !ok {
		problem("the array is %q: write it as X-Y or X-Y:Z, such as 1-10:2, with %d tasks at the most", job.Array, MaxJobTasks)
	}
	for _, name := range workflow.DeterministicKeys(job.Variables) {
		if !jobVariable.MatchString(name) {
			problem("%q cannot be the name of a variable: use letters, digits and _", name)
		}
	}
	if by := job.Success; by != "" && by != pipeline.ByExitStatus && by != pipeline.ByEnd {
		problem("success is %q, it can be %s or %s", by, pipeline.ByExitStatus, pipeline.ByEnd)
	}
	if in.stopWithin() < MinTimeout || in.stopWithin() > MaxStopWithin {
		problem("stopping may take %v, it can be %v to %v", in.stopWithin(), MinTimeout, MaxStopWithin)
	}
	in.FailUnless.validate(problem)
	return problems
}

func (in JobInput) stopWithin() time.Duration {
	return cmp.Or(seconds(in.StopWithinSeconds), DefaultStopWithin)
}

// arrayTasks is how many tasks an array has; 0 of a job that is none.
func arrayTasks(array string) (int, bool) {
	if array == "" {
		return 0, true
	}
	match := jobArray.FindStringSubmatch(array)
	if match == nil {
		return 0, false
	}
	first, _ := strconv.Atoi(match[1]) // digits, by the pattern, as the others
	last, _ := strconv.Atoi(match[2])
	step, _ := strconv.Atoi(cmp.Or(match[3], "1"))
	tasks := (last-first)/step + 1
	return tasks, first <= last && tasks <= MaxJobTasks
}

// jobName is the name under which the scheduler shows a job: a token that no other job has,
// behind a letter, and what was asked for, as far as the API takes it. The token comes first,
// for a listing may show the beginning of a name only. A run that was reset has the same.
func jobName(asked, originalRunID string) string {
	token := guard.NewToken(originalRunID, "job")
	name := "j" + token + "." + cmp.Or(notInName.ReplaceAllString(asked, "."), "job")
	return name[:min(len(name), maxJobName)]
}

// submission is what is given to the scheduler.
func (in JobInput) submission(name string) activities.SubmitJobInput {
	job := in.Job
	to := activities.SubmitJobInput{
		ClusterID: in.ClusterID, Name: name, CommandLine: job.Run, User: job.User,
		Queue: job.Queue, Priority: job.Priority, Nodes: job.Nodes, Tasks: job.Tasks, Threads: job.Threads, GPUs: job.GPUs,
		Memory: job.Memory, WallClockSeconds: job.WallClock.Seconds(), Array: job.Array, Directory: job.Directory,
		Stdout: job.Stdout, Stderr: job.Stderr, Variables: job.Variables,
	}
	if job.Password != nil {
		to.PasswordSecret = job.Password.Name
	}
	return to
}
