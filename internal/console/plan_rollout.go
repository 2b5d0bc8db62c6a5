package console

import (
	"fmt"
	"strings"
	"time"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// rolloutLines say by what policy the nodes of a plan would be started.
func rolloutLines(plan workflows.PlanCommandResult) []planLine {
	if len(plan.Waves) == 0 {
		return nil
	}
	p, n := plan.Input.Policy, len(plan.Nodes)
	return []planLine{
		{"Waves", plannedWaves(plan)},
		{"Waits", waitsText(p, len(plan.Waves))},
		{"At a time", windowText(p, n)},
		{"Budget", budgetText(p, n)},
		{"Quorum", quorumText(p, n)},
		{"Attempts", retryText(p.Retry)},
	}
}

// plannedWaves has a line for each wave, of many for the first and the last.
func plannedWaves(plan workflows.PlanCommandResult) string {
	if len(plan.Waves) == 1 && plan.Waves[0].Approval == "" {
		return "1, of all nodes"
	}
	lines := []string{fmt.Sprint(len(plan.Waves))}
	for i, wave := range plan.Waves {
		if last := len(plan.Waves) - 1; i >= mostWaves-1 && i < last && last >= mostWaves {
			if i == mostWaves-1 {
				lines = append(lines, fmt.Sprintf("%d waves not listed; --json has them all", last-i))
			}
			continue
		}
		text := fmt.Sprintf("%d: %s, %s", i+1, workflows.Nodes(wave.Nodes), nodeName(plan, wave.From))
		if wave.Nodes > 1 {
			text += " to " + nodeName(plan, wave.From+wave.Nodes-1)
		}
		switch wave.Approval {
		case workflows.ApprovalAlways:
			text += "; begins when it is approved"
		case workflows.ApprovalIfFailed:
			text += fmt.Sprintf("; begins when it is approved, if a node of wave %d failed", i)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

func nodeName(plan workflows.PlanCommandResult, place int) string {
	if host := plan.Nodes[place].HostName; host != "" {
		return host
	}
	return plan.Nodes[place].InstanceID
}

func waitsText(p policy.Policy, waves int) string {
	var parts []string
	if p.SoakSeconds > 0 && waves > 1 {
		parts = append(parts, fmt.Sprintf("%v between two waves", seconds(p.SoakSeconds)))
	}
	if len(p.Pause) > 0 {
		people := "1 person"
		if n := p.ApprovalsNeeded(); n > 1 {
			people = fmt.Sprintf("%d people", n)
		}
		parts = append(parts, "for approvals, each by "+people)
	}
	if p.ApproveWithinSeconds > 0 {
		parts = append(parts, fmt.Sprintf("for a person %v at the most, then it ends as parked", seconds(p.ApproveWithinSeconds)))
	}
	return strings.Join(parts, "; ")
}

func windowText(p policy.Policy, n int) string {
	if p.Concurrency.IsZero() {
		return ""
	}
	return workflows.Nodes(min(p.Concurrency.Of(n), n)) + "; as one ends another is started"
}

// budgetText reads "5% of 500: 25 nodes may fail, the 26th breaches; …".
func budgetText(p policy.Policy, n int) string {
	var parts []string
	if b := p.Budget.Whole; b != nil {
		parts = append(parts, fmt.Sprintf("%s%s may fail, the %s breaches it", shareText(*b, n), workflows.Nodes(b.Of(n)), ordinal(b.Of(n)+1)))
	}
	if b := p.Budget.PerWave; b != nil {
		parts = append(parts, fmt.Sprintf("%s of the nodes of a wave may fail", b))
	}
	if len(parts) == 0 {
		return ""
	}
	if len(p.Budget.Counts) > 0 {
		parts = append(parts, "counted are "+joined(p.Budget.Counts))
	}
	return strings.Join(append(parts, "on a breach what runs is "+fate(p.OnBreach())), "; ")
}

func quorumText(p policy.Policy, n int) string {
	q := p.Quorum.Nodes
	if q.IsZero() {
		return ""
	}
	return fmt.Sprintf("%sit ends when %s succeeded, and what runs then is %s", shareText(q, n), workflows.Nodes(p.Quorum.Needed(n)), fate(p.OnQuorum()))
}

// shareText reads "5% of 500: ", and "" of a number.
func shareText(size policy.Size, n int) string {
	if text := size.String(); strings.HasSuffix(text, "%") {
		return fmt.Sprintf("%s of %d: ", text, n)
	}
	return ""
}

func retryText(r policy.Retry) string {
	switch {
	case r.Elsewhere:
		return "1 on a node; another takes the place of one that failed"
	case r.Attempts < 2:
		return ""
	}
	after := joined(r.On)
	if len(r.ExitCodes) > 0 {
		codes := make([]string, len(r.ExitCodes))
		for i, code := range r.ExitCodes {
			codes[i] = fmt.Sprint(code)
		}
		if after != "" {
			after += " or "
		}
		after += "exit code " + strings.Join(codes, ", ")
	}
	return fmt.Sprintf("%d on a node at the most, after %s; the second %v later", r.Attempts, after, r.Backoff(1))
}

func fate(f policy.InFlight) string {
	if f == policy.Stop {
		return "stopped"
	}
	return "waited for"
}

func ordinal(n int) string {
	suffixes := map[int]string{1: "st", 2: "nd", 3: "rd"}
	if suffix, has := suffixes[n%10]; has && n/10%10 != 1 {
		return fmt.Sprint(n, suffix)
	}
	return fmt.Sprint(n, "th")
}

func joined(states []workflows.NodeState) string {
	texts := make([]string, len(states))
	for i, state := range states {
		texts[i] = string(state)
	}
	return strings.Join(texts, ", ")
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
