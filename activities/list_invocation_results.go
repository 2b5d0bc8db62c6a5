package activities

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"ehpcflow/activities/columns"
	"ehpcflow/activities/guard"
	"ehpcflow/activities/outputs"
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

	// Token under which the command was wrapped, or which it stops; see package
	// guard. "" for one that was sent as it is.
	Token string `json:"token,omitempty"`
	Stop  bool   `json:"stop,omitempty"`

	// OutputLimit is how many bytes of a node's output are kept: its first and
	// last half when there is more.
	OutputLimit int `json:"outputLimit"`

	// OutputList asks for a list of the stored outputs, itself stored, in place of
	// a reference in each record: a run of many nodes has no room for those.
	OutputList bool `json:"outputList,omitempty"`
}

// ListInvocationResultsResult holds a record for each node that has one.
type ListInvocationResultsResult struct {
	Records ResultRecords `json:"records"`

	// OutputsURI and OutputsSHA256 refer to the list of the outputs, where it was
	// asked for.
	OutputsURI    string `json:"outputsUri,omitempty"`
	OutputsSHA256 string `json:"outputsSha256,omitempty"`
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

	// Refusal is why the node did not run the command; "" when it did.
	Refusal guard.Refusal `json:"refusal,omitempty"`

	// Incomplete says that the service cut the output: its beginning or its end is
	// not there.
	Incomplete bool `json:"incomplete,omitempty"`

	// Stopping is what a stop found; "" when it did not say.
	Stopping guard.Stopping `json:"stopping,omitempty"`

	// OutputRaw are the bytes of Output where they are not all UTF-8.
	OutputRaw []byte `json:"outputBytesBase64,omitempty"`

	// OutputURI is where the complete output is stored, and OutputSHA256 its digest,
	// in hexadecimal. OutputRemark says why it is not where it should be.
	OutputURI    string `json:"outputUri,omitempty"`
	OutputSHA256 string `json:"outputSha256,omitempty"`
	OutputRemark string `json:"outputRemark,omitempty"`
}

// ListInvocationResults collects the exit codes and output of the nodes. Results
// may lag behind the status, so it looks again for a while for those that are
// missing or not final. Of a command that the service no longer knows there are no
// records.
func (a *Activities) ListInvocationResults(ctx context.Context, in ListInvocationResultsInput) (*ListInvocationResultsResult, error) {
	giveUp := time.Now().Add(a.Pace.ResultsWithin)
	stop := keepAlive(ctx, "collecting")
	defer stop()
	c := &collector{Activities: a, in: in, of: activity.GetInfo(ctx), stored: make(map[string]outputs.Reference)}
	for look := int32(1); ; look++ {
		records, err := c.results(ctx)
		if err != nil {
			return nil, err
		}
		if final(records, in) || time.Now().After(giveUp) {
			result := &ListInvocationResultsResult{Records: records}
			return result, c.storeList(ctx, result)
		}
		select {
		case <-time.After(a.Pace.backoff(catalogue.Soon, look)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// collector reads results for one attempt of the activity.
type collector struct {
	*Activities
	in ListInvocationResultsInput
	of activity.Info

	stored   map[string]outputs.Reference // by node
	storeOff string                       // why nothing more is stored
}

// results reads the records that there are, of the nodes asked for.
func (c *collector) results(ctx context.Context) ([]ResultRecord, error) {
	wanted := make(map[string]bool, len(c.in.InstanceIDs))
	for _, id := range c.in.InstanceIDs {
		wanted[id] = true
	}
	found := make(map[string]ResultRecord)
	for result, err := range c.EHPC.Results(ctx, c.in.ClusterID, c.in.CommandID) {
		if err != nil && ehpc.Judge(err).Code == codeGone && c.believed(c.of.ScheduledTime) {
			break
		}
		if err != nil {
			return nil, c.attendedFailure(err, c.in.SubmittedAt, c.of.ScheduledTime, c.of.Attempt)
		}
		if len(wanted) > 0 && !wanted[result.InstanceID] {
			continue
		}
		record, err := c.recordOf(ctx, result)
		if err != nil {
			return nil, err
		}
		found[result.InstanceID] = record
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

// recordOf keeps a part of what a node left, and has all of its output stored.
func (c *collector) recordOf(ctx context.Context, result ehpc.InvocationResult) (ResultRecord, error) {
	record := ResultRecord{
		NodeStatus: statusOf(ehpc.InvokeInstance{InstanceID: result.InstanceID, Status: result.Status}),
		ExitCode:   result.ExitCode,
		Collected:  result.Collected,
		FinishedAt: result.FinishedAt.UTC(),
	}
	output := record.understand(result.Output, c.in)
	record.keepExcerpt(output, c.in.OutputLimit)
	record.OutputCut = record.OutputCut || record.Incomplete
	if c.in.Stop || record.Refusal != "" {
		return record, nil
	}
	return record, c.store(ctx, &record, output)
}

// understand reads what the wrapper or the stop printed, and returns the output of
// the command itself.
func (r *ResultRecord) understand(output string, in ListInvocationResultsInput) string {
	switch {
	case in.Token == "":
		return output
	case in.Stop:
		r.Stopping, _ = guard.ReadStop(in.Token, output)
		return output
	}
	said := guard.Read(in.Token, output)
	r.Refusal = said.Refusal
	if !said.Began && r.Refusal == "" && r.ExitCode != nil && *r.ExitCode == guard.RefusedCode {
		r.Refusal = guard.Second
	}
	ran := said.Ended || r.State == Finished && r.Refusal == ""
	r.Incomplete = ran && !said.Whole
	return said.Output
}
