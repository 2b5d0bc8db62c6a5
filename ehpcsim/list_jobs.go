package ehpcsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

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
	now := s.clock.Now()
	s.schedule(now)
	matching := []jobInfo{}
	for _, j := range s.jobs {
		if j.clusterID != cluster.ID || j.gone || j.listedAt.After(now) || params.Get("Owner") != "" && params.Get("Owner") != j.owner {
			continue
		}
		for _, entry := range j.entries(s.jobSettings.ListTasks) {
			if slices.Contains(wanted, entry.State) {
				matching = append(matching, entry)
			}
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

// entries are what ListJobs shows of a job: one, or one for each task of an array.
func (j *job) entries(tasks bool) []jobInfo {
	if !tasks || j.array == "" {
		return []jobInfo{j.info()}
	}
	var entries []jobInfo
	number, host, _ := strings.Cut(j.id, ".")
	for _, index := range j.tasks {
		entry := j.info()
		entry.ID = fmt.Sprintf("%s[%d].%s", number, index, host)
		if _, ended := j.ended[index]; ended {
			entry.State = jobFinished
		}
		entries = append(entries, entry)
	}
	return entries
}
