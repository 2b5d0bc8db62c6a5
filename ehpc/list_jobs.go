package ehpc

import (
	"context"
	"iter"
	"strconv"
	"time"
)

// MaxJobsPage is the largest PageSize of ListJobs.
const MaxJobsPage = 50

// The documented states of a job.
const (
	JobQueued   = "QUEUED"
	JobRunning  = "RUNNING"
	JobFinished = "FINISHED"
)

// ListJobsRequest asks for one page of a cluster's jobs.
type ListJobsRequest struct {
	ClusterID  string
	Owner      string // only this user's; "" is everybody's
	State      string // all, finished or notfinish; "" leaves it to the service
	PageNumber int    // from 1
	PageSize   int    // 1 to MaxJobsPage

	// Slack by which the call may go late, for those that cannot.
	Slack time.Duration
}

// Job is a job of the scheduler. Times are the service's text.
type Job struct {
	ID           string
	Name         string
	Owner        string
	State        string   // JobQueued, JobRunning, JobFinished; others must be expected
	Nodes        []string // host names, once it runs
	SubmitTime   string
	StartTime    string
	LastModified string
	Stdout       string
	Stderr       string
	ArrayRequest string
}

type jobAnswer struct {
	ID             scalar `json:"Id"`
	Name           scalar
	Owner          scalar
	State          scalar
	NodeList       list[string]
	SubmitTime     scalar
	StartTime      scalar
	LastModifyTime scalar
	Stdout         scalar
	Stderr         scalar
	ArrayRequest   scalar
}

func (a jobAnswer) job() Job {
	return Job{
		ID: string(a.ID), Name: string(a.Name), Owner: string(a.Owner), State: string(a.State), Nodes: a.NodeList,
		SubmitTime: string(a.SubmitTime), StartTime: string(a.StartTime), LastModified: string(a.LastModifyTime),
		Stdout: string(a.Stdout), Stderr: string(a.Stderr), ArrayRequest: string(a.ArrayRequest),
	}
}

type listJobs struct {
	rpc
	ClusterID  string `position:"Query" name:"ClusterId"`
	Owner      string `position:"Query" name:"Owner"`
	State      string `position:"Query" name:"State"`
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (r *listJobs) subject() subject { return subject{action: "ListJobs", clusterID: r.ClusterID} }

// ListJobs reads one page of a cluster's jobs.
func (c *Client) ListJobs(ctx context.Context, in ListJobsRequest) (*Page[Job], error) {
	req := &listJobs{
		rpc:        newRPC("ListJobs"),
		ClusterID:  in.ClusterID,
		Owner:      in.Owner,
		State:      in.State,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxJobsPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	late := func(ctx context.Context, req request) ([]byte, error) { return c.readWithin(ctx, in.Slack, req) }
	return readPage(ctx, late, req, "Jobs", jobAnswer.job)
}

// Jobs yields every job of a cluster, of the given state and owner.
func (c *Client) Jobs(ctx context.Context, clusterID, owner, state string) iter.Seq2[Job, error] {
	return allPages(func(job Job) string { return job.ID }, func(number int) (*Page[Job], error) {
		return c.ListJobs(ctx, ListJobsRequest{
			ClusterID: clusterID, Owner: owner, State: state, PageNumber: number, PageSize: MaxJobsPage,
		})
	})
}
