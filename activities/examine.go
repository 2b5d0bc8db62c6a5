package activities

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"ehpcflow/activities/checks"
	"ehpcflow/ehpc"
)

const (
	// ExaminePatience bounds an examination.
	ExaminePatience = 40 * time.Second

	// probePatience bounds each of its probes, of which no more than four follow one
	// another.
	probePatience = 9 * time.Second
)

// The apartness of clocks from which it is told, and from which it is a failure: the
// service refuses a call that is 15 minutes off.
const (
	clockWarns = time.Minute
	clockFails = 5 * time.Minute
)

// ExamineInput says what is examined beside the worker.
type ExamineInput struct {
	ClusterID string `json:"clusterId,omitempty"` // "" is none
}

// ExamineResult holds what was found.
type ExamineResult struct {
	Host   string         `json:"host,omitempty"` // that the worker runs on
	Checks []checks.Check `json:"checks"`         // those of checks.OnWorker
}

// Examine finds out what keeps this worker from carrying out runs. It changes nothing,
// on the cluster or elsewhere, and fails never: what it finds is the result. What a
// failed check leaves undecided is skipped.
func (a *Activities) Examine(ctx context.Context, in ExamineInput) (*ExamineResult, error) {
	ctx, cancel := context.WithTimeout(ctx, ExaminePatience)
	defer cancel()
	x := &examination{api: a.EHPC, clusterID: in.ClusterID, found: make(map[string]checks.Check), why: "the endpoint is not reached"}
	var store sync.WaitGroup
	store.Go(func() { x.note(a.examineStore(ctx)) })
	x.run(ctx)
	store.Wait()

	host, _ := os.Hostname() // it is told for convenience only
	result := &ExamineResult{Host: host}
	for _, name := range checks.OnWorker() {
		check, made := x.found[name]
		if !made {
			check = checks.Skip(name, x.why)
		}
		result.Checks = append(result.Checks, check)
	}
	return result, nil
}

// examineStore writes to the output store, unless there is none.
func (a *Activities) examineStore(ctx context.Context) checks.Check {
	if a.Outputs == nil {
		return checks.Skip(checks.Store, "the worker has none (--output-store)")
	}
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	if err := a.Outputs.Probe(ctx); err != nil {
		return checks.Fail(checks.Store, err.Error(), "")
	}
	return checks.Pass(checks.Store, "a file was written and removed")
}

// examination is what is known so far.
type examination struct {
	api       *ehpc.Client
	clusterID string // to probe with; "" while none is known

	mu    sync.Mutex
	found map[string]checks.Check
	why   string // what is not found is skipped for
}

// note keeps a check. A failure is not made good by a later call.
func (x *examination) note(c checks.Check) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if before, made := x.found[c.Name]; !made || c.State.Worse(before.State) {
		x.found[c.Name] = c
	}
}

// explain says why what is not found is skipped.
func (x *examination) explain(why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.why = why
}

// run makes the checks in the order in which one rests on another.
func (x *examination) run(ctx context.Context) {
	if !x.endpoint(ctx) {
		return
	}
	if !x.credential(ctx) {
		x.why = "there is no credential"
		return
	}
	asked := x.clusterID != ""
	x.why = "the service did not answer ListClusters"
	clusters, err := x.clusters(ctx)
	if !x.judge("ListClusters", err) {
		return
	}
	x.note(checks.Pass(checks.Quota, "the service does not throttle"))
	x.region(clusters)
	x.cluster(clusters, asked, err)
	x.permissions(ctx)
}

func (x *examination) endpoint(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	sight, err := x.api.Look(ctx)
	if err != nil {
		x.note(unreachable(x.api.Endpoint(), err))
		return false
	}
	x.note(checks.Pass(checks.Endpoint, x.api.Endpoint()+" answers"))
	if !sight.API {
		x.note(checks.Fail(checks.API, fmt.Sprintf("%s answers HTTP %d, and not as the API does", x.api.Endpoint(), sight.Status), ""))
		x.why = "the endpoint is not the E-HPC API"
		return false
	}
	x.note(checks.Pass(checks.API, "it answers as the API does"))
	x.note(serviceClock(sight))
	return true
}

func serviceClock(sight ehpc.Sight) checks.Check {
	apart := sight.Ahead.Abs().Round(time.Second)
	direction := "behind"
	if sight.Ahead < 0 {
		direction = "ahead of"
	}
	finding := fmt.Sprintf("the worker's clock is %v %s the service's", apart, direction)
	switch {
	case !sight.Dated:
		return checks.Skip(checks.ServiceClock, "the service does not tell the time")
	case apart > clockFails:
		return checks.Fail(checks.ServiceClock, finding, "")
	case apart > clockWarns:
		return checks.Warn(checks.ServiceClock, finding, "")
	}
	return checks.Pass(checks.ServiceClock, "the worker's clock is right, to some seconds")
}

func (x *examination) credential(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	source, temporary, err := x.api.CredentialSource(ctx)
	if err != nil {
		x.note(checks.Fail(checks.Credential, "the worker finds no credential now", err.Error()))
		return false
	}
	kind := "a key"
	if temporary {
		kind = "a temporary key"
	}
	x.note(checks.Pass(checks.Credential, kind+" from "+source))
	return true
}

func (x *examination) clusters(ctx context.Context) ([]ehpc.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	var all []ehpc.Cluster
	for cluster, err := range x.api.Clusters(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, cluster)
	}
	return all, nil
}

func (x *examination) region(clusters []ehpc.Cluster) {
	own := x.api.Region()
	switch {
	case own == "":
		x.note(checks.Skip(checks.Region, "the worker names none (--region); the endpoint's holds"))
	case len(clusters) == 0:
		x.note(checks.Skip(checks.Region, "no cluster is listed from which to tell"))
	}
	for _, cluster := range clusters {
		if own != "" && cluster.RegionID != "" && cluster.RegionID != own {
			x.note(checks.Fail(checks.Region, fmt.Sprintf("the worker is set to %s, and the service lists cluster %s of %s", own, cluster.ID, cluster.RegionID), ""))
			return
		}
	}
	if own != "" && len(clusters) > 0 {
		x.note(checks.Pass(checks.Region, own))
	}
}

// cluster looks for the one that was asked for, and otherwise chooses one to probe with.
func (x *examination) cluster(clusters []ehpc.Cluster, asked bool, err error) {
	if !asked {
		x.note(checks.Skip(checks.Cluster, "none is named (--cluster)"))
	}
	for _, cluster := range clusters {
		switch {
		case asked && cluster.ID != x.clusterID:
		case asked && cluster.Status != ehpc.ClusterRunning:
			x.note(checks.Fail(checks.Cluster, fmt.Sprintf("cluster %s is %s", cluster.ID, cluster.Status), "wait until it runs, or look at it in the E-HPC console"))
			return
		case asked:
			x.note(checks.Pass(checks.Cluster, fmt.Sprintf("cluster %s is %s", cluster.ID, cluster.Status)))
			return
		case x.clusterID == "" || cluster.Status == ehpc.ClusterRunning:
			x.clusterID = cluster.ID
		}
	}
	switch {
	case asked && err == nil:
		x.note(checks.Fail(checks.Cluster, fmt.Sprintf("cluster %s is none of the %d that the service lists", x.clusterID, len(clusters)), ""))
		x.clusterID, x.why = "", "the cluster is not known"
	case x.clusterID == "":
		x.why = "there is no cluster to ask about; name one (--cluster)"
	}
}
