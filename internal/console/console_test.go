package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func code(n int) *int { return &n }

func report(nodes ...workflows.NodeResult) runs.Report {
	r := runs.Report{RunID: "run-1", State: runs.Completed}
	r.Phase, r.Verdict, r.Nodes = workflows.Ended, workflows.Partial, nodes
	return r
}

func written(t *testing.T, r runs.Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, WriteResult(&out, r))
	return out.String()
}

func TestShortOutputStandsInTheTable(t *testing.T) {
	t.Parallel()
	text := written(t, report(
		workflows.NodeResult{InstanceID: "i-a", HostName: "compute000", State: activities.Succeeded, ExitCode: code(0), Output: "hi\n"},
		workflows.NodeResult{InstanceID: "i-b", State: activities.Nonzero, ExitCode: code(3)},
	))
	lines := strings.Split(text, "\n")
	require.Regexp(t, `NODE +HOST +STATE +EXIT +OUTPUT`, lines[0])
	require.Regexp(t, `^ i-a +compute000 +succeeded +0 +hi$`, lines[1])
	require.Regexp(t, `^ i-b +nonzero +3$`, lines[2])
	require.Contains(t, text, "run run-1: partial (1 succeeded, 1 nonzero)")
}

func TestLongOutputStandsWholeBelowTheTable(t *testing.T) {
	t.Parallel()
	text := written(t, report(
		workflows.NodeResult{InstanceID: "i-a", State: activities.Succeeded, ExitCode: code(0), Output: "one\ntwo\n", OutputBytes: 8},
		workflows.NodeResult{InstanceID: "i-b", State: activities.Nonzero, ExitCode: code(3), Output: "x", OutputBytes: 30_000, OutputCut: true},
		workflows.NodeResult{InstanceID: "i-c", State: activities.Succeeded, Output: "y", OutputBytes: 30_000, OutputCut: true, OutputURI: "file:///srv/i-c"},
	))
	require.Contains(t, text, "\n==> i-a\none\ntwo\n")
	require.Contains(t, text, "\n==> i-c, cut from 30000 bytes; all of it: file:///srv/i-c\ny\n")
	require.Contains(t, text, "\n==> i-b, cut from 30000 bytes\nx\n")
	require.NotContains(t, text, "OUTPUT")
}

func TestANodeWhoseOutputCouldNotBeStoredSaysSo(t *testing.T) {
	t.Parallel()
	text := written(t, report(
		workflows.NodeResult{InstanceID: "i-a", State: activities.Succeeded, Output: "hi\n", OutputRemark: "the disk is full"},
		workflows.NodeResult{InstanceID: "i-b", State: activities.Failed, Reason: "it broke", OutputRemark: "the disk is full"},
	))
	require.Regexp(t, `i-a +succeeded +the disk is full +hi`, text)
	require.Regexp(t, `i-b +failed +it broke; the disk is full`, text)
}

func TestOutputThatATerminalWouldWrapStandsBelowTheTable(t *testing.T) {
	t.Parallel()
	r := report(workflows.NodeResult{InstanceID: "i-a", State: activities.Succeeded, ExitCode: code(0), Output: "wide 界界界界界\n"})
	const columns = len(" i-a   succeeded     0  wide ") + 2*5
	for width, inTable := range map[int]bool{0: true, columns - 1: false, columns: true, 200: true} {
		var out bytes.Buffer
		require.NoError(t, writeResult(&out, r, width))
		require.Equal(t, inTable, strings.Contains(out.String(), "OUTPUT"), "%d columns:\n%s", width, out.String())
		require.Equal(t, !inTable, strings.Contains(out.String(), "==> i-a\nwide 界"), out.String())
	}
}

func TestOutputCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	text := written(t, report(workflows.NodeResult{InstanceID: "i-a", State: activities.Succeeded, Output: "\x1b]0;owned\x07\x1b[2Jü界\n"}))
	require.NotContains(t, text, "\x1b")
	require.Contains(t, text, "ü界")
}

