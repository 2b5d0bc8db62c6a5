package workflows

import (
	"encoding/json"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// mostPayload is how long a result, or what a rollout goes on from, may be, in bytes of
// JSON. Temporal takes 2 MiB.
const mostPayload = 1800 << 10

// sheds make the nodes of a rollout take less room, what is missed least first.
var sheds = []func(*rollout){
	func(r *rollout) { // attempts before the last ones
		for i := range r.status.Nodes {
			node := &r.status.Nodes[i]
			r.report().AttemptsLeftOut += len(node.Attempts)
			node.Attempts = nil
		}
		r.attempts = mostAttempts
	},
	func(r *rollout) { // outputs of nodes that succeeded
		for i := range r.places {
			if p := r.places[i]; p.Stage == policy.Over && p.State == activities.Succeeded {
				r.leaveOutput(p.Node)
			}
		}
	},
	func(r *rollout) { // all outputs
		for i := range r.status.Nodes {
			r.leaveOutput(i)
		}
	},
}

func (r *rollout) leaveOutput(at int) {
	node := &r.status.Nodes[at]
	if node.Output != "" {
		node.Output, node.OutputRaw, node.OutputCut = "", nil, true
	}
}

// fit sheds what would have a payload outgrow what Temporal takes. How JSON is written may
// change with Go: that changes what a result holds, and no step of the rollout.
//
//workflowcheck:ignore
func (r *rollout) fit(payload func() any) {
	for _, shed := range sheds {
		text, err := json.Marshal(payload())
		if err != nil || len(text) <= mostPayload {
			return
		}
		shed(r)
	}
}
