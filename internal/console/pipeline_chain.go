package console

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// WritePipelineChain writes the chain of a pipeline for people: a table of its runs, one of
// where its steps stand by now, and what is left to do.
func WritePipelineChain(out io.Writer, chain runs.PipelineChain) error {
	width, _ := screenSize(out)
	return writePipelineChain(out, chain, width)
}

func writePipelineChain(out io.Writer, chain runs.PipelineChain, width int) error {
	colours := paintFor(out)
	listed := colours.chainTable(chain, false)
	if width > 0 && text.LongestLineLen(listed) > width {
		listed = colours.chainTable(chain, true)
	}
	_, err := io.WriteString(out, listed+"\n"+colours.standingsTable(chain)+printable(stepsSumText(chain)))
	return err
}

// chainTable lists the runs of a chain. In a narrow one what became of the steps stands
// below the name of each.
func (p paint) chainTable(chain runs.PipelineChain, narrow bool) string {
	t := newTable([]string{"run", "started", "verdict", "steps", "run again"})
	before := ""
	for _, past := range chain.Runs {
		name, states, again := printable(past.RunID), linkText(past), printable(againText(past, before))
		if narrow {
			if again != "" {
				again = "run again: " + again
			}
			name += indented(states) + indented(again)
			states, again = "", ""
		}
		verdict := cmp.Or(p.verdict(past.Verdict), string(past.State))
		t.AppendRow(cells([]string{name, past.StartedAt.Local().Format(time.DateTime), verdict, states, again}))
		before = past.RunID
	}
	return t.Render() + "\n"
}

func indented(line string) string {
	if line == "" {
		return ""
	}
	return "\n  " + line
}

// ownStates says how many steps are in each state of those that a run did not take over
// from an earlier one, and how many it took over.
func ownStates(past runs.PipelinePast) (states map[workflows.StepState]int, takenOver int) {
	states = make(map[workflows.StepState]int)
	for _, step := range past.All() {
		if step.DoneIn != "" {
			takenOver++
		} else {
			states[step.State]++
		}
	}
	return states, takenOver
}

// linkText reads "2 succeeded, 1 failed, 3 taken over".
func linkText(past runs.PipelinePast) string {
	states, takenOver := ownStates(past)
	said := statesText(states)
	if takenOver > 0 {
		said = strings.TrimPrefix(fmt.Sprintf("%s, %d taken over", said, takenOver), ", ")
	}
	if len(past.Steps) == 0 && past.Error != nil {
		return beginning(oneLine(past.Error.Message))
	}
	return said
}

// againText reads "solve, publish", with the run that they are of where that is not the one
// before.
func againText(past runs.PipelinePast, before string) string {
	again := past.Again()
	if len(again) == 0 {
		return ""
	}
	if of := past.Input.Lineage.Run; of != before {
		return someOf(again) + " of " + of
	}
	return someOf(again)
}

// standingsTable lists the steps, and of each the run that tells how it stands.
func (p paint) standingsTable(chain runs.PipelineChain) string {
	standings := chain.Standings()
	if len(standings) == 0 {
		return ""
	}
	var now runs.PipelineReport
	in := make(map[string]string)
	for _, standing := range standings {
		in[standing.Name] = standing.In
		if standing.Finally {
			now.Finally = append(now.Finally, standing.StepResult)
		} else {
			now.Steps = append(now.Steps, standing.StepResult)
		}
	}
	t := newTable([]string{"step", "kind", "by now", "in"})
	listed := worthShowing(now, mostListed)
	for _, row := range listed {
		t.AppendRow(cells([]string{row.name(), string(row.Kind), p.stepState(row.State), printable(in[row.Name])}))
	}
	said := t.Render() + "\n"
	if left := len(standings) - len(listed); left > 0 {
		said += fmt.Sprintf("\n%d steps not listed; --json has them all\n", left)
	}
	return said
}

