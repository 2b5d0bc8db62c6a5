package ehpcsim_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

// scripted is a bundle whose commands follow a script, on a clock that stands still.
func scripted(t *testing.T, script ehpcsim.Script) (*bundle, *ehpcsim.ManualClock) {
	t.Helper()
	clock := ehpcsim.NewManualClock(time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC))
	return newBundleOf(t, ehpcsim.Config{Script: &script, Clock: clock}, ehpcsim.DemoCluster(clusterID, 2)), clock
}

func (b *bundle) words(commandID string) []string {
	b.t.Helper()
	_, got := b.call("ListInvocationStatus", map[string]string{"CommandId": commandID})
	var words []string
	for _, node := range got.InvokeInstances.InvokeInstance {
		words = append(words, node.InstanceInvokeStatus)
	}
	return words
}

func TestAScriptedCommandFollowsItsTimeline(t *testing.T) {
	t.Parallel()
	b, clock := scripted(t, ehpcsim.Script{Duration: [2]time.Duration{10 * time.Second, 10 * time.Second}, ExitCodes: []int{4}, OutputBytes: 100})
	id := b.submit("never executed", nil)
	require.Equal(t, []string{"Running"}, b.words(id))
	clock.Advance(9 * time.Second)
	require.Equal(t, []string{"Running"}, b.words(id))
	require.Empty(t, b.Ends(id))
	clock.Advance(time.Second)
	require.Equal(t, []string{"Finished"}, b.words(id))
	got := b.results(id)[0]
	require.Equal(t, 4, got.ExitCode)
	require.Len(t, got.Message, 100)
	require.Equal(t, "2026-04-01T08:00:10Z", got.FinishedTime)
	require.Equal(t, clock.Now(), b.Ends(id)[b.ids[0]])
	require.Equal(t, 1, b.Executions(b.ids[0]))
}

func TestScriptedNodesPrintSomethingElseEach(t *testing.T) {
	t.Parallel()
	b, _ := scripted(t, ehpcsim.Script{OutputBytes: 100})
	got := b.results(b.submit("never executed", map[string]string{"Instance.2.Id": b.ids[1]}))
	require.Len(t, got, 2)
	require.NotEqual(t, got[0].Message, got[1].Message)
}

func TestAScriptedCommandIsKilledAtItsTimeout(t *testing.T) {
	t.Parallel()
	b, clock := scripted(t, ehpcsim.Script{Duration: [2]time.Duration{time.Hour, time.Hour}})
	id := b.submit("never executed", map[string]string{"Timeout": "90"})
	clock.Advance(2 * time.Hour)
	require.Equal(t, []string{"Failed"}, b.words(id))
	require.Equal(t, "2026-04-01T08:01:30Z", b.results(id)[0].FinishedTime)
}

func TestThousandsOfScriptedNodesCostNothing(t *testing.T) {
	t.Parallel()
	script := &ehpcsim.Script{Duration: [2]time.Duration{0, time.Hour}, ExitCodes: []int{0, 0, 0, 1}}
	clock := ehpcsim.NewManualClock(time.Now())
	b := newBundleOf(t, ehpcsim.Config{Script: script, Clock: clock}, ehpcsim.DemoCluster(clusterID, 5000))
	_, submitted := b.call("InvokeShellCommand", map[string]string{"Command": "solve", "Timeout": "7200"})
	require.Len(t, submitted.InstanceIDs.InstanceID, 5000)
	clock.Advance(30 * time.Minute)
	ended := 0
	for _, word := range b.words(submitted.CommandID) {
		if word == "Finished" {
			ended++
		}
	}
	require.InDelta(t, 2500, ended, 250, "durations are spread evenly")
	require.Equal(t, 5000-ended, b.Stats().Running)
}

func TestANodeCanVanishOrFallSilent(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	_, submitted := b.call("InvokeShellCommand", map[string]string{"Command": "sleep 66", "Timeout": "1"})
	b.RemoveNode(clusterID, b.ids[0])
	b.Silence(clusterID, b.ids[1])
	require.Equal(t, []string{"Running"}, b.words(submitted.CommandID), "the first is no longer listed")
	require.Eventually(t, func() bool { return len(processes(t, b)) == 0 }, soon, often, "both were killed, one at its timeout")
	require.Equal(t, []string{"Running"}, b.words(submitted.CommandID), "the second never says so")
	_, listed := b.call("ListNodes", nil)
	require.Equal(t, 1, listed.TotalCount)
	status, _ := b.call("InvokeShellCommand", map[string]string{"Command": "echo", "Instance.1.Id": b.ids[0]})
	require.Equal(t, http.StatusBadRequest, status)
}

func TestNodesAreListedByWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	cluster := ehpcsim.DemoCluster(clusterID, 3)
	cluster.Nodes = append(cluster.Nodes, ehpcsim.Node{InstanceID: "i-manager", HostName: "manager", Roles: []string{"Manager", "Scheduler"}})
	b := newBundleOf(t, ehpcsim.Config{}, cluster)
	b.SetNodeStatus(clusterID, cluster.Nodes[1].InstanceID, "stopped")
	for name, tc := range map[string]struct {
		params map[string]string
		want   []string
	}{
		"role":     {map[string]string{"Role": "Manager"}, []string{"manager"}},
		"status":   {map[string]string{"Filter": `{"status":"stopped"}`}, []string{"compute001"}},
		"pattern":  {map[string]string{"HostName": "00[02]$"}, []string{"compute000", "compute002"}},
		"prefix":   {map[string]string{"HostNamePrefix": "man"}, []string{"manager"}},
		"suffix":   {map[string]string{"HostNameSuffix": "2"}, []string{"compute002"}},
		"backward": {map[string]string{"Role": "Compute", "SortBy": "HostName", "Sequence": "Backward"}, []string{"compute002", "compute001", "compute000"}},
	} {
		_, got := b.call("ListNodes", tc.params)
		var hosts []string
		for _, node := range got.Nodes.NodeInfo {
			hosts = append(hosts, node.HostName)
		}
		require.Equal(t, tc.want, hosts, name)
	}
}

