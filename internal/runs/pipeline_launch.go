package runs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// PipelineLaunchOf is the launch of a run of a pipeline.
func PipelineLaunchOf(in workflows.PipelineInput) Launch {
	title, parent := "pipeline "+in.Pipeline.Name, ""
	if in.File != "" {
		title += " (" + in.File + ")"
	}
	told := map[string]any{workflows.MemoCommand: title}
	if in.Lineage != nil {
		parent, told[firstRunMemo] = in.Lineage.Run, in.Lineage.First
	}
	return Launch{pipelineType, in, client.StartWorkflowOptions{
		StaticSummary: beginning(title) + ": " + someSteps(in.Pipeline.Steps), StaticDetails: pipelineDetails(in), Memo: told,
		TypedSearchAttributes: workflows.StartAttributes(workflows.Watching, PipelineClusters(in.Pipeline, in.Inputs), User(), parent),
	}}
}

// someSteps reads "stage, mesh, solve and 4 more".
func someSteps(steps []pipeline.Step) string {
	const few = 5
	names := make([]string, 0, few)
	for _, step := range steps[:min(few, len(steps))] {
		names = append(names, step.Name)
	}
	text := strings.Join(names, ", ")
	if more := len(steps) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// mostOfValue is how much of an input's value is shown, in characters.
const mostOfValue = 200

// pipelineDetails is what the Web UI shows of a pipeline beside its run, in Markdown.
func pipelineDetails(in workflows.PipelineInput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Pipeline `%s`", in.Pipeline.Name)
	if in.File != "" {
		fmt.Fprintf(&b, " of `%s`", in.File)
	}
	if clusters := PipelineClusters(in.Pipeline, in.Inputs); len(clusters) > 0 {
		fmt.Fprintf(&b, ", on `%s`", strings.Join(clusters[:min(len(clusters), 20)], "`, `"))
	}
	b.WriteString("\n\n")
	if in.Pipeline.Description != "" {
		fmt.Fprintf(&b, "%s\n\n", in.Pipeline.Description)
	}
	for _, input := range in.Pipeline.Inputs {
		value, given := in.Inputs[input.Name]
		if !given {
			value = input.Default
		}
		text := []rune(strings.ReplaceAll(ValueText(value), "`", "'"))
		if len(text) > mostOfValue {
			text = append(text[:mostOfValue-1], '…')
		}
		fmt.Fprintf(&b, "- %s: `%s`\n", input.Name, string(text))
		if b.Len() > mostOfDetails {
			b.WriteString("- …\n")
			break
		}
	}
	return b.String()
}

// ValueText shows a value of an input or an output: a text as it is, all else as JSON.
func ValueText(value any) string {
	if text, is := value.(string); is {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil { // no value of a pipeline is such
		return fmt.Sprint(value)
	}
	return string(text)
}

// mostOfDetails is after how much no further input is told of, in bytes.
const mostOfDetails = 8_000

// PipelineClusters are the ids of the clusters that a pipeline names, its own and those of
// pipelines in it, each once. What only its run can tell is not among them.
func PipelineClusters(p pipeline.Pipeline, inputs map[string]any) []string {
	var ids []string
	add := func(id string) {
		if id != "" && !strings.Contains(id, "${{") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	short := make(map[string]string)
	for _, cluster := range p.Clusters {
		id, err := cluster.ID.Eval(pipeline.Scope{Inputs: inputs})
		if text, is := id.(string); err == nil && is {
			short[cluster.Name] = text
			add(text)
		}
	}
	var steps func([]pipeline.Step)
	steps = func(of []pipeline.Step) {
		for _, step := range of {
			for _, id := range namedClusters(step) {
				if _, known := short[id]; !known {
					add(id)
				}
			}
			if step.Pipeline != nil {
				for _, id := range PipelineClusters(*step.Pipeline, nil) {
					add(id)
				}
			}
			steps(step.OnFailure.Run)
		}
	}
	steps(p.Steps)
	steps(p.Finally)
	return ids
}

// namedClusters are those that a step's body names, as it names them.
func namedClusters(step pipeline.Step) []string {
	var named []string
	if one, is := step.With["cluster"].(string); is {
		named = append(named, one)
	}
	several, _ := step.With["clusters"].([]any)
	for _, each := range several {
		if one, is := each.(string); is {
			named = append(named, one)
		}
	}
	return named
}
