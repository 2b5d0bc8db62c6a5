package ehpcsim

import (
	"slices"
	"time"
)

// The documented job states.
const (
	jobQueued   = "QUEUED"
	jobRunning  = "RUNNING"
	jobFinished = "FINISHED"
)

// JobSettings are how the schedulers of a simulator's clusters behave.
type JobSettings struct {
	// Status is how DescribeJob tells an exit status.
	Status JobStatusForm

	// ListTasks lists an array task by task, as 7[1].manager, instead of as one job.
	ListTasks bool

	// StopTakes is how long a job goes on after it was told to stop.
	StopTakes time.Duration
}

// JobStatusForm is a form in which an exit status is told.
type JobStatusForm string

// The forms.
const (
	PBSStatus   JobStatusForm = ""      // as Exit_status, among what ListJobs says, in JSON
	SlurmStatus JobStatusForm = "slurm" // as scontrol prints it: ExitCode=0:0
	NoStatus    JobStatusForm = "none"
)

// job is a job of a cluster's scheduler: first come, first served, a node at a time
// for one job. Where nothing is scripted its command line really runs, on the first of
// its nodes.
type job struct {
	id, clusterID, name, owner, state string
	line, queue, stdout, stderr, dir  string
	array, priority                   string
	tasks                             []int // of an array; those that have ended are in ended
	variables                         []jobVariable
	limit                             time.Duration // of its running; 0 is none
	nodesWanted                       int
	hosts                             []string
	fate                              *fate // of a scripted one
	submitted, started, changed       time.Time
	listedAt                          time.Time

	ended   map[int]int   // exit statuses of a job that really runs, by task
	exit    int           // of the whole job
	how     jobEnd        // it ended
	stopAt  time.Time     // when it ends that was told to stop; zero of any other
	stopped chan struct{} // closed to end what really runs
	gone    bool          // the scheduler has forgotten it
}

// jobEnd is how a job ended.
type jobEnd string

const (
	byItself jobEnd = ""
	byStop   jobEnd = "stopped"
	byLimit  jobEnd = "timed out"
)

type jobVariable struct{ Name, Value string }

// next is when something happens to the job that nothing has to be awaited for; zero
// when nothing does.
func (j *job) next() time.Time {
	ends := j.stopAt
	if j.state == jobRunning && j.fate != nil {
		runs := j.fate.duration
		if j.limit > 0 {
			runs = min(runs, j.limit)
		}
		if at := j.started.Add(runs); ends.IsZero() || at.Before(ends) {
			ends = at
		}
	}
	if j.state == jobFinished || j.state == jobRunning && j.fate == nil { // which its shell tells
		return time.Time{}
	}
	return ends
}

// schedule plays the schedulers up to a time. The lock is held.
func (s *Simulator) schedule(now time.Time) {
	for {
		next := now
		var ending *job
		for _, j := range s.jobs {
			if ends := j.next(); !ends.IsZero() && !ends.After(next) {
				next, ending = ends, j
			}
		}
		if ending == nil {
			s.startJobs(now)
			return
		}
		ending.end(next)
		s.startJobs(next)
	}
}

// end ends a job that nothing really runs of.
func (j *job) end(at time.Time) {
	switch {
	case !j.stopAt.IsZero() && !j.stopAt.After(at):
		j.how = byStop
	case j.limit > 0 && j.fate.duration > j.limit:
		j.how = byLimit
	default:
		j.exit = j.fate.exitCode
	}
	j.state, j.changed = jobFinished, at
}

// startJobs gives free nodes to the jobs that wait.
func (s *Simulator) startJobs(now time.Time) {
	busy := make(map[string]bool)
	for _, j := range s.jobs {
		if j.state == jobRunning {
			for _, host := range j.hosts {
				busy[j.clusterID+"/"+host] = true
			}
		}
	}
	for _, j := range s.jobs {
		if j.state != jobQueued {
			continue
		}
		var free []string
		for _, node := range s.clusters[j.clusterID].Nodes {
			if node.Status == nodeRunning && !busy[j.clusterID+"/"+node.HostName] && (j.queue == "" || j.queue == node.Queue) {
				free = append(free, node.HostName)
			}
		}
		if len(free) < j.nodesWanted {
			continue
		}
		j.state, j.hosts, j.started, j.changed = jobRunning, free[:j.nodesWanted], now, now
		for _, host := range j.hosts {
			busy[j.clusterID+"/"+host] = true
		}
		if j.fate == nil {
			s.running.Go(func() { s.executeJob(j) })
		}
	}
}

func (s *Simulator) findJob(clusterID, id string) *job {
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.clusterID == clusterID && j.id == id && !j.gone })
	if i < 0 {
		return nil
	}
	return s.jobs[i]
}
