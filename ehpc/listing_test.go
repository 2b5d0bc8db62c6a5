package ehpc_test

import (
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestClustersCommandsAndJobsAreRead(t *testing.T) {
	t.Parallel()
	client := func(file string) *ehpc.Client { return connect(t, serveBody(t, http.StatusOK, wire(t, file)).URL) }

	clusters, err := client("ListClusters.ok.json").ListClusters(t.Context(), ehpc.ListClustersRequest{PageNumber: 1, PageSize: 10})
	require.NoError(t, err)
	demo := ehpc.Cluster{ID: "ehpc-hz-demo0001", Name: "demo", Status: ehpc.ClusterRunning, RegionID: "cn-hangzhou", SchedulerType: "slurm"}
	counted := demo
	counted.Computes = &ehpc.NodeCounts{Total: 2, Normal: 1, Stopped: 1}
	require.Equal(t, []ehpc.Cluster{counted}, clusters.Items)

	cluster, err := client("DescribeCluster.ok.json").DescribeCluster(t.Context(), ehpc.DescribeClusterRequest{ClusterID: demo.ID})
	require.NoError(t, err)
	require.Equal(t, demo, cluster.Cluster)

	commands, err := client("ListCommands.ok.json").ListCommands(t.Context(), ehpc.ListCommandsRequest{ClusterID: demo.ID, PageNumber: 1, PageSize: 50})
	require.NoError(t, err)
	require.Equal(t, []ehpc.Command{{ID: "c-hz0aaaa000001", Content: "uname -a\n# wf=demo/1", WorkingDir: "/home", Timeout: number(60)}}, commands.Items)

	commands, err = client("ListCommands.empty.json").ListCommands(t.Context(), ehpc.ListCommandsRequest{ClusterID: demo.ID, PageNumber: 1, PageSize: 50})
	require.NoError(t, err)
	require.Empty(t, commands.Items)

	jobs, err := client("ListJobs.ok.json").ListJobs(t.Context(), ehpc.ListJobsRequest{ClusterID: demo.ID, PageNumber: 1, PageSize: 50})
	require.NoError(t, err)
	require.Equal(t, ehpc.Job{
		ID: "7.manager", Name: "job1", Owner: "user1", State: ehpc.JobRunning, Nodes: []string{"compute000"},
		SubmitTime: "2026-04-01T08:00:00", StartTime: "2026-04-01T08:00:01", LastModified: "2026-04-01T08:00:01", Stdout: "./out", Stderr: "./err",
	}, jobs.Items[0])

	submitted, err := client("SubmitJob.ok.json").SubmitJob(t.Context(), jobRequest())
	require.NoError(t, err)
	require.Equal(t, "7.manager", submitted.JobID)

	_, err = client("StopJobs.ok.json").StopJobs(t.Context(), ehpc.StopJobsRequest{ClusterID: demo.ID, JobIDs: []string{"7.manager"}})
	require.NoError(t, err)

	for _, info := range []string{`"{\"a\":1}"`, `{"a":1}`} {
		job, err := connect(t, serveBody(t, http.StatusOK, `{"Message":{"JobInfo":`+info+`}}`).URL).
			DescribeJob(t.Context(), ehpc.DescribeJobRequest{ClusterID: demo.ID, JobID: "7.manager"})
		require.NoError(t, err)
		require.Equal(t, `{"a":1}`, job.JobInfo)
	}
}

func jobRequest() ehpc.SubmitJobRequest {
	return ehpc.SubmitJobRequest{ClusterID: "ehpc-hz-1", CommandLine: "/mnt/nas/solve.sh", RunasUser: "user1"}
}

func TestAJobIsSentWithWhatWasAskedForAndNothingElse(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"JobId":"1"}`)
	in := jobRequest()
	in.Nodes, in.Priority, in.RunasPassword, in.Rerunnable = 4, 3, "hunter2", true
	_, err := connect(t, s.URL).SubmitJob(t.Context(), in)
	require.NoError(t, err)
	query := s.received()[0].URL.Query()
	for name, value := range map[string]string{"Node": "4", "Priority": "3", "RunasUserPassword": "hunter2", "ReRunable": "true"} {
		require.Equal(t, value, query.Get(name), name)
	}
	for _, name := range []string{"Task", "Thread", "Gpu", "Mem", "JobQueue"} {
		require.False(t, query.Has(name), name)
	}

	s = serveBody(t, http.StatusOK, `{"RequestId":"r"}`)
	_, err = connect(t, s.URL).StopJobs(t.Context(), ehpc.StopJobsRequest{ClusterID: "c", JobIDs: []string{"0.sched", "1.sched"}})
	require.NoError(t, err)
	require.JSONEq(t, `[{"Id":"0.sched"},{"Id":"1.sched"}]`, s.received()[0].URL.Query().Get("Jobs"))
}

func TestAPasswordOfAJobIsNotQuoted(t *testing.T) {
	t.Parallel()
	in := jobRequest()
	in.RunasPassword = "hunter/2"
	_, err := connect(t, serveBody(t, 400, `{"Code":"InvalidParams","Message":"bad hunter/2 and hunter%2F2"}`).URL).SubmitJob(t.Context(), in)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter")
}

func TestBadJobsAreRefusedBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"JobId":"1","RequestId":"r"}`)
	c := connect(t, s.URL)
	for name, change := range map[string]func(*ehpc.SubmitJobRequest){
		"no cluster": func(in *ehpc.SubmitJobRequest) { in.ClusterID = "" },
		"no command": func(in *ehpc.SubmitJobRequest) { in.CommandLine = " " },
		"no user":    func(in *ehpc.SubmitJobRequest) { in.RunasUser = "" },
		"priority":   func(in *ehpc.SubmitJobRequest) { in.Priority = 10 },
		"nodes":      func(in *ehpc.SubmitJobRequest) { in.Nodes = -1 },
	} {
		in := jobRequest()
		change(&in)
		_, err := c.SubmitJob(t.Context(), in)
		require.Equal(t, catalogue.BadRequest, failure(t, err).Code, name)
	}
	for _, ids := range [][]string{nil, {""}, {"1", ""}, make([]string, 101)} {
		_, err := c.StopJobs(t.Context(), ehpc.StopJobsRequest{ClusterID: "c", JobIDs: ids})
		require.Equal(t, catalogue.BadRequest, failure(t, err).Code)
	}
	require.Empty(t, s.received())
}

