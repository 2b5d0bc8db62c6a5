package ehpc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
)

func TestAnExitStatusIsReadInEverySpelling(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`{"Id":"7.manager","State":"FINISHED","Exit_status":0}`:   0,
		`{"Id":"7.manager","State":"FINISHED","Exit_status":"3"}`: 3,
		`{"ExitStatus":271}`:                                                                271,
		`{"exit_code":"0:0","job_state":"COMPLETED"}`:                                       0,
		`{"Jobs":{"7.manager":{"job_state":"F","Exit_status":1}}}`:                          1,
		`{"JobInfo":"Job Id: 7.manager\n    job_state = F\n    Exit_status = 0\n"}`:         0,
		"Job Id: 7.manager\n    Job_Name = s\n    job_state = F\n    Exit_status = 0\n":     0,
		"Job Id: 7.manager\n    Exit_status = -29\n":                                        -29,
		"JobId=7 JobName=s\n   JobState=COMPLETED Reason=None\n   Requeue=1 ExitCode=0:0\n": 0,
		"JobId=7 JobState=FAILED ExitCode=2:0 DerivedExitCode=0:0":                          2,
		"JobId=7 JobState=FAILED ExitCode=0:9":                                              137,
		"JobId=7 JobState=CANCELLED ExitCode=0:15":                                          143,
		"exit code: 5": 5,
		`{"array":[{"Exit_status":1},{"Exit_status":1}]}`:                    1,
		"JobName=exit_status=9 JobState=FAILED ExitCode=1:0 Comment=nothing": 1,
	} {
		got := ehpc.ExitStatus(text)
		require.NotNil(t, got, text)
		require.Equal(t, want, *got, text)
	}
}

func TestAnExitStatusIsNeverGuessed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{}", "null", "7", `"0"`, `{"Exit_status":null}`, `{"Exit_status":""}`, `{"Exit_status":true}`, `{"Exit_status":0.5}`,
		`{"Exit_status":[0,1]}`,
		"Exit_status = zero",
		"DerivedExitCode=0:0",
		"JobState=RUNNING ExitCode=0:0",
		"JobState=PENDING ExitCode=0:0",
		"JobState=CANCELLED ExitCode=0:0",
		"JobState=CANCELLED by 1001 ExitCode=0:0",
		"JobState=TIMEOUT ExitCode=0:0",
		"JobState=NODE_FAIL ExitCode=0:0",
		`{"State":"RUNNING","Exit_status":0}`,
		`{"State":"QUEUED","Exit_status":"0"}`,
		"Exit_status = 0\nExit_status = 1\n",
	} {
		require.Nil(t, ehpc.ExitStatus(text), text)
	}
}

func TestWhatAJobPrintedIsDecoded(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"RequestId":"r","JobId":"7","OutputLog":"aGk=","ErrorLog":"b29wcw=="}`: "hi|oops",
		`{"RequestId":"r","JobId":"7","OutputLog":"","ErrorLog":null}`:           "|",
		`{"GetJobLogResponse":{"RequestId":"r","OutputLog":"not base64!"}}`:      "not base64!|",
	} {
		got, err := connect(t, serveBody(t, 200, body).URL).GetJobLog(t.Context(), ehpc.GetJobLogRequest{ClusterID: "c", JobID: "7", Size: 100})
		require.NoError(t, err)
		require.Equal(t, want, string(got.Output)+"|"+string(got.Error))
	}
	_, err := connect(t, serveBody(t, 200, `{}`).URL).GetJobLog(t.Context(), ehpc.GetJobLogRequest{ClusterID: "c", JobID: "7", Size: 100})
	require.ErrorContains(t, err, "RequestId")
	for _, in := range []ehpc.GetJobLogRequest{
		{JobID: "7", Size: 1}, {ClusterID: "c", Size: 1}, {ClusterID: "c", JobID: "7"}, {ClusterID: "c", JobID: "7", Size: ehpc.MaxJobLog + 1},
		{ClusterID: "c", JobID: "7", Size: 1, Offset: -1},
	} {
		_, err := connect(t, "http://127.0.0.1:1").GetJobLog(t.Context(), in)
		require.ErrorContains(t, err, "Client.BadRequest")
	}
}

func TestTheStopOfAJobThatHasEndedIsDone(t *testing.T) {
	t.Parallel()
	stop := func(body string) error {
		_, err := connect(t, serveBody(t, 404, body).URL).StopJobs(t.Context(), ehpc.StopJobsRequest{ClusterID: "c", JobIDs: []string{"7"}})
		return err
	}
	require.True(t, ehpc.AlreadyEnded(stop(`{"Code":"ObjectNotFound","Message":"x"}`)))
	require.False(t, ehpc.AlreadyEnded(stop(`{"Code":"ClusterNotFound","Message":"x"}`)))
	require.False(t, ehpc.AlreadyEnded(nil))
}
