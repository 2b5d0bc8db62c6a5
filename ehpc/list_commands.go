package ehpc

import (
	"context"
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

// Command is a command that was submitted. The API tells neither when, nor by
// whom, nor on which nodes.
type Command struct {
	ID         string
	Content    string // the text, as it was submitted
	WorkingDir string
	Timeout    *int // seconds; nil when the answer held none
}

type commandAnswer struct {
	CommandID      scalar `json:"CommandId"`
	CommandContent scalar
	WorkingDir     scalar
	Timeout        scalar
}

func (a commandAnswer) command() Command {
	return Command{ID: string(a.CommandID), Content: string(a.CommandContent), WorkingDir: string(a.WorkingDir), Timeout: a.Timeout.number()}
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
func (c *Client) ListCommands(ctx context.Context, in ListCommandsRequest) (*Page[Command], error) {
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
	return readPage(ctx, c.read, req, "Commands", commandAnswer.command)
}

// Commands yields every command of a cluster.
func (c *Client) Commands(ctx context.Context, clusterID string) iter.Seq2[Command, error] {
	return allPages(func(command Command) string { return command.ID }, func(number int) (*Page[Command], error) {
		return c.ListCommands(ctx, ListCommandsRequest{ClusterID: clusterID, PageNumber: number, PageSize: MaxCommandsPage})
	})
}
