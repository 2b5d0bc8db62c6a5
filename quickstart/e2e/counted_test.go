package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/activities"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/runs"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// counted is a run whose every execution leaves a line on its node: what really
// happened can be read there, whatever anybody says.
type counted struct {
	number int
	id     string
	pause  int  // seconds that it takes on a node, at the most
	all    bool // asks for all nodes instead of naming them
}

// code is what the run's command exits with on a node.
func (c counted) code(node int) int { return (3*c.number + 5*node) % 4 }

func (c counted) command(nodes int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "echo \"%s $EHPCFLOW\" >> \"$HOME/executions\"\necho \"done by %s\"\n", markOf(c.number), markOf(c.number))
	b.WriteString("case $HOSTNAME in")
	for node := range nodes {
		fmt.Fprintf(&b, " *%03d) sleep %d; exit %d;;", node, (c.number+node)%(c.pause+1), c.code(node))
	}
	return b.String() + " esac\n"
}

// begin puts a run on the queue, once, whether or not the server answers at once.
func (s *system) begin(c *counted, nodes int) {
	s.t.Helper()
	target := workflows.Target{All: c.all}
	for _, node := range ehpcsim.DemoCluster(stack.ClusterID, nodes).Nodes {
		if !c.all {
			target.Nodes = append(target.Nodes, node.InstanceID)
		}
	}
	c.id = runs.NewID()
	await(s.t, time.Minute, "the run is begun", func() bool {
		ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
		defer cancel()
		_, err := s.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: c.id, TaskQueue: s.queue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		},
			workflows.RunCommand, workflows.RunCommandInput{
				ClusterID: stack.ClusterID, Target: target, Command: c.command(nodes), TimeoutSeconds: 600,
			})
		return err == nil
	})
}

// execution is a line that a command left.
type execution struct{ mark, token string }

// executed reads the lines that commands left on a node.
func executed(t *testing.T, s *ehpcsim.Simulator, instanceID string) []execution {
	t.Helper()
	return executedBelow(t, s.ScratchDir(), instanceID)
}

// executedBelow reads them below a simulator's directory.
func executedBelow(t *testing.T, scratch, instanceID string) []execution {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scratch, stack.ClusterID, instanceID, "root", "executions"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	var lines []execution
	for line := range strings.Lines(string(text)) {
		mark, token, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		lines = append(lines, execution{mark, token})
	}
	return lines
}

// truth is what the commands of a system left on its nodes.
type truth struct {
	runs       map[string][]int // by mark: how often it ran on each node
	executions int
	duplicates int // executions beyond the first, of a run on a node
	untold     int // executions that no token was told
}

func (s *system) truth(nodes int) truth {
	s.t.Helper()
	got := truth{runs: make(map[string][]int)}
	for i, node := range ehpcsim.DemoCluster(stack.ClusterID, nodes).Nodes {
		for _, line := range executed(s.t, s.Simulator, node.InstanceID) {
			if got.runs[line.mark] == nil {
				got.runs[line.mark] = make([]int, nodes)
			}
			times := &got.runs[line.mark][i]
			*times++
			got.executions++
			if *times > 1 {
				got.duplicates++
			}
			if line.token == "" {
				got.untold++
			}
		}
	}
	return got
}

// lies compares a report of a run that completed with what really happened.
func (t truth) lies(c counted, report runs.Report, nodes int) []string {
	var lies []string
	lie := func(format string, args ...any) {
		lies = append(lies, fmt.Sprintf("%s (%s): ", markOf(c.number), c.id)+fmt.Sprintf(format, args...))
	}
	if report.State != runs.Completed {
		lie("it is %s: %+v", report.State, report.Error)
		return lies
	}
	if len(report.Nodes) != nodes {
		lie("it has %d nodes, not %d", len(report.Nodes), nodes)
		return lies
	}
	succeeded := 0
	for i, node := range report.Nodes {
		want := activities.Nonzero
		if c.code(i) == 0 {
			want = activities.Succeeded
			succeeded++
		}
		if times := t.runs[markOf(c.number)]; len(times) == 0 || times[i] != 1 {
			lie("it ran %v times on %s", times, node.InstanceID)
		}
		if node.State != want || node.ExitCode == nil || *node.ExitCode != c.code(i) {
			lie("%s is said to be %+v, it exited with %d", node.InstanceID, node, c.code(i))
		}
		if node.Output != "done by "+markOf(c.number)+"\n" {
			lie("%s is said to have put out %q: %+v", node.InstanceID, node.Output, node)
		}
	}
	want := workflows.Partial
	switch succeeded {
	case 0:
		want = workflows.Failed
	case nodes:
		want = workflows.Succeeded
	}
	if report.Verdict != want {
		lie("the verdict is %s, not %s", report.Verdict, want)
	}
	return lies
}
