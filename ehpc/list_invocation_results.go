package ehpc

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"ehpcflow/ehpc/catalogue"
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

// ListInvocationResultsResponse is one page of results.
type ListInvocationResultsResponse struct {
	RequestID  string
	TotalCount int
	Results    []InvocationResult
}

// InvocationResult is what one node's execution left.
type InvocationResult struct {
	InstanceID string
	Status     string // as in InvokeInstance

	// ExitCode is nil when the answer held none, which is not a success.
	ExitCode *int

	// Output is stdout and stderr together. The service cuts it at a length
	// that is not documented (its sister product: 24 KB), and does not say so.
	Output string

	// Collected is the service's Success field: whether running and collecting
	// went well, not whether the exit code is 0. Nil when absent.
	Collected *bool

	// FinishedAt is the zero time when absent or unreadable.
	FinishedAt time.Time
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
func (c *Client) ListInvocationResults(ctx context.Context, in ListInvocationResultsRequest) (*ListInvocationResultsResponse, error) {
	req := &listInvocationResults{
		rpc:        newRPC("ListInvocationResults"),
		ClusterID:  in.ClusterID,
		CommandID:  in.CommandID,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if in.ClusterID == "" || in.CommandID == "" {
		return nil, req.subject().failure(catalogue.BadRequest, "cluster id and command id are both needed", nil)
	}
	if in.PageNumber < 1 || in.PageSize < 1 || in.PageSize > MaxResultsPage {
		return nil, req.subject().failure(catalogue.BadRequest, "pages count from 1 and hold 1 to 50 results", nil)
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID         scalar `json:"RequestId"`
		TotalCount        scalar
		InvocationResults list[struct {
			InstanceID         scalar `json:"InstanceId"`
			InvokeRecordStatus scalar
			ExitCode           scalar
			Message            scalar
			Success            scalar
			FinishedTime       scalar
		}]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.TotalCount.number() == nil {
		return nil, req.subject().failure(catalogue.BadResponse, "the answer holds no TotalCount", nil)
	}
	out := &ListInvocationResultsResponse{
		RequestID:  string(answer.RequestID),
		TotalCount: *answer.TotalCount.number(),
	}
	for _, record := range answer.InvocationResults {
		out.Results = append(out.Results, InvocationResult{
			InstanceID: string(record.InstanceID),
			Status:     string(record.InvokeRecordStatus),
			ExitCode:   record.ExitCode.number(),
			Output:     string(record.Message),
			Collected:  record.Success.truth(),
			FinishedAt: parseTime(string(record.FinishedTime)),
		})
	}
	return out, nil
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
