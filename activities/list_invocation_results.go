package activities

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// ListInvocationResultsInput names the results to collect.
type ListInvocationResultsInput struct {
	ClusterID string `json:"clusterId"`
	CommandID string `json:"commandId"`

	// InstanceIDs to collect; none means every node of the command, of which
	// there are as many as Nodes says.
	InstanceIDs []string `json:"instanceIds,omitempty"`
	Nodes       int      `json:"nodes,omitempty"`

	SubmittedAt time.Time `json:"submittedAt"`

	// OutputLimit is how many bytes of a node's output are kept: its first and
	// last half when there is more.
	OutputLimit int `json:"outputLimit"`
}

// ListInvocationResultsResult holds a record for each node that has one.
type ListInvocationResultsResult struct {
	Records ResultRecords `json:"records"`
}

// ResultRecords are the records of many nodes; a long list is written as columns.
type ResultRecords []ResultRecord

// MarshalJSON writes the list; see package columns.
func (r ResultRecords) MarshalJSON() ([]byte, error) { return columns.Marshal(r) }

// UnmarshalJSON reads it, also as a plain array.
func (r *ResultRecords) UnmarshalJSON(text []byte) error {
	return columns.Unmarshal(text, (*[]ResultRecord)(r))
}

// ResultRecord is what one node's execution left.
type ResultRecord struct {
	NodeStatus
	ExitCode    *int      `json:"exitCode"` // nil when the service gave none
	Output      string    `json:"output,omitempty"`
	OutputBytes int       `json:"outputBytes"` // as received
	OutputCut   bool      `json:"outputCut,omitempty"`
	Collected   *bool     `json:"collected,omitempty"`
	FinishedAt  time.Time `json:"finishedAt,omitzero"`
}

// ListInvocationResults collects the exit codes and output of the nodes. Results
// may lag behind the status, so it looks again for a while for those that are
// missing or not final.
func (a *Activities) ListInvocationResults(ctx context.Context, in ListInvocationResultsInput) (*ListInvocationResultsResult, error) {
	giveUp := time.Now().Add(a.Pace.ResultsWithin)
	stop := keepAlive(ctx, "collecting")
	defer stop()
	for look := int32(1); ; look++ {
		records, err := a.results(ctx, in)
		if err != nil {
			return nil, a.readFailure(err, in.SubmittedAt, activity.GetInfo(ctx).Attempt)
		}
		if final(records, in) || time.Now().After(giveUp) {
			return &ListInvocationResultsResult{Records: records}, nil
		}
		select {
		case <-time.After(a.Pace.backoff(catalogue.Soon, look)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// results reads the records that there are, of the nodes asked for.
func (a *Activities) results(ctx context.Context, in ListInvocationResultsInput) ([]ResultRecord, error) {
	wanted := make(map[string]bool, len(in.InstanceIDs))
	for _, id := range in.InstanceIDs {
		wanted[id] = true
	}
	found := make(map[string]ResultRecord)
	for result, err := range a.EHPC.Results(ctx, in.ClusterID, in.CommandID) {
		if err != nil {
			return nil, err
		}
		if len(wanted) == 0 || wanted[result.InstanceID] {
			found[result.InstanceID] = recordOf(result, in.OutputLimit)
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b ResultRecord) int { return cmp.Compare(a.InstanceID, b.InstanceID) }), nil
}

// final says whether every node that was asked for has left its last word.
func final(records []ResultRecord, in ListInvocationResultsInput) bool {
	for _, record := range records {
		if !record.State.Ended() {
			return false
		}
	}
	return len(records) >= max(len(in.InstanceIDs), in.Nodes)
}

func recordOf(result ehpc.InvocationResult, outputLimit int) ResultRecord {
	output, outputCut := cut(result.Output, outputLimit)
	return ResultRecord{
		NodeStatus:  statusOf(ehpc.InvokeInstance{InstanceID: result.InstanceID, Status: result.Status}),
		ExitCode:    result.ExitCode,
		Output:      output,
		OutputBytes: len(result.Output),
		OutputCut:   outputCut,
		Collected:   result.Collected,
		FinishedAt:  result.FinishedAt.UTC(),
	}
}

const cutMark = "\n[… output cut …]\n"

// cut keeps the beginning and the end of an output, where the reasons of failures
// stand, so that each weighs half of the limit in a payload. It says whether it
// left something out.
func cut(output string, limit int) (string, bool) {
	if len(beginning(output, limit)) == len(output) {
		return output, false
	}
	return beginning(output, limit/2) + cutMark + ending(output, limit/2), true
}

// beginning is as much of the front of a text as its weight allows.
func beginning(text string, weight int) string {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if weight -= encodedSize(r, size); weight < 0 {
			return text[:i]
		}
		i += size
	}
	return text
}

// ending is as much of the back of a text as its weight allows.
func ending(text string, weight int) string {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRuneInString(text[:i])
		if weight -= encodedSize(r, size); weight < 0 {
			return text[i:]
		}
		i -= size
	}
	return text
}

// encodedSize is what a character weighs in a payload, at the most: JSON writes
// control characters, some signs and what is no text as six bytes.
func encodedSize(r rune, size int) int {
	switch {
	case r < ' ', r == utf8.RuneError, r == '<', r == '>', r == '&', r == '\u2028', r == '\u2029':
		return 6
	case r == '"', r == '\\':
		return 2
	}
	return size
}
