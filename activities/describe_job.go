package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.temporal.io/sdk/activity"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

const (
	// MaxJobLog is how much of the end of what a job printed is kept, in bytes of JSON.
	MaxJobLog = 8 << 10

	// mostLogPieces of a log are read to find its end; the API counts from the beginning.
	mostLogPieces = 10

	// logTries is how often a log is asked for that cannot be read.
	logTries = 3
)

// DescribeJobInput names a job that has ended.
type DescribeJobInput struct {
	ClusterID   string    `json:"clusterId"`
	JobID       string    `json:"jobId"`
	SubmittedAt time.Time `json:"submittedAt"`

	// AwaitStatus says that the exit status matters: one that is not there yet is waited
	// for, see Pace.ResultsWithin.
	AwaitStatus bool `json:"awaitStatus,omitempty"`
}

// DescribeJobResult is what the scheduler tells of it.
type DescribeJobResult struct {
	// ExitStatus is nil where the scheduler gives none, or none that is beyond doubt.
	ExitStatus *int `json:"exitStatus,omitempty"`

	// Log is the end of what it printed, its standard output before its errors.
	Log string `json:"log,omitempty"`

	// Troubles say what could not be read, and why.
	Troubles []string `json:"troubles,omitempty"`
}

// DescribeJob reads the exit status and the log of a job that has ended. That the
// scheduler has forgotten the job, or that its log cannot be read, is no error but a
// trouble that is told.
func (a *Activities) DescribeJob(ctx context.Context, in DescribeJobInput) (*DescribeJobResult, error) {
	info := activity.GetInfo(ctx)
	stop := keepAlive(ctx, "reading")
	defer stop()
	result := &DescribeJobResult{}
	for look := int32(1); ; look++ {
		answer, err := a.EHPC.DescribeJob(ctx, ehpc.DescribeJobRequest{ClusterID: in.ClusterID, JobID: in.JobID})
		switch {
		case err != nil && refuses(err) && a.believed(info.ScheduledTime):
			result.Troubles = append(result.Troubles, "its exit status could not be read: "+err.Error())
		case err != nil:
			return nil, a.attendedFailure(err, in.SubmittedAt, info.ScheduledTime, info.Attempt)
		default:
			result.ExitStatus = ehpc.ExitStatus(answer.JobInfo)
		}
		if err != nil || result.ExitStatus != nil || !in.AwaitStatus || time.Since(info.StartedTime) >= a.Pace.ResultsWithin {
			break
		}
		select {
		case <-time.After(min(a.Pace.backoff(catalogue.Soon, look), a.Pace.ResultsWithin)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var err error
	for try := int32(1); try <= logTries; try++ {
		if result.Log, err = a.jobLog(ctx, in); err == nil || refuses(err) || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(a.Pace.backoff(ehpc.Judge(err).Read, try)):
		case <-ctx.Done():
		}
	}
	if err != nil {
		result.Troubles = append(result.Troubles, "its log could not be read: "+err.Error())
	}
	return result, nil
}

// jobLog reads the end of a job's logs.
func (a *Activities) jobLog(ctx context.Context, in DescribeJobInput) (string, error) {
	var output, errors []byte
	for piece := range mostLogPieces {
		answer, err := a.EHPC.GetJobLog(ctx, ehpc.GetJobLogRequest{
			ClusterID: in.ClusterID, JobID: in.JobID, Offset: int64(piece) * ehpc.MaxJobLog, Size: ehpc.MaxJobLog,
		})
		if err != nil {
			return "", err
		}
		output, errors = end(append(output, answer.Output...)), end(append(errors, answer.Error...))
		if max(len(answer.Output), len(answer.Error)) < ehpc.MaxJobLog {
			return joined(output, errors), nil
		}
	}
	return joined(output, errors) + fmt.Sprintf("\n(of a log of more than %d MiB)\n", mostLogPieces*ehpc.MaxJobLog>>20), nil
}

// end is the end of a text, in bytes.
func end(text []byte) []byte { return text[max(0, len(text)-MaxJobLog):] }

// joined is the end of both logs together, of which each has its half where both are long.
func joined(output, errors []byte) string {
	const half = MaxJobLog / 2
	return plain(tail(output, max(half, MaxJobLog-recorded(errors)))) + plain(tail(errors, max(half, MaxJobLog-recorded(output))))
}

// tail is the end of a text that takes so many bytes at the most where it is recorded.
func tail(text []byte, most int) []byte {
	for at := len(text); at > 0; {
		_, size := utf8.DecodeLastRune(text[:at])
		if most -= recorded(text[at-size : at]); most < 0 {
			return text[at:]
		}
		at -= size
	}
	return text
}

// recorded is how many bytes a text takes as JSON, as Temporal has it written: six for a <, a
// > or a control character.
func recorded(text []byte) int {
	encoded, _ := json.Marshal(string(text)) // a text has no error
	return len(encoded) - len(`""`)
}

// plain is text that can be recorded and shown: UTF-8 without the half of a character that
// a cut leaves.
func plain(text []byte) string {
	for len(text) > 0 && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}
