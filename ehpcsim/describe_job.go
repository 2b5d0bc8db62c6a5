package ehpcsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
)

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
	return jobAnswer{newRequestID(), jobMessage{j.description(s.jobSettings.Status)}}, nil
}

// pbsTerminated is the exit status of a job that PBS ended: 256 and the signal.
const pbsTerminated = 256 + 15

// description is what a scheduler says of a job.
func (j *job) description(form JobStatusForm) string {
	if form == SlurmStatus {
		return j.scontrol()
	}
	described := struct {
		jobInfo
		ExitStatus *int `json:"Exit_status,omitempty"`
	}{jobInfo: j.info()}
	if form == PBSStatus && j.state == jobFinished {
		status := j.exit
		if j.how != byItself {
			status = pbsTerminated
		}
		described.ExitStatus = &status
	}
	text, _ := json.Marshal(described) // texts and numbers only
	return string(text)
}

// scontrol is the form of scontrol show job, which tells 0:0 of everything that has not
// failed by itself.
func (j *job) scontrol() string {
	state := map[string]string{jobQueued: "PENDING", jobRunning: "RUNNING", jobFinished: "COMPLETED"}[j.state]
	switch {
	case j.how == byStop:
		state = "CANCELLED"
	case j.how == byLimit:
		state = "TIMEOUT"
	case j.state == jobFinished && j.exit != 0:
		state = "FAILED"
	}
	return fmt.Sprintf("JobId=%s JobName=%s\n   UserId=%s(1001) Priority=1\n   JobState=%s Reason=None\n   Requeue=1 ExitCode=%d:0 DerivedExitCode=9:9\n   NodeList=%s\n",
		j.id, j.name, j.owner, state, j.exit, strings.Join(j.hosts, ","))
}

// mostOfLog is the most that one GetJobLog reads.
const mostOfLog = 400 << 10

type jobLogAnswer struct {
	RequestID string `json:"RequestId"`
	JobID     string `json:"JobId"`
	OutputLog string
	ErrorLog  string
}

// getJobLog reads a piece of what a job printed; of one that runs, where it is said where.
func (s *Simulator) getJobLog(params url.Values) (any, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	if params.Get("JobId") == "" {
		return nil, missing("JobId")
	}
	offset, failure := whole(params, "Offset", 0, 0, math.MaxInt32)
	if failure != nil {
		return nil, failure
	}
	size, failure := whole(params, "Size", 1024, 1, mostOfLog)
	if failure != nil {
		return nil, failure
	}
	s.schedule(s.clock.Now())
	j := s.findJob(cluster.ID, params.Get("JobId"))
	switch {
	case j == nil:
		return nil, fail("ObjectNotFound")
	case j.state == jobRunning && !slices.Contains(j.hosts, params.Get("ExecHost")):
		return nil, fail("ComputeNotFound")
	}
	output, errors := s.printedBy(j)
	piece := func(text []byte) string {
		from := min(offset, len(text))
		return base64.StdEncoding.EncodeToString(text[from:min(from+size, len(text))])
	}
	return jobLogAnswer{newRequestID(), j.id, piece(output), piece(errors)}, nil
}
