package ehpc

import (
	"context"
	"encoding/json"
	"time"
)

// ListInvocationStatusRequest asks how a command stands on its nodes.
type ListInvocationStatusRequest struct {
	ClusterID string
	CommandID string

	// Slack is how late the answer may come without harm: when requests have to
	// wait for each other, the one that is due first goes first. 0 is at once.
	Slack time.Duration
}

// ListInvocationStatusResponse is how a command stands. The overall word is not
// the conjunction of the nodes (a mixed outcome reads Finished): decide from the
// nodes. A node that is not listed is not known yet.
type ListInvocationStatusResponse struct {
	RequestID    string
	CommandID    string
	InvokeStatus string
	Instances    []InvokeInstance
}

// InvokeInstance is one node's status word. Documented are Running, Finished,
// Failed and Stopped; others must be expected.
type InvokeInstance struct {
	InstanceID string
	Status     string
}

type listInvocationStatus struct {
	rpc
	ClusterID string `position:"Query" name:"ClusterId"`
	CommandID string `position:"Query" name:"CommandId"`
}

func (r *listInvocationStatus) subject() subject {
	return subject{action: "ListInvocationStatus", clusterID: r.ClusterID, commandID: r.CommandID}
}

// ListInvocationStatus reads how a command stands on each of its nodes, in one
// call: the action has no pages.
func (c *Client) ListInvocationStatus(ctx context.Context, in ListInvocationStatusRequest) (*ListInvocationStatusResponse, error) {
	req := &listInvocationStatus{rpc: newRPC("ListInvocationStatus"), ClusterID: in.ClusterID, CommandID: in.CommandID}
	if in.ClusterID == "" || in.CommandID == "" {
		return nil, req.subject().badRequest("cluster id and command id are both needed")
	}
	body, err := c.readWithin(ctx, in.Slack, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID       scalar `json:"RequestId"`
		CommandID       scalar `json:"CommandId"`
		InvokeStatus    scalar
		InvokeInstances list[struct {
			InstanceID           scalar `json:"InstanceId"`
			InstanceInvokeStatus scalar
		}]
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.InvokeStatus == "" {
		return nil, unusable(req, "the answer holds no InvokeStatus")
	}
	out := &ListInvocationStatusResponse{
		RequestID:    string(answer.RequestID),
		CommandID:    string(answer.CommandID),
		InvokeStatus: string(answer.InvokeStatus),
	}
	for _, node := range answer.InvokeInstances {
		out.Instances = append(out.Instances, InvokeInstance{
			InstanceID: string(node.InstanceID),
			Status:     string(node.InstanceInvokeStatus),
		})
	}
	return out, nil
}
