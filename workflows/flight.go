package workflows

import (
	"errors"
	"fmt"
	"strconv"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"ehpcflow/activities"
	"ehpcflow/workflows/policy"
)

// flight is a run on those nodes of a rollout that were started together: it is
// submitted, watched, collected and, where need be, stopped as any other run is.
type flight struct {
	runCommand
	wave   int   // from 0
	places []int // of its nodes, in their order

	cancel workflow.CancelFunc
	left   bool // nobody follows it any more

	landed    bool // it has ended, by err
	suspended bool // it waits to be followed in a new run
	err       error
}

// newFlight makes a flight of the nodes at some places.
func (r *rollout) newFlight(wave int, places []int, nodes NodeResults) *flight {
	f := &flight{wave: wave, places: places, runCommand: runCommand{
		in:        r.in.RunCommandInput,
		logger:    r.logger,
		desk:      r.desk,
		unpacked:  make(map[string]bool),
		collected: make(map[string]bool),
		judged:    make(map[string]bool),
		asked:     len(places),
		lead:      &lead{rollout: r, label: fmt.Sprintf("wave %d: ", wave+1)},
	}}
	f.status.RunCommandResult = RunCommandResult{
		ClusterID: r.in.ClusterID, Command: r.in.Command, StartedAt: r.status.StartedAt, Nodes: nodes,
	}
	for _, at := range places {
		place := r.places[at]
		f.lead.attempts = append(f.lead.attempts, r.status.Nodes[place.Node].InstanceID+"#"+strconv.Itoa(place.Attempts))
	}
	r.flights = append(r.flights, f)
	return f
}

// launch starts the nodes at some places, all of one wave.
func (r *rollout) launch(ctx workflow.Context, wave int, places []int) {
	if w := &r.report().Waves[wave]; w.StartedAt.IsZero() {
		w.StartedAt = workflow.Now(ctx)
	}
	nodes := make(NodeResults, len(places))
	for i, at := range places {
		nodes[i] = r.begin(&r.places[at])
	}
	f := r.newFlight(wave, places, nodes)
	for _, at := range places {
		r.places[at].flight = f
	}
	f.goOn(ctx, f.fly)
}

// begin notes an attempt on a node, and what became of the one before it.
func (r *rollout) begin(p *place) NodeResult {
	node := &r.status.Nodes[p.Node]
	switch {
	case p.Attempts == 0:
	case r.attempts >= mostAttempts:
		r.report().AttemptsLeftOut++
	default:
		r.attempts++
		node.Attempts = append(node.Attempts, Attempt{
			CommandID: p.Command, State: node.State, ExitCode: node.ExitCode, Reason: node.Reason,
			Output: ending(node.Output), FinishedAt: node.FinishedAt,
		})
	}
	p.Stage, p.Attempts, p.Command = policy.Going, p.Attempts+1, ""
	*node = NodeResult{
		InstanceID: node.InstanceID, HostName: node.HostName, State: activities.Pending, Wave: node.Wave, Attempts: node.Attempts,
	}
	if p.Attempts > 1 {
		node.Tries = p.Attempts
	}
	return *node
}

const (
	// mostAttempts is how many attempts before the last ones a result holds, and
	// mostCommands how many commands that have ended, with so many nodes that are named
	// because they do not stand side by side.
	mostAttempts     = 2000
	mostCommands     = 2000
	mostCommandNodes = 10_000

	// attemptOutput is how much of an earlier attempt's output is kept, in characters.
	attemptOutput = 100
)

func ending(text string) string {
	if runes := []rune(text); len(runes) > attemptOutput {
		return "…" + string(runes[len(runes)-attemptOutput:])
	}
	return text
}

// goOn runs a flight until it has landed.
func (f *flight) goOn(ctx workflow.Context, run func(workflow.Context) error) {
	ctx, f.cancel = workflow.WithCancel(ctx)
	if halt := f.lead.rollout.report().Halt; halt != nil && (f.left || halt.InFlight == policy.Stop) {
		f.cancel()
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		f.err = run(ctx)
		if errors.Is(f.err, errSuspended) {
			f.suspended = true
			return
		}
		if temporal.IsCanceledError(f.err) && !f.left && f.stoppable(ctx) {
			f.stop(ctx)
		}
		f.landed = true
		f.lead.changed()
	})
}

// fly starts the command, and follows what was started.
func (f *flight) fly(ctx workflow.Context) error {
	if err := f.submit(ctx); err != nil {
		return err
	}
	return f.follow(ctx)
}

// settled says whether nothing more is to be heard of a node although others of the
// flight go on. What was not started is known to be so when the flight has landed.
func (f *flight) settled(node NodeResult) bool {
	switch {
	case !node.State.Ended(), node.State == activities.Skipped:
		return false
	case leavesResult(node.State):
		return f.judged[node.InstanceID]
	}
	return true
}

func (f *flight) commandOf(id string) string {
	if f.status.node(id) == nil {
		return ""
	}
	i := f.status.index[id]
	for _, command := range f.status.Commands {
		if command.From <= i && i < command.From+command.Nodes && command.follows(id) {
			return command.CommandID
		}
	}
	return ""
}

// commands are those of the flight as commands of its rollout.
func (f *flight) commands() []Command {
	places := f.lead.rollout.places
	first, last := places[f.places[0]].Node, places[f.places[len(f.places)-1]].Node
	sideBySide := last-first == len(f.places)-1
	commands := make([]Command, len(f.status.Commands))
	for i, command := range f.status.Commands {
		command.Wave = f.wave + 1
		if sideBySide {
			command.From += first
		} else {
			command.InstanceIDs = f.status.Nodes[command.From : command.From+command.Nodes].ids()
			command.From = 0
		}
		commands[i] = command
	}
	return commands
}

// failure says why a flight could not start or follow its command on every node; "" when
// it could, or was not to.
func (f *flight) failure(ctx workflow.Context) (code, message string) {
	switch {
	case f.err == nil && f.notStarted != "":
		return "", f.notStarted
	case f.err == nil, errors.Is(f.err, errHalted), temporal.IsCanceledError(f.err):
		return "", ""
	}
	return f.explain(ctx, f.err)
}
