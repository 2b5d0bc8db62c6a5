package ehpc

import (
	"context"
	"encoding/json"
	"iter"
	"strconv"
)

// MaxCommandsPage is the largest PageSize of ListCommands.
const MaxCommandsPage = 50

// ListCommandsRequest asks for one page of the commands that a cluster was given.
// Their order, and for how long they are kept, is not documented.
type ListCommandsRequest struct {
	ClusterID  string
	CommandID  string // only this one; "" is all
	PageNumber int    // from 1
	PageSize   int    // 1 to MaxCommandsPage
}

// ListCommandsResponse is one page of commands.
type ListCommandsResponse struct {
	RequestID  string
	TotalCount int
	Commands   []Command
}

// Command is a command that was submitted. The API tells neither when, nor by
// whom, nor on which nodes.
type Command struct {
	ID         string
	Content    string // the text, as it was submitted
	WorkingDir string
	Timeout    *int // seconds; nil when the answer held none
}

type listCommands struct {
	rpc
	ClusterID  string `position:"Query" name:"ClusterId"`
	CommandID  string `position:"Query" name:"CommandId"`
	PageNumber string `position:"Query" name:"PageNumber"`
	PageSize   string `position:"Query" name:"PageSize"`
}

func (r *listCommands) subject() subject {
	return subject{action: "ListCommands", clusterID: r.ClusterID, commandID: r.CommandID}
}

// ListCommands reads one page of a cluster's commands.
func (c *Client) ListCommands(ctx context.Context, in ListCommandsRequest) (*ListCommandsResponse, error) {
	req := &listCommands{
		rpc:        newRPC("ListCommands"),
		ClusterID:  in.ClusterID,
		CommandID:  in.CommandID,
		PageNumber: strconv.Itoa(in.PageNumber),
		PageSize:   strconv.Itoa(in.PageSize),
	}
	if problem := pageProblem(in.ClusterID, in.PageNumber, in.PageSize, MaxCommandsPage); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID  scalar `json:"RequestId"`
		TotalCount scalar
		Commands   list[struct {
			CommandID      scalar `json:"CommandId"`
			CommandContent scalar
			WorkingDir     scalar
			Timeout        scalar
		}]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.TotalCount.number() == nil {
		return nil, req.subject().badResponse("the answer holds no TotalCount")
	}
	out := &ListCommandsResponse{RequestID: string(answer.RequestID), TotalCount: *answer.TotalCount.number()}
	for _, command := range answer.Commands {
		out.Commands = append(out.Commands, Command{
			ID:         string(command.CommandID),
			Content:    string(command.CommandContent),
			WorkingDir: string(command.WorkingDir),
			Timeout:    command.Timeout.number(),
		})
	}
	return out, nil
}

// Commands yields every command of a cluster.
func (c *Client) Commands(ctx context.Context, clusterID string) iter.Seq2[Command, error] {
	return allPages(func(command Command) string { return command.ID }, func(number int) (page[Command], error) {
		answer, err := c.ListCommands(ctx, ListCommandsRequest{ClusterID: clusterID, PageNumber: number, PageSize: MaxCommandsPage})
		if err != nil {
			return page[Command]{}, err
		}
		return page[Command]{answer.Commands, answer.TotalCount}, nil
	})
}
