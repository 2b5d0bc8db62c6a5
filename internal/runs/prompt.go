package runs

import (
	"fmt"
	"time"

	"ehpcflow/workflows"
)

// question says what the run asks, and how to answer.
func (r *Report) question() string { return questionText(*r.Question, r.RunID) }

func questionText(question workflows.Question, id string) string {
	text := question.Text + " Answer it:"
	for _, choice := range question.Choices {
		text += fmt.Sprintf("\n  starter answer %s %s", id, choice.Usage())
	}
	return text
}

// awaited says what a rollout waits for that a person has to do, and how to do it; ""
// when for nothing.
func (r *Report) awaited() string {
	if r.Rollout == nil || r.Rollout.Wait == nil {
		return ""
	}
	wait, text, orders := r.Rollout.Wait, "", []string(nil)
	switch wait.For {
	case workflows.ForApproval:
		text, orders = fmt.Sprintf("for an approval of wave %d", wait.Wave), []string{workflows.ApproveUpdate, workflows.RejectUpdate}
	case workflows.ForResume:
		text, orders = "for somebody to resume it", []string{workflows.ResumeUpdate}
	case workflows.ForSoak:
		return ""
	default:
		return ""
	}
	switch until := wait.Until.Local().Format(time.DateTime); {
	case wait.Until.IsZero():
	case r.Rollout.Soaks():
		text += ", which does not begin before " + until
	default:
		text += ", until " + until
	}
	text += ". Say so:"
	for _, order := range orders {
		text += fmt.Sprintf("\n  starter %s %s --why TEXT", order, r.RunID)
	}
	return text
}