func TestTheLastLineSaysWhatBecameOfTheRun(t *testing.T) {
	t.Parallel()
	failed := runs.Report{RunID: "run-1", State: runs.Failed, Error: &runs.Failure{Code: "NotAuthorized", Message: "why"}}
	require.Contains(t, written(t, failed), "run run-1 failed: why")

	named := runs.Report{RunID: "run-1", State: runs.Failed, Error: &runs.Failure{Code: "InvalidParams", Message: "Instance.2.Id is invalid"}}
	named.Nodes = []workflows.NodeResult{{InstanceID: "i-a"}, {InstanceID: "compute000"}}
	require.Contains(t, written(t, named), "Instance.2.Id is invalid\nhint: compute000 does not look like an instance id")
	named.Nodes = named.Nodes[:1]
	require.NotContains(t, written(t, named), "hint")

	going := report(workflows.NodeResult{InstanceID: "i-a", State: activities.Running})
	going.State, going.Phase, going.CommandID, going.Trouble = runs.Running, workflows.Watching, "c-1", "the API is busy"
	require.Contains(t, written(t, going), "run run-1 goes on: command c-1: 1 running\nwaiting: the API is busy")

	overdue := report()
	overdue.Reason = "the deadline passed"
	require.Contains(t, written(t, overdue), "the deadline passed")
}

func TestPlainProgressHasALineForEachChange(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(&out, 0)
	going := report(workflows.NodeResult{InstanceID: "i-a", State: activities.Running}, workflows.NodeResult{InstanceID: "i-b", State: activities.Running})
	going.Phase, going.CommandID = workflows.Watching, "c-1"
	p.Show(going)
	p.Show(going)
	going.Nodes[1] = workflows.NodeResult{InstanceID: "i-b", State: activities.Unknown, Word: "Dreaming"}
	going.Trouble = "busy"
	p.Show(going)
	p.Close()
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		_, text, _ := strings.Cut(line, " ")
		lines = append(lines, text)
	}
	require.Equal(t, []string{
		"command c-1: 2 running", "i-a running", "i-b running", "waiting: busy", `i-b unknown: the service says "Dreaming"`,
	}, lines)
}

func TestARunThatFailedBeforeItHadNodesSaysNothingOfThem(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(&out, 0)
	p.Show(report())
	p.Close()
	require.Regexp(t, `^\S+ ended\n$`, out.String())
}

func TestTheLiveViewOutlivesReportsWithFewerNodes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLive(&out, 40, 0)
	l.Show(report(workflows.NodeResult{InstanceID: "i-a", State: activities.Running}, workflows.NodeResult{InstanceID: "i-b", State: activities.Running}))
	l.Show(report())
	l.Show(report(workflows.NodeResult{InstanceID: "i-a", State: activities.Nonzero, ExitCode: code(3)}))
	l.Close()
	l.Close()
	require.Contains(t, out.String(), "✗ i-a")
}

func TestTheLiveViewOfManyNodesFitsTheScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newLive(&out, 10, 0)
	l.Show(report(make([]workflows.NodeResult, 50)...))
	l.Close()
	require.Len(t, l.bars, headLines)
}

func TestMachinesAreGivenEachNodeAndCommandAsAnObject(t *testing.T) {
	t.Parallel()
	var many runs.Report
	for i := range 300 {
		many.Nodes = append(many.Nodes, workflows.NodeResult{InstanceID: fmt.Sprint("i-", i)})
		many.Commands = append(many.Commands, workflows.Command{CommandID: fmt.Sprint("c-", i)})
	}
	var out bytes.Buffer
	require.NoError(t, WriteJSON(&out, many))
	var read struct {
		Nodes    []struct{ InstanceID string }
		Commands []struct{ CommandID string }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	require.Equal(t, "i-299", read.Nodes[299].InstanceID)
	require.Equal(t, "c-299", read.Commands[299].CommandID)
}
