package activities

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// ListInvocationResultsInput names the results to collect.
type ListInvocationResultsInput struct {
	ClusterID   string    `json:"clusterId"`
	CommandID   string    `json:"commandId"`
	InstanceIDs []string  `json:"instanceIds"`
	SubmittedAt time.Time `json:"submittedAt"`

	// OutputLimit is how many bytes of a node's output are kept: its first and
	// last half when there is more.
	OutputLimit int `json:"outputLimit"`
}

// ListInvocationResultsResult holds a record for each node that has one.
type ListInvocationResultsResult struct {
	Records []ResultRecord `json:"records"`
}

// ResultRecord is what one node's execution left.
type ResultRecord struct {
	NodeStatus
	ExitCode    *int      `json:"exitCode"` // nil when the service gave none
	Output      string    `json:"output,omitempty"`
	OutputBytes int       `json:"outputBytes"` // as received; more than len(Output) when it was cut
	Collected   *bool     `json:"collected,omitempty"`
	FinishedAt  time.Time `json:"finishedAt,omitzero"`
}

// ListInvocationResults collects the exit codes and output of the nodes. Results
// may lag behind the status, so it looks again for a while for those that are
// missing or not final.
func (a *Activities) ListInvocationResults(ctx context.Context, in ListInvocationResultsInput) (*ListInvocationResultsResult, error) {
	giveUp := time.Now().Add(a.Pace.ResultsWithin)
	_, stop := keepAlive(ctx, "collecting")
	defer stop()
	for look := int32(1); ; look++ {
		found, err := a.allResults(ctx, in)
		if err != nil {
			return nil, a.readFailure(ctx, err, in.SubmittedAt)
		}
		result := &ListInvocationResultsResult{}
		final := true
		for _, id := range in.InstanceIDs {
			record, ok := found[id]
			if ok {
				result.Records = append(result.Records, recordOf(record, in.OutputLimit))
			}
			final = final && ok && statusOf(ehpc.InvokeInstance{Status: record.Status}).State.Ended()
		}
		if final || time.Now().After(giveUp) {
			return result, nil
		}
		select {
		case <-time.After(a.Pace.backoff(catalogue.Soon, look)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (a *Activities) allResults(ctx context.Context, in ListInvocationResultsInput) (map[string]ehpc.InvocationResult, error) {
	found := make(map[string]ehpc.InvocationResult, len(in.InstanceIDs))
	for result, err := range a.EHPC.Results(ctx, in.ClusterID, in.CommandID) {
		if err != nil {
			return nil, err
		}
		found[result.InstanceID] = result
	}
	return found, nil
}

func recordOf(result ehpc.InvocationResult, outputLimit int) ResultRecord {
	return ResultRecord{
		NodeStatus:  statusOf(ehpc.InvokeInstance{InstanceID: result.InstanceID, Status: result.Status}),
		ExitCode:    result.ExitCode,
		Output:      cut(result.Output, outputLimit),
		OutputBytes: len(result.Output),
		Collected:   result.Collected,
		FinishedAt:  result.FinishedAt.UTC(),
	}
}

// encodedSize is what a text weighs in a payload: JSON writes a control character,
// among others, as six bytes.
func encodedSize(text string) int {
	encoded, err := json.Marshal(text)
	if err != nil {
		return 6 * len(text)
	}
	return len(encoded)
}

// cut keeps the first and the last half of what is allowed, where the reasons of
// failures stand, on whole characters.
func cut(output string, limit int) string {
	encoded := encodedSize(output)
	if encoded <= limit {
		return output
	}
	half := limit / 2
	if worst := limit / 12; len(output) <= limit || encoded > 2*len(output) {
		half = worst // whatever is kept fits, even if each byte becomes six
	}
	half = min(half, len(output)/2)
	head := strings.ToValidUTF8(output[:half], "")
	tail := strings.ToValidUTF8(output[len(output)-half:], "")
	return head + "\n[… output cut …]\n" + tail
}
