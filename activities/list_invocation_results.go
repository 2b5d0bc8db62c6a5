package activities

import (
	"context"
	"time"
	"unicode/utf8"

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

const cutMark = "\n[… output cut …]\n"

// cut keeps the beginning and the end of an output, where the reasons of failures
// stand, so that each weighs half of the limit in a payload.
func cut(output string, limit int) string {
	if len(beginning(output, limit)) == len(output) {
		return output
	}
	return beginning(output, limit/2) + cutMark + ending(output, limit/2)
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
