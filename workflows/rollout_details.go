package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"ehpcflow/workflows/policy"
)

// show notes what the rollout does now, and refreshes what the Web UI shows of it.
func (r *rollout) show(ctx workflow.Context, d policy.Decision) {
	report := r.report()
	report.Wait = r.waitOf(workflow.Now(ctx), d)
	switch halt := report.Halt; {
	case len(r.places) == 0:
		r.status.Phase = Resolving
	case r.status.Question != nil:
		r.status.Phase = Parked
	case halt != nil && halt.InFlight == policy.Stop:
		r.status.Phase = Stopping
	case halt != nil:
		r.status.Phase = Draining
	case report.Wait != nil:
		r.status.Phase = Waiting
	default:
		r.status.Phase = Rolling
	}
	r.entry.enter(ctx, &r.status)
	r.showDetails(ctx)
}

func (r *rollout) showDetails(ctx workflow.Context) {
	details := r.status.rolloutDetails()
	if r.in.Resumed != nil { // Temporal keeps the summary with the first run
		details += fmt.Sprintf("\nGoes on from an earlier run, of the command\n\n    %s\n", strings.ReplaceAll(r.in.Command, "\n", "\n    "))
	}
	workflow.SetCurrentDetails(ctx, details)
}

// waitOf is what is waited for; since when is kept while that stays.
func (r *rollout) waitOf(now time.Time, d policy.Decision) *Wait {
	report := r.report()
	wait := &Wait{Wave: d.Wave + 1, Since: now, Until: d.Wake}
	switch {
	case report.Halt != nil:
		return nil
	case report.Paused:
		wait.For = ForResume
	case d.Approve:
		wait.For = ForApproval
	case !d.SoakUntil.IsZero():
		wait.For, wait.Until = ForSoak, d.SoakUntil
	default:
		return nil
	}
	if before := report.Wait; before != nil && before.For == wait.For && before.Wave == wait.Wave {
		wait.Since = before.Since
	}
	return wait
}

// waitText names a timer in the Web UI.
func (r *rollout) waitText() string {
	switch wait := r.report().Wait; {
	case wait == nil:
		return "until the next decision"
	case wait.For == ForSoak:
		return fmt.Sprintf("soak before wave %d", wait.Wave)
	default:
		return fmt.Sprintf("wave %d waits for %s", wait.Wave, wait.For)
	}
}

// mostOrdersShown is how many orders the details show, the last ones.
const mostOrdersShown = 20

// rolloutDetails is what the Web UI shows of a rollout, in Markdown.
func (s *RunCommandStatus) rolloutDetails() string {
	var b strings.Builder
	write := func(format string, args ...any) {
		b.WriteString(fmt.Sprintf(format, args...)) //nolint:staticcheck // workflowcheck takes Fprintf for I/O
	}
	report := s.Rollout
	write("%s", s.headline())
	if at := s.waveUnderWay(); at > 0 && len(report.Waves) > 1 && s.Phase != Ended {
		write("**Wave %d of %d**\n\n", at, len(report.Waves))
	}
	if report.Halt != nil {
		write("Nothing more is started: **%s**\n\n", shorten(report.Halt.Text, 500))
	}
	if report.Wait != nil {
		write("%s\n", s.waitDetails())
	}
	if left := budgetLeft(report.Policy.Budget, s.RunCommandResult); left != "" {
		write("%s\n\n", left)
	}
	if len(report.Waves) > 1 {
		write("| wave | nodes | began | ended | approved by |\n|---|---|---|---|---|\n")
		for i, wave := range shownWaves(report.Waves) {
			if wave != nil {
				write("| %d | %s | %s | %s | %s |\n", i+1, CountsText(wave.States), clock(wave.StartedAt), clock(wave.EndedAt), strings.Join(wave.ApprovedBy, ", "))
			}
		}
		write("\n")
	}
	for _, order := range report.Orders[max(0, len(report.Orders)-mostOrdersShown):] {
		write("- %s **%s** by %s: %s\n", clock(order.At), shorten(order.String(), 120), shorten(order.By, 60), shorten(order.Why, 120))
	}
	write("\n%s", s.particulars())
	return fitDetails(b.String())
}

// waveUnderWay is the last wave that has begun, from 1; 0 before any has.
func (s *RunCommandStatus) waveUnderWay() int {
	under := 0
	for i, wave := range s.Rollout.Waves {
		if !wave.StartedAt.IsZero() {
			under = i + 1
		}
	}
	return under
}

// waitDetails says what a wait is for and how to end it.
func (s *RunCommandStatus) waitDetails() string {
	wait := s.Rollout.Wait
	until := ""
	switch {
	case wait.For == ForApproval && s.Rollout.Soaks():
		until = ", and does not begin before " + clock(wait.Until)
	case !wait.Until.IsZero():
		until = ", until " + clock(wait.Until)
	}
	switch wait.For {
	case ForSoak:
		return fmt.Sprintf("Wave %d begins after a pause%s.\n", wait.Wave, until)
	case ForResume:
		return fmt.Sprintf("**Paused** since %s%s. Go on with\n\n    starter resume %s --why …\n", clock(wait.Since), until, s.runID)
	case ForApproval:
	}
	wave, needed := s.Rollout.Waves[wait.Wave-1], s.Rollout.Policy.ApprovalsNeeded()
	return fmt.Sprintf("**Wave %d of %s waits for an approval**, %d of %d given%s. Decide with one of\n\n    starter approve %s --why …\n    starter reject %s --why …\n",
		wait.Wave, Nodes(wave.Nodes), len(wave.ApprovedBy), needed, until, s.runID, s.runID)
}

// budgetLeft says how many nodes failed of how many may.
func budgetLeft(b policy.Budget, r RunCommandResult) string {
	if b.Whole == nil {
		return ""
	}
	failed, all := 0, 0
	for _, node := range r.Nodes {
		if node.Wave == 0 {
			continue
		}
		all++
		if node.State.Ended() && b.Failed(node.State) {
			failed++
		}
	}
	return fmt.Sprintf("Budget: %s failed, %d may (%s)", Nodes(failed), b.Whole.Of(all), b.Whole)
}

// shownWaves leaves out most of many waves: those that are neither the first ones nor
// near the one under way.
func shownWaves(waves []Wave) []*Wave {
	const few = 10
	under := 0
	for i, wave := range waves {
		if !wave.StartedAt.IsZero() {
			under = i
		}
	}
	shown := make([]*Wave, len(waves))
	for i := range waves {
		if i < few || max(i-under, under-i) < few {
			shown[i] = &waves[i]
		}
	}
	return shown
}

// clock is a time of day, in UTC; "" for none.
func clock(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("15:04:05")
}
