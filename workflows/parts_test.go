package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

func manyNodes(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("i-%05d", i)
	}
	return ids
}

// onParts accepts each part as a command named after its first node, until refuse
// says otherwise.
func (b *bundle) onParts(refuse func(first string) error) {
	b.OnActivity(acts.InvokeShellCommand, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.InvokeShellCommandInput) (*activities.InvokeShellCommandResult, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.submits = append(b.submits, in)
			if err := refuse(in.InstanceIDs[0]); err != nil {
				return nil, err
			}
			return &activities.InvokeShellCommandResult{CommandID: "c-" + in.InstanceIDs[0], Accepted: true, SubmittedAt: b.Now()}, nil
		})
}

func accepted(string) error { return nil }

func refusedFrom(from string, err error) func(string) error {
	return func(first string) error {
		if first >= from {
			return err
		}
		return nil
	}
}

// onAllFinished reports every node of a run as finished in one watch, and its
// results with exit code 0.
func (b *bundle) onAllFinished(ids []string) {
	b.onWatch(activities.ListInvocationStatusResult{Changed: finished(ids)})
	b.OnActivity(acts.ListInvocationResults, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ListInvocationResultsInput) (*activities.ListInvocationResultsResult, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.collects = append(b.collects, in)
			result := &activities.ListInvocationResultsResult{}
			first := slices.Index(ids, in.CommandID[len("c-"):])
			if in.OutputList {
				result.OutputsURI, result.OutputsSHA256 = "list of "+in.CommandID, "digest"
			}
			for _, id := range ids[first:min(first+in.Nodes, len(ids))] {
				result.Records = append(result.Records, left(id, 0, ""))
			}
			return result, nil
		})
}

func finished(ids []string) activities.NodeStatuses {
	var changed activities.NodeStatuses
	for _, id := range ids {
		changed = append(changed, saw(id, activities.Finished))
	}
	return changed
}

func TestALongListOfNodesIsSubmittedInPartsAndWatchedTogether(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	ids := manyNodes(1050)
	b.onParts(accepted)
	b.onAllFinished(ids)
	result, err := b.run(onNodes(ids...))
	require.NoError(t, err)
	require.Equal(t, workflows.Succeeded, result.Verdict)
	require.Equal(t, 1050, result.Counts()[activities.Succeeded])

	require.Len(t, b.submits, 11)
	var sent []string
	for _, submit := range b.submits {
		require.LessOrEqual(t, len(submit.InstanceIDs), workflows.MaxPerCommand)
		sent = append(sent, submit.InstanceIDs...)
	}
	require.ElementsMatch(t, ids, sent, "each node once")
	require.Len(t, b.watches, 1)
	require.Len(t, b.watches[0].Commands, 11)
	for _, command := range b.watches[0].Commands {
		require.Empty(t, command.Nodes, "ids that the service lists are not recorded again")
	}
	require.Len(t, b.collects, 11)
	slices.SortFunc(b.collects, func(a, b activities.ListInvocationResultsInput) int { return strings.Compare(a.CommandID, b.CommandID) })
	require.Equal(t, 50, b.collects[10].Nodes)
	require.LessOrEqual(t, b.collects[0].OutputLimit*1050, 512<<10)
	require.True(t, b.collects[0].OutputList, "there is no room for a reference to each output")
	require.Len(t, result.Commands, 11)
	require.Equal(t, workflows.Command{
		CommandID: "c-i-01000", SubmittedAt: result.Commands[10].SubmittedAt, From: 1000, Nodes: 50,
		OutputsURI: "list of c-i-01000", OutputsSHA256: "digest",
	}, result.Commands[10])
}

func TestWhatRefusesTheFirstPartIsAskedOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onParts(refusedFrom("", temporal.NewNonRetryableApplicationError("no", "NotAuthorized", nil)))
	_, err := b.run(onNodes(manyNodes(1000)...))
	requireCode(t, err, "NotAuthorized")
	require.Len(t, b.submits, 1)
	require.Equal(t, 1000, b.status().Counts()[activities.Skipped])
}

func TestAPartThatIsRefusedEndsTheSubmitsAndTheRestIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	ids := manyNodes(2000)
	b.onParts(refusedFrom("i-00800", temporal.NewNonRetryableApplicationError("no money", "InDebt", nil)))
	b.onWatch(activities.ListInvocationStatusResult{Changed: finished(ids[:800])})
	b.onResults()
	result, err := b.run(onNodes(ids...))
	require.NoError(t, err)
	require.Equal(t, workflows.Failed, result.Verdict, "no record was left, so no success was seen")
	require.Contains(t, result.Reason, "no money")
	require.Len(t, b.submits, 9, "one, and eight at a time")
	require.Equal(t, activities.Skipped, result.Nodes[800].State)
	require.Equal(t, activities.Skipped, result.Nodes[900].State, "nothing more was submitted")
	require.Equal(t, 800, result.Counts()[activities.Failed])
}

func TestCancellingBetweenPartsSubmitsNoMore(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.onParts(func(first string) error {
		if first == "i-00100" {
			b.CancelWorkflow()
		}
		return nil
	})
	_, err := b.run(onNodes(manyNodes(3000)...))
	require.True(t, temporal.IsCanceledError(err), "%v", err)
	require.LessOrEqual(t, len(b.submits), 9)
	status := b.status()
	running := status.Counts()[activities.Running]
	require.GreaterOrEqual(t, running, 100)
	require.Equal(t, 3000-running, status.Counts()[activities.Skipped])
	require.Contains(t, status.Reason, fmt.Sprintf("may still be running on %d of 3000 nodes", running))
}

