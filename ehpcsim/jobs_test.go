package ehpcsim_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

// job submits a job.
func (b *bundle) job(line string, params map[string]string) string {
	b.t.Helper()
	all := map[string]string{"CommandLine": line, "RunasUser": "user1"}
	for name, value := range params {
		all[name] = value
	}
	status, got := b.call("SubmitJob", all)
	require.Equal(b.t, http.StatusOK, status, got.Message)
	return got.JobID
}

// jobs are the listed ones, as "7.manager RUNNING".
func (b *bundle) jobs(params map[string]string) []string {
	b.t.Helper()
	_, got := b.call("ListJobs", params)
	var all []string
	for _, job := range got.Jobs.JobInfo {
		all = append(all, job.ID+" "+job.State)
	}
	return all
}

// finished waits until a job is finished, and returns what is said of it.
func (b *bundle) finished(id string) string {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		return strings.Contains(strings.Join(b.jobs(map[string]string{"State": "finished"}), "\n"), id+" ")
	}, soon, often)
	return b.described(id)
}

func (b *bundle) described(id string) string {
	b.t.Helper()
	status, got := b.call("DescribeJob", map[string]string{"JobId": id})
	require.Equal(b.t, http.StatusOK, status, got.Message)
	return got.Described.Message.JobInfo
}

func (b *bundle) log(id string, params map[string]string) (output, errs string) {
	b.t.Helper()
	all := map[string]string{"JobId": id}
	for name, value := range params {
		all[name] = value
	}
	status, got := b.call("GetJobLog", all)
	require.Equal(b.t, http.StatusOK, status, got.Message)
	return string(got.OutputLog), string(got.ErrorLog)
}

func TestAJobReallyRunsOnTheFirstOfItsNodes(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.job(`echo "$HOSTNAME $MESH $PBS_JOBNAME $(basename $PWD)"; echo oops >&2; exit 3`, map[string]string{
		"Name": "solve.abc", "PackagePath": "case", "Variables": `[{"Name":"MESH","Value":"very fine"}]`,
	})
	require.Contains(t, b.finished(id), `"Exit_status":3`)
	output, errs := b.log(id, nil)
	require.Equal(t, b.host+" very fine solve.abc case\n", output)
	require.Equal(t, "oops\n", errs)
	output, _ = b.log(id, map[string]string{"Offset": "5", "Size": "4"})
	require.Len(t, output, 4)
	require.Equal(t, map[string]int{"solve.abc": 1}, b.JobsNamed("solve"))
}

func TestTheOutputOfAJobGoesWhereItIsAsked(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	id := b.job(`echo out; echo err >&2`, map[string]string{"StdoutRedirectPath": "/data/it's out", "StderrRedirectPath": "err.log"})
	b.finished(id)
	root := filepath.Join(b.ScratchDir(), clusterID, b.ids[0])
	for file, want := range map[string]string{"data/it's out": "out\n", "root/err.log": "err\n"} {
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
	output, errs := b.log(id, nil)
	require.Equal(t, "out\nerr\n", output+errs)
}

func TestAnArrayRunsItsTasks(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{false, true} {
		t.Run(fmt.Sprint("task by task: ", listed), func(t *testing.T) {
			t.Parallel()
			b := newBundleOf(t, ehpcsim.Config{Jobs: ehpcsim.JobSettings{ListTasks: listed}}, ehpcsim.DemoCluster(clusterID, 2))
			id := b.job(`echo task $PBS_ARRAY_INDEX; [ $PBS_ARRAY_INDEX != 5 ]`, map[string]string{"ArrayRequest": "1-6:2"})
			want := []string{"1.manager FINISHED"}
			if listed {
				want = []string{"1[1].manager FINISHED", "1[3].manager FINISHED", "1[5].manager FINISHED"}
			}
			require.Eventually(t, func() bool { return len(b.jobs(map[string]string{"State": "notfinish"})) == 0 }, soon, often)
			require.Equal(t, want, b.jobs(nil))
			require.Contains(t, b.described(id), `"Exit_status":1`)
			output, _ := b.log(id, nil)
			require.Equal(t, "task 1\ntask 3\ntask 5\n", output)
		})
	}
}

func TestAJobIsKilledAtItsLimitAndWhenItIsStopped(t *testing.T) {
	t.Parallel()
	b := newBundleOf(t, ehpcsim.Config{Jobs: ehpcsim.JobSettings{StopTakes: 300 * time.Millisecond}}, ehpcsim.DemoCluster(clusterID, 2))
	limited := b.job(`sleep 600`, map[string]string{"ClockTime": "00:00:01"})
	stopped := b.job(`sleep 600`, nil)
	queued := b.job(`sleep 600`, map[string]string{"JobQueue": "nowhere"})
	status, _ := b.call("StopJobs", map[string]string{"Jobs": `[{"Id":"` + stopped + `"},{"Id":"` + queued + `"}]`})
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, b.jobs(nil), stopped+" RUNNING", "it takes a while")
	for _, id := range []string{limited, stopped, queued} {
		require.Contains(t, b.finished(id), `"Exit_status":271`)
	}
}

func TestSlurmSaysZeroOfWhatItEnded(t *testing.T) {
	t.Parallel()
	b := newBundleOf(t, ehpcsim.Config{Jobs: ehpcsim.JobSettings{Status: ehpcsim.SlurmStatus}}, ehpcsim.DemoCluster(clusterID, 2))
	limited := b.job(`sleep 600`, map[string]string{"ClockTime": "00:00:01"})
	require.Contains(t, b.described(limited), "JobState=RUNNING")
	failed := b.job(`exit 4`, nil)
	require.Contains(t, b.finished(failed), "JobState=FAILED Reason=None\n   Requeue=1 ExitCode=4:0")
	text := b.finished(limited)
	require.Contains(t, text, "JobState=TIMEOUT")
	b = newBundleOf(t, ehpcsim.Config{Jobs: ehpcsim.JobSettings{Status: ehpcsim.NoStatus}}, ehpcsim.DemoCluster(clusterID, 2))
	require.NotContains(t, b.finished(b.job(`true`, nil)), "xit")
}

func TestAJobMayBeListedLateAndVanish(t *testing.T) {
	t.Parallel()
	b, clock := scripted(t, ehpcsim.Script{Duration: [2]time.Duration{time.Hour, time.Hour}})
	b.SetFaults(ehpcsim.Faults{ListLate: time.Minute})
	id := b.job("./solve", nil)
	require.Empty(t, b.jobs(nil))
	clock.Advance(time.Minute)
	require.Equal(t, []string{id + " RUNNING"}, b.jobs(nil))
	b.RemoveJob(clusterID, id)
	require.Empty(t, b.jobs(nil))
	status, got := b.call("DescribeJob", map[string]string{"JobId": id})
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "ObjectNotFound", got.Code)
	next := b.job("./solve", nil)
	clock.Advance(time.Minute)
	require.Equal(t, []string{next + " RUNNING"}, b.jobs(nil), "its node is free")
}

func TestAJobThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, value := range map[string]string{
		"Name": "a-b-c-d", "ClockTime": "1h", "ArrayRequest": "5-1", "Variables": "{Name:x}", "Priority": "10", "Node": "0",
	} {
		status, got := b.call("SubmitJob", map[string]string{"CommandLine": "true", "RunasUser": "u", name: value})
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Contains(t, got.Message, name)
	}
	require.Empty(t, b.jobs(nil))
}
