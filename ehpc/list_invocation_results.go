package ehpc

import (
	"context"
	"iter"
	"strconv"
	"time"
)

// MaxResultsPage is the largest PageSize of ListInvocationResults.
const MaxResultsPage = 50

// ListInvocationResultsRequest asks for one page of a command's results.
type ListInvocationResultsRequest struct {
	ClusterID  string
	CommandID  string
	PageNumber int // from 1
	PageSize   int // 1 to MaxResultsPage
}

// InvocationResult is what one node's execution left.
type InvocationResult struct {
	InstanceID string
	Status     string // as in InvokeInstance

	// ExitCode is nil when the answer held none, which is not a success.
	ExitCode *int

	// Output is stdout and stderr together. The service cuts it at a length
	// that is not documented (its sister product: 24 KB), and does not say so. What
	// a node printed need not be text: the bytes are those of the answer.
	Output string

	// Collected is the service's Success field: whether running and collecting
	// went well, not whether the exit code is 0. Nil when absent.
	Collected *bool

	// FinishedAt is the zero time when absent or unreadable.
	FinishedAt time.Time
}

type resultAnswer struct {
	InstanceID         scalar `json:"InstanceId"`
	InvokeRecordStatus scalar
	ExitCode           scalar
	Message            output
	Success            scalar
	FinishedTime       scalar
}

func (a resultAnswer) result() InvocationResult {
	return InvocationResult{
		InstanceID: string(a.InstanceID),
		Status:     string(a.InvokeRecordStatus),
		ExitCode:   a.ExitCode.number(),
		Output:     string(a.Message),
		Collected:  a.Success.truth(),
		FinishedAt: parseTime(string(a.FinishedTime)),
	}
}

type listInvocationResults struct {
	rpc
	ClusterID  string `position:"Query" name:"ClusterId"`
	CommandID  string `position:"Query" name:"CommandId"`
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (r *listInvocationResults) subject() subject {
	return subject{action: "ListInvocationResults", clusterID: r.ClusterID, commandID: r.CommandID}
}

// ListInvocationResults reads one page of a command's exit codes and output.
func (c *Client) ListInvocationResults(ctx context.Context, in ListInvocationResultsRequest) (*Page[InvocationResult], error) {
	req := &listInvocationResults{
		rpc:        newRPC("ListInvocationResults"),
		ClusterID:  in.ClusterID,
		CommandID:  in.CommandID,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if in.CommandID == "" {
		return nil, req.subject().badRequest("no command id")
	}
	if problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxResultsPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	return readPage(ctx, c.read, req, "InvocationResults", resultAnswer.result)
}

// Results yields the result of every node of a command.
func (c *Client) Results(ctx context.Context, clusterID, commandID string) iter.Seq2[InvocationResult, error] {
	return allPages(func(result InvocationResult) string { return result.InstanceID }, func(number int) (*Page[InvocationResult], error) {
		return c.ListInvocationResults(ctx, ListInvocationResultsRequest{
			ClusterID: clusterID, CommandID: commandID, PageNumber: number, PageSize: MaxResultsPage,
		})
	})
}

// parseTime reads the two forms that the documentation shows, with and without
// seconds.
func parseTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}
