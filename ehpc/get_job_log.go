package ehpc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// MaxJobLog is the most that one GetJobLog reads of each log, in bytes.
const MaxJobLog = 400 << 10

// GetJobLogRequest asks for a piece of what a job printed.
type GetJobLogRequest struct {
	ClusterID string
	JobID     string
	ExecHost  string // where it runs; needed while it does, needless afterwards
	Offset    int64  // in bytes, from 0
	Size      int    // in bytes, 1 to MaxJobLog
}

// GetJobLogResponse is that piece of both logs. One that is shorter than was asked for
// is the end of its log.
type GetJobLogResponse struct {
	RequestID string
	Output    []byte
	Error     []byte
}

type getJobLog struct {
	rpc
	ClusterID string `position:"Query" name:"ClusterId"`
	JobID     string `position:"Query" name:"JobId"`
	ExecHost  string `position:"Query" name:"ExecHost"`
	Offset    string `position:"Query" name:"Offset"`
	Size      string `position:"Query" name:"Size"`
}

func (r *getJobLog) subject() subject { return subject{action: "GetJobLog", clusterID: r.ClusterID} }

// GetJobLog reads what a job printed. It is documented as Base64; what is not is taken as
// it is.
func (c *Client) GetJobLog(ctx context.Context, in GetJobLogRequest) (*GetJobLogResponse, error) {
	req := &getJobLog{
		rpc: newRPC("GetJobLog"), ClusterID: in.ClusterID, JobID: in.JobID, ExecHost: in.ExecHost,
		Offset: strconv.FormatInt(in.Offset, 10), Size: strconv.Itoa(in.Size),
	}
	switch {
	case in.ClusterID == "" || in.JobID == "":
		return nil, req.subject().badRequest("cluster id and job id are both needed")
	case in.Offset < 0 || in.Size < 1 || in.Size > MaxJobLog:
		return nil, req.subject().badRequest("a piece of a log begins at 0 or later and has 1 to 409600 bytes")
	}
	body, err := c.read(ctx, req)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestID scalar `json:"RequestId"`
		OutputLog scalar
		ErrorLog  scalar
	}
	if json.Unmarshal(unwrapped(body), &answer) != nil || answer.RequestID == "" {
		return nil, unusable(req, "the answer holds no RequestId")
	}
	return &GetJobLogResponse{
		RequestID: string(answer.RequestID), Output: logBytes(string(answer.OutputLog)), Error: logBytes(string(answer.ErrorLog)),
	}, nil
}

func logBytes(text string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		return decoded
	}
	return []byte(text)
}
