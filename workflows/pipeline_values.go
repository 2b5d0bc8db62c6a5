package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ehpcflow/pipeline"
)

// mostKept is how much is kept of all steps for later ones, in bytes.
const mostKept = 1 << 20

// known is what later steps know of a step without anything being kept for them.
func (s *StepResult) known() pipeline.StepValue {
	value := pipeline.StepValue{
		State: string(s.State), Succeeded: s.State == StepSucceeded, Failed: s.State == StepFailed, Skipped: s.State == StepSkipped,
		Reason: s.Reason, By: s.By,
	}
	if s.Verdict != "" {
		value.Verdict = verdictWord(s.Verdict)
	}
	if s.Job != nil {
		value.Job = pipeline.JobValue{ID: s.Job.JobID, Name: s.Job.Name, State: string(s.Job.State), ExitStatus: s.Job.ExitStatus}
	}
	if len(s.States)+len(s.Items) > 0 {
		value.Counts = make(map[string]int, len(s.States)+len(s.Items))
	}
	for _, state := range sorted(s.States) {
		value.Counts[string(state)] = s.States[state]
	}
	for _, state := range sorted(s.Items) {
		value.Counts[string(state)] = s.Items[state]
	}
	return value
}

// seen is what later steps see of a step.
func (s *StepResult) seen() pipeline.StepValue {
	if s.Value != nil {
		return *s.Value
	}
	return s.known()
}

// left is what is kept of a step that ended so, or why that cannot be.
func (o outcome) left(result *StepResult, wanted pipeline.Wanted) (value pipeline.StepValue, lacks string) {
	value = result.known()
	value.Output, value.JSON, value.Nodes, value.Items, value.Outputs = o.value.Output, o.value.JSON, o.value.Nodes, o.value.Items, o.value.Outputs
	if o.value.Job.Name != "" {
		value.Job = o.value.Job
	}
	value.Item = o.value.Item
	switch {
	case o.lacks != "" && slices.ContainsFunc(bigParts, wanted.Wants):
		lacks = o.lacks
	case o.longOutput != "" && (wanted.Wants("output") || wanted.Wants("json")):
		lacks = o.longOutput
	case o.longNode != "" && wanted.Within("nodes").Wants("output"):
		lacks = o.longNode
	}
	return wanted.Keep(value), lacks
}

// verdictWord is a verdict in an expression, where states and verdicts are spelled alike.
func verdictWord(v Verdict) string {
	if v == Canceled {
		return string(StepCanceled)
	}
	return string(v)
}

// json reads what a step printed, where that is to be JSON. An error says why it is none.
// What a text reads as does not change with Go.
//
//workflowcheck:ignore
func (o outcome) json() (any, error) {
	if o.longOutput != "" {
		return nil, errors.New(o.longOutput)
	}
	var value any
	if err := json.Unmarshal([]byte(o.value.Output), &value); err != nil {
		return nil, fmt.Errorf("its output is no JSON, as output: json asks for: %w; it begins with %q", err, shorten(strings.TrimSpace(o.value.Output), 60))
	}
	if number := pipeline.Inexact(o.value.Output); number != "" {
		return nil, fmt.Errorf("its output holds the number %s, which has more digits than later steps would see: print it as a text, in quotes", shorten(number, 60))
	}
	return value, nil
}

// shortenTo is the beginning of a text that takes so many bytes as JSON at the most.
func shortenTo(text string, most int) string {
	if pipeline.WeightOfText(text) <= most {
		return text
	}
	left := most - pipeline.WeightOfText("…")
	for at, r := range text {
		if left -= pipeline.WeightOfRune(r); left < 0 {
			return text[:at] + "…"
		}
	}
	return text
}

func weighValue(v pipeline.StepValue) int {
	weight := 200 + pipeline.WeightOfText(v.Output) + pipeline.WeightOfText(v.Reason) + pipeline.Weight(v.JSON) + pipeline.Weight(v.Item) + pipeline.Weight(v.Outputs)
	weight += pipeline.WeightOfText(v.Job.ID) + pipeline.WeightOfText(v.Job.Name) + pipeline.WeightOfText(v.Job.State) + 20*len(v.Counts)
	for _, node := range v.Nodes {
		weight += 80 + pipeline.WeightOfText(node.ID) + pipeline.WeightOfText(node.Host) + pipeline.WeightOfText(node.Output)
	}
	for _, item := range v.Items {
		weight += weighValue(item)
	}
	for _, who := range v.By {
		weight += pipeline.WeightOfText(who) + 1
	}
	return weight
}
