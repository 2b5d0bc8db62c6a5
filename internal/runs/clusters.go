package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// ClustersReport is how a run on several clusters stands.
type ClustersReport struct {
	RunID string `json:"run"`
	State State  `json:"state"`

	// The clusters that run are as their own runs say.
	workflows.ClustersStatus

	// Error of a run that did not complete.
	Error *Failure `json:"error,omitempty"`

	// Trouble of a run that goes on, as that of a Report, and Troubles of its clusters,
	// by their ids.
	Trouble  string            `json:"trouble,omitempty"`
	Troubles map[string]string `json:"troubles,omitempty"`
}

// Succeeded says that every cluster succeeded.
func (r ClustersReport) Succeeded() bool {
	return r.State == Completed && r.Verdict == workflows.Succeeded
}

// Stopped says that no node is known where the command may be running.
func (r ClustersReport) Stopped() bool {
	for _, cluster := range r.Clusters {
		if cluster.Phase == workflows.ClusterRunning || !statesStopped(cluster.States) {
			return false
		}
	}
	return r.State != Running
}

// statesStopped says that no node is in a state in which the command may be running.
func statesStopped(states map[workflows.NodeState]int) bool {
	for state, n := range states {
		if n > 0 && !state.Ended() {
			return false
		}
	}
	return true
}

// SeveralClustersError says that a run is on several clusters where the run of one is
// needed.
type SeveralClustersError struct {
	ID   string
	Runs []string // of its clusters
}

func (e *SeveralClustersError) Error() string {
	const few = 5
	names := strings.Join(e.Runs[:min(few, len(e.Runs))], ", ")
	if more := len(e.Runs) - few; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("run %s is on several clusters, each of which has a run of its own: name one of %s", e.ID, names)
}

// Unwrap makes it a refusal.
func (e *SeveralClustersError) Unwrap() error { return &RefusedError{e.Error()} }

// OnSeveralClusters says whether a run could not be read because it is on several
// clusters: ReadClusters reads it.
func OnSeveralClusters(err error) bool {
	var several *SeveralClustersError
	return errors.As(err, &several)
}

func severalClusters(ctx context.Context, c client.Client, id string) error {
	var in workflows.ClustersInput
	if _, err := readInput(ctx, c, id, &in); err != nil {
		return err
	}
	several := &SeveralClustersError{ID: id}
	for _, cluster := range in.Clusters {
		several.Runs = append(several.Runs, workflows.ClusterRunID(id, cluster.ClusterID))
	}
	return several
}

// StartClusters starts a run on several clusters, as Start does one on a single.
func StartClusters(ctx context.Context, c client.Client, place Place, id string, in workflows.ClustersInput) error {
	return ClustersLaunchOf(in).start(ctx, c, place, id)
}

// ReadClusters reports how a run on several clusters stands.
func ReadClusters(ctx context.Context, c client.Client, id string) (ClustersReport, error) {
	report := ClustersReport{RunID: id}
	described, err := describe(ctx, c, id)
	if err != nil {
		return report, err
	}
	report.State = StateOf(described.GetWorkflowExecutionInfo().GetStatus())
	switch report.State {
	case Completed, Failed, Canceled:
		return report, report.readEnd(ctx, c)
	case Running, Terminated, TimedOut:
		report.readStatus(ctx, c)
		report.readClusters(ctx, c)
	}
	if report.State != Running {
		report.Trouble = ""
		report.Error = &Failure{Code: string(report.State), Message: "the workflow was ended from outside; the runs of its clusters are cancelled by that, see starter status " + workflows.ClusterRunID(id, "CLUSTER")}
	}
	return report, nil
}

func (r *ClustersReport) readStatus(ctx context.Context, c client.Client) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	answer, err := c.QueryWorkflow(ctx, r.RunID, "", workflows.ClustersQuery)
	if err == nil {
		err = answer.Get(&r.ClustersStatus)
	}
	if err != nil {
		r.Trouble = "no worker answers for the run; it goes on when one does"
	}
}

// readClusters asks the clusters that run themselves, all at the same time. What one
// does not answer is left as it was.
func (r *ClustersReport) readClusters(ctx context.Context, c client.Client) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range r.Clusters {
		cluster := &r.Clusters[i]
		if cluster.Phase != workflows.ClusterRunning {
			continue
		}
		all.Go(func() {
			own, err := read(ctx, c, cluster.RunID, onePage)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			cluster.NodeCount, cluster.States = own.NodeCount, own.Counts()
			if own.Trouble != "" {
				if r.Troubles == nil {
					r.Troubles = make(map[string]string)
				}
				r.Troubles[cluster.ClusterID] = own.Trouble
			}
		})
	}
	all.Wait()
}

func (r *ClustersReport) readEnd(ctx context.Context, c client.Client) (err error) {
	r.Phase = workflows.Ended
	r.Error, err = readEnd(ctx, c, r.RunID, &r.ClustersResult, &r.Reason)
	r.State, r.Error = judged(r.State, r.Error)
	return err
}

// FollowClusters reads a run on several clusters again and again, as Follow does one on
// a single.
func FollowClusters(ctx context.Context, c client.Client, id string, show func(ClustersReport)) (ClustersReport, error) {
	return follow(ctx, follower[ClustersReport]{
		read:  func() (ClustersReport, error) { return ReadClusters(ctx, c, id) },
		stand: func(r *ClustersReport) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(report *ClustersReport, last ClustersReport) {
			if report.Phase == "" { // nobody could say how the run itself stands
				report.ClustersStatus = last.ClustersStatus
			}
		},
		show: show,
	})
}
