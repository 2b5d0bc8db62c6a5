package ehpc

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
)

// SubmitJobRequest gives a job to a cluster's scheduler. A zero number or an empty
// text leaves that choice to the scheduler.
type SubmitJobRequest struct {
	ClusterID      string // required
	CommandLine    string // required: what the scheduler runs
	RunasUser      string // required: a user of the cluster
	RunasPassword  string // of the user, where the cluster asks for one; never logged
	Name           string
	JobQueue       string
	Priority       int // 0 to 9
	Nodes          int
	Tasks          int // of each node
	Threads        int // of each task
	GPUs           int
	Memory         string // such as 4GB
	ClockTime      string // wall clock limit, hh:mm:ss
	ArrayRequest   string // X-Y:Z
	PackagePath    string // directory to run in
	StdoutRedirect string
	StderrRedirect string
	Variables      string // JSON text
	Rerunnable     bool
}

// SubmitJobResponse names the job.
type SubmitJobResponse struct {
	RequestID string
	JobID     string
}

type submitJob struct {
	rpc
	ClusterID      string `position:"Query" name:"ClusterId"`
	CommandLine    string `position:"Query" name:"CommandLine"`
	RunasUser      string `position:"Query" name:"RunasUser"`
	RunasPassword  string `position:"Query" name:"RunasUserPassword"`
	Name           string `position:"Query" name:"Name"`
	JobQueue       string `position:"Query" name:"JobQueue"`
	Priority       string `position:"Query" name:"Priority"`
	Nodes          string `position:"Query" name:"Node"`
	Tasks          string `position:"Query" name:"Task"`
	Threads        string `position:"Query" name:"Thread"`
	GPUs           string `position:"Query" name:"Gpu"`
	Memory         string `position:"Query" name:"Mem"`
	ClockTime      string `position:"Query" name:"ClockTime"`
	ArrayRequest   string `position:"Query" name:"ArrayRequest"`
	PackagePath    string `position:"Query" name:"PackagePath"`
	StdoutRedirect string `position:"Query" name:"StdoutRedirectPath"`
	StderrRedirect string `position:"Query" name:"StderrRedirectPath"`
	Variables      string `position:"Query" name:"Variables"`
	Rerunnable     string `position:"Query" name:"ReRunable"`
}

func (r *submitJob) subject() subject {
	return subject{action: "SubmitJob", clusterID: r.ClusterID, secrets: []string{r.RunasPassword}}
}

// SubmitJob gives a job to the scheduler. It is sent at most once; after an error,
// Judge tells whether the job may exist.
func (c *Client) SubmitJob(ctx context.Context, in SubmitJobRequest) (*SubmitJobResponse, error) {
	req := &submitJob{
		rpc:            newRPC("SubmitJob"),
		ClusterID:      in.ClusterID,
		CommandLine:    in.CommandLine,
		RunasUser:      in.RunasUser,
		RunasPassword:  in.RunasPassword,
		Name:           in.Name,
		JobQueue:       in.JobQueue,
		Priority:       optional(in.Priority),
		Nodes:          optional(in.Nodes),
		Tasks:          optional(in.Tasks),
		Threads:        optional(in.Threads),
		GPUs:           optional(in.GPUs),
		Memory:         in.Memory,
		ClockTime:      in.ClockTime,
		ArrayRequest:   in.ArrayRequest,
		PackagePath:    in.PackagePath,
		StdoutRedirect: in.StdoutRedirect,
		StderrRedirect: in.StderrRedirect,
		Variables:      in.Variables,
	}
	if in.Rerunnable {
		req.Rerunnable = "true"
	}
	switch {
	case in.ClusterID == "":
		return nil, req.subject().badRequest("no cluster id")
	case strings.TrimSpace(in.CommandLine) == "":
		return nil, req.subject().badRequest("no command line")
	case in.RunasUser == "":
		return nil, req.subject().badRequest("no user to run as")
	case in.Priority < 0 || in.Priority > 9:
		return nil, req.subject().badRequest("the priority is not 0 to 9")
	case min(in.Nodes, in.Tasks, in.Threads, in.GPUs) < 0:
		return nil, req.subject().badRequest("a negative number of nodes, tasks, threads or GPUs")
	}
	body, err := c.submit(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID scalar `json:"RequestId"`
		JobID     scalar `json:"JobId"`
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.JobID == "" {
		return nil, unusable(req, "the answer holds no JobId")
	}
	return &SubmitJobResponse{RequestID: string(answer.RequestID), JobID: string(answer.JobID)}, nil
}

// optional leaves a zero out: the encoder drops what is empty.
func optional(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
