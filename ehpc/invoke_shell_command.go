package ehpc

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of InvokeShellCommand, from its documentation page. Whether the length
// of a command counts characters or bytes is not documented; characters are
// counted here.
const (
	MinCommandLength = 2
	MaxCommandLength = 2048

	// MinTimeout, in seconds: older pages say that a smaller one is raised to
	// it in silence, newer ones do not mention it.
	MinTimeout = 60

	// MaxInstances of one call. E-HPC documents none; its sister ECS RunCommand
	// takes 100, and every id rides in the URL.
	MaxInstances = 100
)

// InvokeShellCommandRequest starts a command on named nodes. The API would run a
// command without node ids on every node of the cluster; this package never sends
// one without.
type InvokeShellCommandRequest struct {
	ClusterID   string
	Command     string   // shell text, MinCommandLength to MaxCommandLength characters
	InstanceIDs []string // ECS instance ids, 1 to MaxInstances, none empty
	WorkingDir  string   // on the node; "" leaves it to the service (documented: /root)

	// Timeout in seconds after which the service kills the command, MinTimeout
	// or more. Always sent: the pages disagree on the default (60 or 3,600).
	Timeout int
}

// InvokeShellCommandResponse names what was started.
type InvokeShellCommandResponse struct {
	RequestID string
	CommandID string

	// InstanceIDs that the service says it took. Empty when the answer held
	// none that could be read; the command was accepted all the same.
	InstanceIDs []string
}

type invokeShellCommand struct {
	rpc
	ClusterID  string      `position:"Query" name:"ClusterId"`
	Command    string      `position:"Query" name:"Command"`
	Instance   *[]instance `position:"Query" name:"Instance" type:"Repeated"`
	WorkingDir string      `position:"Query" name:"WorkingDir"`
	Timeout    string      `position:"Query" name:"Timeout"`
}

func (r *invokeShellCommand) subject() subject {
	return subject{action: "InvokeShellCommand", clusterID: r.ClusterID}
}

// InvokeShellCommand starts a command, as root, on the named nodes. It is sent
// at most once; after an error, Judge tells whether it may have run.
func (c *Client) InvokeShellCommand(ctx context.Context, in InvokeShellCommandRequest) (*InvokeShellCommandResponse, error) {
	req := &invokeShellCommand{
		rpc:        newRPC("InvokeShellCommand"),
		ClusterID:  in.ClusterID,
		Command:    in.Command,
		Instance:   instancesOf(in.InstanceIDs),
		WorkingDir: in.WorkingDir,
		Timeout:    strconv.Itoa(in.Timeout),
	}
	if problem := in.problem(); problem != "" {
		return nil, req.subject().badRequest(problem)
	}
	body, err := c.submit(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID   scalar `json:"RequestId"`
		CommandID   scalar `json:"CommandId"`
		InstanceIDs list[string]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.CommandID == "" {
		failure := unusable(req, "the answer holds no CommandId")
		failure.RequestID = clean(string(answer.RequestID))
		return nil, failure
	}
	return &InvokeShellCommandResponse{
		RequestID:   string(answer.RequestID),
		CommandID:   string(answer.CommandID),
		InstanceIDs: answer.InstanceIDs,
	}, nil
}

// problem guards against what the SDK's encoder drops in silence: an empty id
// would leave the list, and an empty list means every node.
func (in InvokeShellCommandRequest) problem() string {
	length := utf8.RuneCountInString(in.Command)
	switch {
	case in.ClusterID == "":
		return "no cluster id"
	case len(in.InstanceIDs) == 0:
		return "no node ids: without any, the API would run the command on every node"
	case len(in.InstanceIDs) > MaxInstances:
		return "more than " + strconv.Itoa(MaxInstances) + " node ids in one call"
	case slices.ContainsFunc(in.InstanceIDs, func(id string) bool { return strings.TrimSpace(id) == "" }):
		return "an empty node id"
	case length < MinCommandLength || length > MaxCommandLength:
		return "the command has " + strconv.Itoa(length) + " characters, not 2 to 2048"
	case in.Timeout < MinTimeout:
		return "a timeout below 60 seconds"
	}
	return ""
}