func TestACommandWhoseNodesDoNotMatchIsWatchedByTheirNames(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	ids := manyNodes(300)
	b.onParts(accepted)
	b.onWatch(
		activities.ListInvocationStatusResult{Unmatched: []string{"c-i-00100"}},
		activities.ListInvocationStatusResult{Changed: append(finished(ids),
			activities.NodeStatus{InstanceID: "i-unasked", State: activities.Finished, CommandID: "c-i-00100"})},
	)
	b.onResults(left("i-unasked", 0, ""))
	result, err := b.run(onNodes(ids...))
	require.NoError(t, err)
	require.Nil(t, b.watches[1].Commands[1].Packed)
	require.Len(t, b.watches[1].Commands[1].Nodes, 100)
	require.NotNil(t, b.watches[1].Commands[0].Packed)
	require.Equal(t, []string{"i-unasked"}, result.Commands[1].Unasked)
	require.Equal(t, activities.Succeeded, result.Nodes[300].State, "it is followed like the others")
	require.Contains(t, result.Reason, "i-unasked")
}

func TestARunWithALongHistoryGoesOnAsANewOneAndLosesNothing(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{3, 1050} {
		b := newBundle(t)
		ids := manyNodes(nodes)
		b.onParts(accepted)
		b.SetContinueAsNewSuggested(true)
		in := onNodes(ids...)
		in.TimeoutSeconds, in.DeadlineSeconds = 7200, 3600
		in.Lineage = &workflows.Lineage{Run: "r", First: "r"}
		_, err := b.run(in)
		var goesOn *workflow.ContinueAsNewError
		require.ErrorAs(t, err, &goesOn)
		var next workflows.RunCommandInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(goesOn.Input, &next))
		require.Less(t, goesOn.Input.Size(), 700+nodes*30)

		after := newBundle(t)
		after.SetStartTime(b.Now().Add(10 * time.Minute))
		after.onAllFinished(ids)
		result, err := after.run(next)
		require.NoError(t, err)
		require.Empty(t, after.submits)
		require.Equal(t, workflows.Succeeded, result.Verdict)
		require.Len(t, result.Nodes, nodes)
		require.Equal(t, b.status().SubmittedAt, result.SubmittedAt)
		require.Equal(t, in.Lineage, result.Lineage)
		require.Equal(t, in.Lineage, next.Lineage, "a rerun of it is found by its input")
		require.Equal(t, after.watches[0].Deadline, b.status().StartedAt.Add(time.Hour), "the deadline counts from the first start")
	}
}

func TestAStatusIsAnsweredInPages(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	ids := manyNodes(2500)
	b.onParts(accepted)
	b.onAllFinished(ids)
	_, err := b.run(onNodes(ids...))
	require.NoError(t, err)
	seen := 0
	for seen < len(ids) {
		answer, err := b.QueryWorkflow(workflows.StatusQuery, workflows.StatusRequest{From: seen})
		require.NoError(t, err)
		var page workflows.RunCommandStatus
		require.NoError(t, answer.Get(&page))
		require.Equal(t, 2500, page.NodeCount)
		require.Equal(t, 2500, page.Counts()[activities.Succeeded], "the counts are of all nodes")
		require.LessOrEqual(t, len(page.Nodes), workflows.StatusNodes)
		require.Equal(t, ids[seen], page.Nodes[0].InstanceID)
		seen += len(page.Nodes)
	}
	require.Len(t, b.status().Nodes, workflows.StatusNodes, "also when nobody asks for a part")
	answer, err := b.QueryWorkflow(workflows.StatusQuery, workflows.StatusRequest{From: 99_999})
	require.NoError(t, err)
	var beyond workflows.RunCommandStatus
	require.NoError(t, answer.Get(&beyond))
	require.Empty(t, beyond.Nodes)
}

func TestAResultOfThousandsOfNodesFitsAPayload(t *testing.T) {
	t.Parallel()
	uri := "file:///srv/" + strings.Repeat("a long name ", 20) + "/"
	for nodes, referenced := range map[int]bool{1000: true, workflows.MaxNodes: false} {
		var result workflows.RunCommandResult
		code := 0
		for i, id := range manyNodes(nodes) {
			node := workflows.NodeResult{
				InstanceID: "i-bp1000000000000" + id, HostName: "compute" + id, State: activities.Succeeded, ExitCode: &code,
				Output: fmt.Sprintf("%-*d", 512<<10/nodes, i), OutputBytes: 5000 + i%7, OutputCut: true,
				FinishedAt: time.Unix(1_780_000_000+int64(i*7919%100), 0).UTC(),
			}
			if i%2 == 0 {
				node.OutputRaw = []byte(node.Output[:len(node.Output)/3])
				node.Output = node.Output[:len(node.Output)/2]
			}
			if referenced {
				node.OutputURI, node.OutputSHA256 = uri+id, fmt.Sprintf("%064x", i)
			}
			result.Nodes = append(result.Nodes, node)
		}
		for i := range nodes / workflows.MaxPerCommand {
			result.Commands = append(result.Commands, workflows.Command{OutputsURI: uri + strconv.Itoa(i), OutputsSHA256: fmt.Sprintf("%064x", i)})
		}
		text, err := json.Marshal(result)
		require.NoError(t, err)
		require.Less(t, len(text), 2<<20-200<<10)
		var back workflows.RunCommandResult
		require.NoError(t, json.Unmarshal(text, &back))
		require.Equal(t, result.Nodes, back.Nodes)
	}
}