// listing serves pages of items that shift by one between two reads.
func listing(t *testing.T, key, form string, total int) *ehpc.Client {
	t.Helper()
	return connect(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(r.URL.Query().Get("PageNumber"))
		size, _ := strconv.Atoi(r.URL.Query().Get("PageSize"))
		var items []string
		for i := max((number-1)*size-(number-1), 0); i < total && len(items) < size; i++ {
			items = append(items, fmt.Sprintf(form, i))
		}
		fmt.Fprintf(w, `{"TotalCount":%d,%s:[%s]}`, total, key, strings.Join(items, ","))
	}).URL)
}

func TestAnIteratorYieldsEveryItemOfEveryPageOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	count(t, 250, listing(t, `"Nodes"`, `{"Id":"i-%d"}`, 250).Nodes(ctx, "c"))
	count(t, 120, listing(t, `"InvocationResults"`, `{"InstanceId":"i-%d"}`, 120).Results(ctx, "c", "c-1"))
	count(t, 120, listing(t, `"Commands"`, `{"CommandId":"c-%d"}`, 120).Commands(ctx, "c"))
	count(t, 120, listing(t, `"Clusters"`, `{"Id":"e-%d"}`, 120).Clusters(ctx))
	count(t, 120, listing(t, `"Jobs"`, `{"Id":"%d.sched"}`, 120).Jobs(ctx, "c", "", ""))
	count(t, 120, listing(t, `"Nodes"`, `{"Id":"i-%d"}`, 120).NodesByQueue(ctx, "c", "gpu"))
	count(t, 0, listing(t, `"Nodes"`, `{"Id":"i-%d"}`, 0).NodesByQueue(ctx, "c", "nowhere"))
	count(t, 0, listing(t, `"Nodes"`, `{"Id":"i-%d"}`, 0).Nodes(ctx, "c"))
}

func count[T any](t *testing.T, least int, all iter.Seq2[T, error]) {
	t.Helper()
	n := 0
	for _, err := range all {
		require.NoError(t, err)
		n++
	}
	require.InDelta(t, least, n, 3, "all of them, but for those that shifted out of the last page")
}

func TestAnIteratorEndsWithTheFirstErrorOrWhenNobodyListens(t *testing.T) {
	t.Parallel()
	s := serveBody(t, 403, wire(t, "err-403-NoPermission.json"))
	var errs []error
	for _, err := range connect(t, s.URL).Nodes(t.Context(), "c") {
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.Equal(t, "NoPermission", failure(t, errs[0]).Code)

	c := listing(t, `"Nodes"`, `{"Id":"i-%d"}`, 1000)
	for node, err := range c.Nodes(t.Context(), "c") {
		require.NoError(t, err)
		require.Equal(t, "i-0", node.ID)
		break
	}
}
