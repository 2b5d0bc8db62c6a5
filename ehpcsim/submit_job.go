package ehpcsim

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

type submitJobAnswer struct {
	RequestID string `json:"RequestId"`
	JobID     string `json:"JobId"`
}

var (
	jobNameForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{5,29}$`)
	jobLimitForm = regexp.MustCompile(`^([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])$`)
	jobArrayForm = regexp.MustCompile(`^([0-9]{1,6})-([0-9]{1,6})(?::([1-9][0-9]{0,5}))?$`)
)

// mostTasks of an array are simulated.
const mostTasks = 1000

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
	if name := params.Get("Name"); name != "" && !jobNameForm.MatchString(name) {
		return nil, invalid("Name")
	}
	if cluster.Status != nodeRunning {
		return nil, fail("InvalidClusterStatus")
	}
	if s.closed {
		return nil, fail("ServiceUnavailable")
	}
	now := s.clock.Now()
	j := &job{
		clusterID: cluster.ID, name: params.Get("Name"), owner: params.Get("RunasUser"),
		state: jobQueued, line: params.Get("CommandLine"), queue: params.Get("JobQueue"),
		stdout: params.Get("StdoutRedirectPath"), stderr: params.Get("StderrRedirectPath"), dir: params.Get("PackagePath"),
		array: params.Get("ArrayRequest"), priority: params.Get("Priority"), nodesWanted: nodes,
		submitted: now, changed: now, listedAt: now.Add(s.listedAfter), ended: make(map[int]int), stopped: make(chan struct{}),
	}
	if failure := j.read(params); failure != nil {
		return nil, failure
	}
	s.jobCount++
	j.id = strconv.Itoa(s.jobCount) + ".manager"
	if s.script != nil {
		f := s.script.fate(j.id, j.line)
		j.fate = &f
	}
	s.jobs = append(s.jobs, j)
	s.schedule(now)
	return submitJobAnswer{newRequestID(), j.id}, nil
}

// read reads what has a form of its own: the limit, the array and the variables.
func (j *job) read(params url.Values) *apiError {
	if limit := params.Get("ClockTime"); limit != "" {
		match := jobLimitForm.FindStringSubmatch(limit)
		if match == nil {
			return invalid("ClockTime")
		}
		j.limit, _ = time.ParseDuration(match[1] + "h" + match[2] + "m" + match[3] + "s") // digits, by the form
	}
	if text := params.Get("Variables"); text != "" && json.Unmarshal([]byte(text), &j.variables) != nil {
		return invalid("Variables")
	}
	if j.array == "" {
		j.tasks = []int{0}
		return nil
	}
	match := jobArrayForm.FindStringSubmatch(j.array)
	if match == nil {
		return invalid("ArrayRequest")
	}
	first, _ := strconv.Atoi(match[1]) // digits, by the form, as the others
	last, _ := strconv.Atoi(match[2])
	step, _ := strconv.Atoi(cmp.Or(match[3], "1"))
	for index := first; index <= last && len(j.tasks) <= mostTasks; index += step {
		j.tasks = append(j.tasks, index)
	}
	if len(j.tasks) == 0 || len(j.tasks) > mostTasks {
		return invalid("ArrayRequest")
	}
	return nil
}
