package ehpcsim

import (
	"net/url"
	"time"
)

// The documented status words that the simulator uses.
const (
	statusRunning  = "Running"
	statusFinished = "Finished"
	statusFailed   = "Failed"
)

// command is a command that was accepted. Its fields do not change; those of its
// executions do, under the simulator's lock.
type command struct {
	id, clusterID, text, workingDir string
	timeout                         time.Duration
	listedAt                        time.Time    // by ListCommands
	executions                      []*execution // in the order of the submit
}

// execution is a command on one node.
type execution struct {
	node     Node
	status   string
	exitCode int
	success  bool
	output   string
	started  time.Time
	timeout  time.Duration
	finished time.Time
	fate     *fate         // of a scripted one
	silent   bool          // it never reports
	gone     bool          // its node vanished
	vanished chan struct{} // closed then
}

type statusAnswer struct {
	RequestID       string `json:"RequestId"`
	CommandID       string `json:"CommandId"`
	InvokeStatus    string
	InvokeInstances invokeInstanceList
}

type invokeInstanceList struct{ InvokeInstance []invokeInstance }

type invokeInstance struct {
	InstanceID           string `json:"InstanceId"`
	InstanceInvokeStatus string
}

func (s *Simulator) listInvocationStatus(params url.Values) (any, *apiError) {
	c, failure := s.findCommand(params)
	if failure != nil {
		return nil, failure
	}
	answer := statusAnswer{
		RequestID: newRequestID(), CommandID: c.id, InvokeStatus: c.status(s.clock.Now()),
		InvokeInstances: invokeInstanceList{[]invokeInstance{}},
	}
	for _, e := range c.present(s.clock.Now()) {
		answer.InvokeInstances.InvokeInstance = append(answer.InvokeInstances.InvokeInstance, invokeInstance{e.node.InstanceID, e.status})
	}
	return answer, nil
}

// present are the executions on nodes that have not vanished, as they stand.
func (c *command) present(now time.Time) []*execution {
	var present []*execution
	for _, e := range c.executions {
		if !e.gone {
			e.play(now)
			present = append(present, e)
		}
	}
	return present
}

// status is the overall word: Running while any node is, Failed if all did.
func (c *command) status(now time.Time) string {
	failed := 0
	present := c.present(now)
	for _, e := range present {
		switch e.status {
		case statusRunning:
			return statusRunning
		case statusFailed:
			failed++
		}
	}
	if failed == len(present) && failed > 0 {
		return statusFailed
	}
	return statusFinished
}

type resultsAnswer struct {
	RequestID         string `json:"RequestId"`
	TotalCount        int
	PageNumber        int
	PageSize          int
	InvocationResults invocationResultList
}

type invocationResultList struct{ InvocationResult []invocationResult }

type invocationResult struct {
	CommandID          string `json:"CommandId"`
	InstanceID         string `json:"InstanceId"`
	InvokeRecordStatus string
	ExitCode           int
	Message            rawText
	Success            bool
	FinishedTime       string
}

func (s *Simulator) listInvocationResults(params url.Values) (any, *apiError) {
	c, failure := s.findCommand(params)
	if failure != nil {
		return nil, failure
	}
	number, size, failure := page(params, 50)
	if failure != nil {
		return nil, failure
	}
	ids, failure := instanceIDs(params)
	if failure != nil {
		return nil, failure
	}
	wanted := make(map[string]bool)
	for _, id := range ids {
		wanted[id.value] = true
	}
	status := params.Get("InvokeRecordStatus")
	matching := []invocationResult{}
	for _, e := range c.present(s.clock.Now()) {
		if (len(wanted) == 0 || wanted[e.node.InstanceID]) && (status == "" || status == e.status) {
			matching = append(matching, e.result(c.id))
		}
	}
	return resultsAnswer{
		RequestID:         newRequestID(),
		TotalCount:        len(matching),
		PageNumber:        number,
		PageSize:          size,
		InvocationResults: invocationResultList{slicePage(matching, number, size)},
	}, nil
}

func (e *execution) result(commandID string) invocationResult {
	r := invocationResult{
		CommandID:          commandID,
		InstanceID:         e.node.InstanceID,
		InvokeRecordStatus: e.status,
		ExitCode:           e.exitCode,
		Message:            rawText(e.output),
		Success:            e.success,
	}
	if !e.finished.IsZero() {
		r.FinishedTime = e.finished.UTC().Format("2006-01-02T15:04:05Z")
	}
	return r
}

// findCommand reads ClusterId and CommandId. The lock is held.
func (s *Simulator) findCommand(params url.Values) (*command, *apiError) {
	cluster, failure := s.findCluster(params)
	if failure != nil {
		return nil, failure
	}
	id := params.Get("CommandId")
	if id == "" {
		return nil, missing("CommandId")
	}
	c := s.commands[id]
	if c == nil || c.clusterID != cluster.ID {
		return nil, fail("ObjectNotFound")
	}
	return c, nil
}