func TestTheNodesOfAQueueAreListedPageByPage(t *testing.T) {
	t.Parallel()
	cluster := ehpcsim.DemoCluster(clusterID, 5)
	for i, queue := range []string{"gpu", "", "gpu", "cpu", "gpu"} {
		cluster.Nodes[i].Queue = queue
	}
	b := newBundleOf(t, ehpcsim.Config{}, cluster)
	for name, tc := range map[string]struct {
		params map[string]string
		want   []string
		total  int
	}{
		"one node":      {map[string]string{"QueueName": "cpu"}, []string{"compute003"}, 1},
		"first page":    {map[string]string{"QueueName": "gpu", "PageSize": "2"}, []string{"compute000", "compute002"}, 3},
		"last page":     {map[string]string{"QueueName": "gpu", "PageSize": "2", "PageNumber": "2"}, []string{"compute004"}, 3},
		"unknown queue": {map[string]string{"QueueName": "GPU"}, nil, 0},
	} {
		status, got := b.call("ListNodesByQueue", tc.params)
		require.Equal(t, http.StatusOK, status, name)
		var hosts []string
		for _, node := range got.Nodes.NodeInfo {
			hosts = append(hosts, node.HostName)
		}
		require.Equal(t, tc.want, hosts, name)
		require.Equal(t, tc.total, got.TotalCount, name)
	}
}

func TestAClusterThatIsNotRunningTakesNoCommand(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.SetClusterStatus(clusterID, "exception")
	status, got := b.call("InvokeShellCommand", map[string]string{"Command": "echo"})
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "InvalidClusterStatus", got.Code)
}

func TestACommandIsListedWhenItsTimeHasCome(t *testing.T) {
	t.Parallel()
	b, clock := scripted(t, ehpcsim.Script{})
	first := b.submit("echo first # token-1", nil)
	b.SetFaults(ehpcsim.Faults{ListLate: 30 * time.Second})
	second := b.submit("echo second # token-2", nil)
	listed := func() []string {
		_, got := b.call("ListCommands", nil)
		var ids []string
		for _, c := range got.Commands.Command {
			ids = append(ids, c.CommandID)
		}
		return ids
	}
	require.Equal(t, []string{first}, listed())
	clock.Advance(30 * time.Second)
	require.Equal(t, []string{second, first}, listed())
	require.Equal(t, map[string]int{b.ids[0]: 1}, b.ExecutionsOf("token-2"))
}

func TestJobsQueueRunAndFinish(t *testing.T) {
	t.Parallel()
	b, clock := scripted(t, ehpcsim.Script{Duration: [2]time.Duration{time.Minute, time.Minute}})
	submit := func(nodes int) string {
		status, got := b.call("SubmitJob", map[string]string{"CommandLine": "./solve", "RunasUser": "user1", "Node": fmt.Sprint(nodes)})
		require.Equal(t, http.StatusOK, status, got.Message)
		return got.JobID
	}
	states := func() string {
		_, got := b.call("ListJobs", nil)
		text := ""
		for _, job := range got.Jobs.JobInfo {
			text += job.State[:1]
		}
		return text
	}
	first, _, third := submit(1), submit(1), submit(2)
	require.Equal(t, "RRQ", states(), "two nodes are busy, so the third waits")
	clock.Advance(time.Minute)
	require.Equal(t, "FFR", states())
	status, _ := b.call("StopJobs", map[string]string{"Jobs": `[{"Id":"` + third + `"}]`})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "FFF", states())
	status, got := b.call("StopJobs", map[string]string{"Jobs": `[{"Id":"` + first + `"}]`})
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "ObjectNotFound", got.Code)
	_, got = b.call("ListJobs", map[string]string{"State": "notfinish"})
	require.Zero(t, got.TotalCount)
}

func TestAnswersComeInXMLUnlessJSONIsAskedFor(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.submit("echo hi", nil)
	b.end(id)
	for _, format := range []string{"XML", "-"} {
		_, body, err := b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListInvocationStatus", "CommandId": id, "Format": format}))
		require.NoError(t, err)
		var got struct {
			XMLName   xml.Name `xml:"ListInvocationStatusResponse"`
			CommandID string   `xml:"CommandId"`
			Words     []string `xml:"InvokeInstances>InvokeInstance>InstanceInvokeStatus"`
		}
		require.NoError(t, xml.Unmarshal(body, &got), string(body))
		require.Equal(t, id, got.CommandID)
		require.Equal(t, []string{"Finished"}, got.Words)
	}
	_, body, err := b.send(http.MethodGet, signed(http.MethodGet, map[string]string{"Action": "ListNodes", "ClusterId": "x", "Format": "XML"}))
	require.NoError(t, err)
	require.Contains(t, string(body), "<Error>")
	require.Contains(t, string(body), "<Code>ClusterNotFound</Code>")
}