// stepsSumText says how many steps have succeeded by now, why the others did not, and what
// to do.
func stepsSumText(chain runs.PipelineChain) string {
	var b strings.Builder
	if len(chain.Runs) > 0 && chain.Runs[0].RunID != chain.First {
		fmt.Fprintf(&b, "\nThe first run, %s, is no longer kept.", chain.First)
	}
	standings, open := chain.Standings(), chain.Open()
	succeeded := succeededSteps(standings)
	fmt.Fprintf(&b, "\nof %d steps %d succeeded by now", len(standings), succeeded)
	if needless := len(standings) - succeeded - len(open); needless > 0 {
		fmt.Fprintf(&b, ", %d did not have to run", needless)
	}
	if len(open) > 0 {
		fmt.Fprintf(&b, ", %d open", len(open))
	}
	if chain.GoesOn() { // of those that it may do yet there is nothing to say
		open = slices.DeleteFunc(open, func(s runs.StepStanding) bool { return !s.Ended() })
	}
	if len(open) > 0 {
		b.WriteString(":")
	}
	b.WriteString("\n")
	for _, step := range open[:min(mostListed, len(open))] {
		fmt.Fprintf(&b, "  %s %s in %s", step.Name, step.State, step.In)
		if why := stepRemark(step.StepResult); why != "" {
			b.WriteString(": " + why)
		}
		b.WriteString("\n")
	}
	if left := len(open) - mostListed; left > 0 {
		fmt.Fprintf(&b, "  %d steps not listed; --json has them all\n", left)
	}
	if remedy := chain.Remedy(); remedy != "" {
		b.WriteString("\n" + remedy + "\n")
	}
	return b.String()
}

func succeededSteps(standings []runs.StepStanding) int {
	n := 0
	for _, standing := range standings {
		if standing.State == workflows.StepSucceeded {
			n++
		}
	}
	return n
}

// PipelineHistory is a run of a pipeline with its reruns, in the order of their start.
type PipelineHistory struct {
	First     string               `json:"first"`     // the run that the others are reruns of
	Runs      []PipelineHistoryRun `json:"runs"`      // those that Temporal still keeps
	Steps     []runs.StepStanding  `json:"steps"`     // as they stand by now
	Succeeded int                  `json:"succeeded"` // how many of them have succeeded by now
	Open      []string             `json:"open"`      // names of those that are left: neither succeeded nor skipped as they were to be
}

// PipelineHistoryRun is one run of a history of a pipeline.
type PipelineHistoryRun struct {
	RunID     string             `json:"run"`
	State     runs.State         `json:"state"`
	Verdict   workflows.Verdict  `json:"verdict,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Error     *runs.Failure      `json:"error,omitempty"`
	StartedAt time.Time          `json:"startedAt"`
	EndedAt   time.Time          `json:"endedAt,omitzero"`
	Lineage   *workflows.Lineage `json:"lineage,omitempty"` // of a rerun

	// States says how many steps are in each state, without those that were taken over
	// from an earlier run, of which TakenOver is the number.
	States    map[workflows.StepState]int `json:"states"`
	TakenOver int                         `json:"takenOver"`

	Again []string `json:"again,omitempty"` // steps that a rerun had to run again
}

// WritePipelineChainJSON writes the chain of a pipeline for machines.
func WritePipelineChainJSON(out io.Writer, chain runs.PipelineChain) error {
	written := PipelineHistory{First: chain.First, Steps: chain.Standings(), Open: []string{}}
	written.Succeeded = succeededSteps(written.Steps)
	for _, step := range chain.Open() {
		written.Open = append(written.Open, step.Name)
	}
	for _, past := range chain.Runs {
		states, takenOver := ownStates(past)
		written.Runs = append(written.Runs, PipelineHistoryRun{
			RunID: past.RunID, State: past.State, Verdict: past.Verdict, Reason: past.Reason, Error: past.Error,
			StartedAt: past.StartedAt, EndedAt: past.EndedAt, Lineage: past.Input.Lineage,
			States: states, TakenOver: takenOver, Again: past.Again(),
		})
	}
	return writeAnyJSON(out, written)
}
