package ehpcsim

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The documented job states.
const (
	jobQueued   = "QUEUED"
	jobRunning  = "RUNNING"
	jobFinished = "FINISHED"
)

// job is a job of a cluster's scheduler: first come, first served, a node at a time
// for one job. How long it runs is scripted, or nothing: jobs are not executed.
type job struct {
	id, clusterID, name, owner, state string
	line, queue, stdout, stderr       string
	array, priority                   string
	nodesWanted                       int
	hosts                             []string
	fate                              fate
	submitted, started, changed       time.Time
}

type submitJobAnswer struct {
	RequestID string `json:"RequestId"`
	JobID     string `json:"JobId"`
}

func (s *Simulator) submitJob(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	for _, name := range []string{"CommandLine", "RunasUser"} {
		if params.Get(name) == "" {
			return nil, missing(name)
		}
	}
	nodes, failure := whole(params, "Node", 1, 1, 10_000)
	if failure != nil {
		return nil, failure
	}
	if _, failure := whole(params, "Priority", 0, 0, 9); failure != nil {
		return nil, failure
	}
	now := s.clock.Now()
	s.jobCount++
	j := &job{
		id: strconv.Itoa(s.jobCount) + ".manager", clusterID: cluster.ID, name: params.Get("Name"), owner: params.Get("RunasUser"),
		state: jobQueued, line: params.Get("CommandLine"), queue: params.Get("JobQueue"),
		stdout: params.Get("StdoutRedirectPath"), stderr: params.Get("StderrRedirectPath"),
		array: params.Get("ArrayRequest"), priority: params.Get("Priority"), nodesWanted: nodes,
		submitted: now, changed: now,
	}
	if s.script != nil {
		j.fate = s.script.fate(j.id, j.line)
	}
	s.jobs = append(s.jobs, j)
	s.schedule(now)
	return submitJobAnswer{newRequestID(), j.id}, nil
}

// schedule plays the schedulers up to a time. The lock is held.
func (s *Simulator) schedule(now time.Time) {
	for {
		next := now
		var ending *job
		for _, j := range s.jobs {
			if ends := j.started.Add(j.fate.duration); j.state == jobRunning && !ends.After(next) {
				next, ending = ends, j
			}
		}
		if ending == nil {
			s.startJobs(now)
			return
		}
		ending.state, ending.changed = jobFinished, next
		s.startJobs(next)
	}
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
	}
}

type jobsAnswer struct {
	RequestID  string `json:"RequestId"`
	TotalCount int
	PageNumber int
	PageSize   int
	Jobs       jobList
}

type jobList struct{ JobInfo []jobInfo }

type jobInfo struct {
	ID             string `json:"Id"`
	Name           string
	Owner          string
	State          string
	Priority       string
	NodeList       string
	SubmitTime     string
	StartTime      string
	LastModifyTime string
	Stdout         string
	Stderr         string
	ShellPath      string
	ArrayRequest   string
	Comment        string
	Resources      jobResources
}

type jobResources struct{ Nodes, Cores int }

func (s *Simulator) listJobs(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	number, size, failure := page(params, 50)
	if failure != nil {
		return nil, failure
	}
	wanted, known := map[string][]string{
		"": {jobQueued, jobRunning, jobFinished}, "all": {jobQueued, jobRunning, jobFinished},
		"finished": {jobFinished}, "notfinish": {jobQueued, jobRunning},
	}[params.Get("State")]
	if !known {
		return nil, invalid("State")
	}
	s.schedule(s.clock.Now())
	matching := []jobInfo{}
	for _, j := range s.jobs {
		if j.clusterID == cluster.ID && slices.Contains(wanted, j.state) && (params.Get("Owner") == "" || params.Get("Owner") == j.owner) {
			matching = append(matching, j.info())
		}
	}
	return jobsAnswer{
		RequestID: newRequestID(), TotalCount: len(matching), PageNumber: number, PageSize: size,
		Jobs: jobList{slicePage(matching, number, size)},
	}, nil
}

func (j *job) info() jobInfo {
	hosts, _ := json.Marshal(append([]string{}, j.hosts...)) // a list of strings
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02T15:04:05")
	}
	return jobInfo{
		ID: j.id, Name: j.name, Owner: j.owner, State: j.state, Priority: j.priority, NodeList: string(hosts),
		SubmitTime: stamp(j.submitted), StartTime: stamp(j.started), LastModifyTime: stamp(j.changed),
		Stdout: j.stdout, Stderr: j.stderr, ShellPath: j.line, ArrayRequest: j.array,
		Resources: jobResources{Nodes: j.nodesWanted, Cores: 4 * j.nodesWanted},
	}
}

type jobAnswer struct {
	RequestID string `json:"RequestId"`
	Message   jobMessage
}

type jobMessage struct{ JobInfo string }

func (s *Simulator) describeJob(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	if params.Get("JobId") == "" {
		return nil, missing("JobId")
	}
	s.schedule(s.clock.Now())
	j := s.findJob(cluster.ID, params.Get("JobId"))
	if j == nil {
		return nil, fail("ObjectNotFound")
	}
	text, err := json.Marshal(j.info())
	if err != nil {
		return nil, fail("InternalError")
	}
	return jobAnswer{newRequestID(), jobMessage{string(text)}}, nil
}

func (s *Simulator) findJob(clusterID, id string) *job {
	i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.clusterID == clusterID && j.id == id })
	if i < 0 {
		return nil
	}
	return s.jobs[i]
}

type plainAnswer struct {
	RequestID string `json:"RequestId"`
}

// stopJobs ends jobs that are queued or running; one that is neither refuses the
// whole call.
func (s *Simulator) stopJobs(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	if params.Get("Jobs") == "" {
		return nil, missing("Jobs")
	}
	var ids []struct{ ID string }
	if json.NewDecoder(strings.NewReader(params.Get("Jobs"))).Decode(&ids) != nil || len(ids) == 0 || len(ids) > 100 {
		return nil, invalid("Jobs")
	}
	now := s.clock.Now()
	s.schedule(now)
	var stopping []*job
	for _, id := range ids {
		j := s.findJob(cluster.ID, id.ID)
		if j == nil || j.state == jobFinished {
			return nil, fail("ObjectNotFound")
		}
		stopping = append(stopping, j)
	}
	for _, j := range stopping {
		j.state, j.changed = jobFinished, now
	}
	s.schedule(now)
	return plainAnswer{newRequestID()}, nil
}
