package runs

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"ehpcflow/activities"
	"ehpcflow/internal/connect"
)

// outagePatience is how long Temporal may be away while a run is followed.
const outagePatience = time.Minute

// Follow reads a run again and again, shows each report, and returns the last one
// when the run has ended. Giving up through the context leaves the run alone.
func Follow(ctx context.Context, c client.Client, id string, show func(Report)) (Report, error) {
	return follow(ctx, follower[Report]{
		read:  func() (Report, error) { return read(ctx, c, id, onePage) },
		stand: func(r *Report) (*State, *string) { return &r.State, &r.Trouble },
		complete: func(report *Report, last Report) {
			if report.Phase == "" { // nobody could say how the run itself stands
				report.RunCommandStatus = last.RunCommandStatus
			}
			if report.State == Running {
				report.Apply(last.ended(*report))
			}
		},
		show: show,
	})
}

// follower is how a kind of report is followed.
type follower[R any] struct {
	read     func() (R, error)
	stand    func(*R) (state *State, trouble *string)
	complete func(report *R, last R) // with what was known before
	show     func(R)
}

func follow[R any](ctx context.Context, f follower[R]) (R, error) {
	var last R
	answered := time.Now()
	for since := time.Now(); ; {
		report, err := f.read()
		switch {
		case ctx.Err() != nil:
			return last, ctx.Err()
		case connect.Transient(err) && time.Since(answered) < outagePatience:
			report = last
			state, trouble := f.stand(&report)
			*state, *trouble = Running, "Temporal does not answer; the run goes on when it does"
		case err != nil:
			return last, err
		default:
			answered = time.Now()
		}
		f.complete(&report, last)
		last = report
		f.show(report)
		if state, _ := f.stand(&report); *state != Running {
			return report, nil
		}
		select {
		case <-time.After(period(time.Since(since))):
		case <-ctx.Done():
			return report, ctx.Err()
		}
	}
}

// ended are the nodes that were seen to end, which only a heartbeat may have shown:
// that of a watch that was cancelled is gone with it. Those that are being tried again
// since are not among them.
func (r *Report) ended(now Report) []activities.NodeStatus {
	attempts := make(map[string]int)
	for _, node := range now.Nodes {
		attempts[node.InstanceID] = len(node.Attempts)
	}
	var ended []activities.NodeStatus
	for _, node := range r.Nodes {
		if node.State.Ended() && len(node.Attempts) >= attempts[node.InstanceID] {
			ended = append(ended, activities.NodeStatus{InstanceID: node.InstanceID, State: node.State, Word: node.Word})
		}
	}
	return ended
}

// period is brisk at first and costs a server little later on.
func period(following time.Duration) time.Duration {
	return min(max(following/20, 200*time.Millisecond), 5*time.Second)
}
