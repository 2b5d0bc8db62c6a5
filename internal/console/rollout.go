package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// rolloutText says in a few words what a rollout is doing.
func rolloutText(report runs.Report) string {
	counts := workflows.CountsText(report.Counts())
	rollout := report.Rollout
	if rollout == nil {
		return counts
	}
	switch wait := rollout.Wait; {
	case report.Phase == workflows.Draining:
		return "starting nothing more: " + counts
	case wait == nil && rollout.Paused:
		return "paused, " + waveText(rollout, currentWave(rollout)) + ": " + counts
	case wait == nil:
		return waveText(rollout, currentWave(rollout)) + ": " + counts
	case wait.For == workflows.ForSoak:
		return fmt.Sprintf("soaking until %s, then %s: %s", clock(wait.Until), waveText(rollout, wait.Wave), counts)
	case wait.For == workflows.ForResume:
		return fmt.Sprintf("paused before more of %s: %s", waveText(rollout, wait.Wave), counts)
	default:
		return fmt.Sprintf("waiting for an approval of %s%s: %s", waveText(rollout, wait.Wave), approvedText(rollout, wait.Wave), counts)
	}
}

func waveText(rollout *workflows.RolloutReport, wave int) string {
	return fmt.Sprintf("wave %d of %d", wave, max(len(rollout.Waves), wave))
}

// approvedText says who has approved a wave that needs more approvals.
func approvedText(rollout *workflows.RolloutReport, wave int) string {
	if wave < 1 || wave > len(rollout.Waves) || len(rollout.Waves[wave-1].ApprovedBy) == 0 {
		return ""
	}
	by := rollout.Waves[wave-1].ApprovedBy
	return fmt.Sprintf(" (%d of %d given, by %s)", len(by), rollout.Policy.ApprovalsNeeded(), strings.Join(by, ", "))
}

// currentWave is the one that is under way, from 1, or else the last that was.
func currentWave(rollout *workflows.RolloutReport) int {
	current := 1
	for i, wave := range rollout.Waves {
		if !wave.StartedAt.IsZero() {
			current = i + 1
			if wave.EndedAt.IsZero() {
				break
			}
		}
	}
	return current
}

// step tells the steps of a run apart that are worth a line.
func step(report runs.Report) string {
	text := string(report.Phase)
	if rollout := report.Rollout; rollout != nil && report.Phase != workflows.Ended {
		text += fmt.Sprint(currentWave(rollout), rollout.Paused)
		if rollout.Wait != nil {
			text += fmt.Sprint(rollout.Wait.For, rollout.Wait.Wave, approvedText(rollout, rollout.Wait.Wave))
		}
	}
	return text
}

// mostWaves is how many waves, and orders, are listed.
const mostWaves = 20

// wavesTable lists the waves of a rollout, of many those around the current one.
func wavesTable(rollout *workflows.RolloutReport) string {
	from := max(min(currentWave(rollout)-mostWaves/2, len(rollout.Waves)-mostWaves), 0)
	t := newTable([]string{"wave", "nodes", "states", "begun", "ended", "approved by"})
	listed := rollout.Waves[from:min(from+mostWaves, len(rollout.Waves))]
	for i, wave := range listed {
		states := ""
		if len(wave.States) > 0 {
			states = workflows.CountsText(wave.States)
		}
		t.AppendRow(cells([]string{
			fmt.Sprint(from + i + 1), fmt.Sprint(wave.Nodes), states, clock(wave.StartedAt), clock(wave.EndedAt), printable(strings.Join(wave.ApprovedBy, ", ")),
		}))
	}
	text := t.Render() + "\n"
	if left := len(rollout.Waves) - len(listed); left > 0 {
		text += fmt.Sprintf("%d waves not listed; --json has them all\n", left)
	}
	return text + "\n"
}

// ordersTable lists what people told a rollout, of much the last.
func ordersTable(orders []workflows.Order) string {
	if len(orders) == 0 {
		return ""
	}
	earlier := max(len(orders)-mostWaves, 0)
	t := newTable([]string{"at", "who", "order", "why"})
	for _, order := range orders[earlier:] {
		t.AppendRow(cells([]string{clock(order.At), oneLine(order.By), oneLine(order.String()), oneLine(order.Why)}))
	}
	text := "\n" + t.Render() + "\n"
	if earlier > 0 {
		text += fmt.Sprintf("%d earlier orders not listed; --json has them all\n", earlier)
	}
	return text
}

// attemptsText says how often a node was tried, and how the earlier attempts ended.
func attemptsText(node workflows.NodeResult) string {
	if tries(node) == 1 {
		return ""
	}
	var earlier []string
	for _, attempt := range node.Attempts {
		text := string(attempt.State)
		if attempt.ExitCode != nil && *attempt.ExitCode != 0 {
			text += fmt.Sprintf(" %d", *attempt.ExitCode)
		}
		earlier = append(earlier, text)
	}
	if len(earlier) == 0 {
		return fmt.Sprint(tries(node))
	}
	return fmt.Sprintf("%d, after %s", tries(node), strings.Join(earlier, ", "))
}

// tries is how often a node was tried. A large rollout does not keep all attempts.
func tries(node workflows.NodeResult) int { return max(node.Tries, len(node.Attempts)+1) }

// reasons are why a run is no plain success: its own, and that of a rollout that
// started nothing more.
func reasons(report runs.Report) []string {
	var texts []string
	if rollout := report.Rollout; rollout != nil && rollout.Halt != nil && !strings.Contains(report.Reason, rollout.Halt.Text) {
		texts = append(texts, rollout.Halt.Text)
	}
	return slices.DeleteFunc(append(texts, report.Reason), func(text string) bool { return text == "" })
}

// clock is a local time of day, with the day when that is not today.
func clock(at time.Time) string {
	layout := time.TimeOnly
	switch local := at.Local(); {
	case at.IsZero():
		return ""
	case local.Format(time.DateOnly) != time.Now().Format(time.DateOnly):
		layout = time.DateTime
	}
	return at.Local().Format(layout)
}

func oneLine(text string) string { return printable(strings.Join(strings.Fields(text), " ")) }
