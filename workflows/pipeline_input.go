package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ehpcflow/pipeline"
)

// MaxPipelineName is the longest name, in bytes, of a run of a pipeline that is no step of
// another: those of its steps stand behind it, and Temporal takes 1000.
const MaxPipelineName = 250

// defaultFinally is how long a step of finally may take that does not say.
const defaultFinally = 3600 // seconds

// problems are what a run of a pipeline refuses. They keep it from starting what it could
// not end; whoever reads a file says more, and better.
func (in PipelineInput) problems(runID string) []string {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	p := in.Pipeline
	if in.Depth == 0 && len(runID) > MaxPipelineName {
		problem("the name of the run has %d bytes, a pipeline takes %d: give it a shorter name", len(runID), MaxPipelineName)
	}
	if in.Depth >= pipeline.MaxDepth {
		problem("pipelines run pipelines %d deep, it can be %d", in.Depth+1, pipeline.MaxDepth)
	}
	if p.Concurrency < 0 || p.Concurrency > pipeline.MaxConcurrency {
		problem("%d steps at a time are asked for, it can be 1 to %d (concurrency)", p.Concurrency, pipeline.MaxConcurrency)
	}
	steps := append(stepsOf(p.Steps), stepsOf(p.Finally)...)
	switch n := len(steps); {
	case len(p.Steps) == 0:
		problem("the pipeline has no steps")
	case n > pipeline.MaxSteps:
		problem("the pipeline has %d steps, it can have %d", n, pipeline.MaxSteps)
	}
	named := make(map[string]bool, len(steps))
	for _, step := range steps {
		if named[step.Name] {
			problem("there are two steps %s: name each otherwise", step.Name)
		}
		named[step.Name] = true
		if _, known := kinds[step.Kind]; !known {
			problem("step %s: there is no %q: use one of %s", step.Name, step.Kind, listed(pipeline.Kinds))
		}
		if step.Kind == pipeline.SubPipeline && step.Pipeline == nil {
			problem("step %s: the pipeline that it runs was not read", step.Name)
		}
	}
	for _, group := range groupsOf(p) {
		problems = append(problems, group.needsProblems()...)
	}
	_, _, wrong := in.values()
	problems = append(problems, wrong...)
	in.FailUnless.validate(problem)
	return problems
}

func listed[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// stepsOf are steps, each with those of its onFailure behind it.
func stepsOf(steps []pipeline.Step) []pipeline.Step {
	var all []pipeline.Step
	for _, step := range steps {
		all = append(append(all, step), step.OnFailure.Run...)
	}
	return all
}

// stepGroup is a list of steps that may need each other.
type stepGroup []pipeline.Step

func groupsOf(p pipeline.Pipeline) []stepGroup {
	groups := []stepGroup{p.Steps, p.Finally}
	for _, step := range stepsOf(p.Steps) {
		if len(step.OnFailure.Run) > 0 {
			groups = append(groups, step.OnFailure.Run)
		}
	}
	return groups
}

// needsProblems are needs that could never end.
func (g stepGroup) needsProblems() []string {
	var problems []string
	needs := make(map[string][]string, len(g))
	for _, step := range g {
		needs[step.Name] = step.Needs
	}
	for _, step := range g {
		for _, need := range step.Needs {
			if _, known := needs[need]; !known {
				problems = append(problems, fmt.Sprintf("step %s needs %s, which is none of the steps that it can wait for", step.Name, need))
			}
		}
	}
	// What is left when all that waits for nothing left is taken away, again and again,
	// waits for itself.
	for taken := true; taken; {
		taken = false
		for _, step := range g {
			if waits, left := needs[step.Name]; left && !slices.ContainsFunc(waits, func(n string) bool { _, left := needs[n]; return left }) {
				delete(needs, step.Name)
				taken = true
			}
		}
	}
	if len(needs) > 0 {
		problems = append(problems, fmt.Sprintf("these steps need each other in a circle, so that none can begin: %s", firstFew(sorted(needs))))
	}
	return problems
}

// values are the values of all inputs, and the clusters, or what is wrong with them.
func (in PipelineInput) values() (map[string]any, clusterNames, []string) {
	inputs, problems := pipeline.Inputs(in.Pipeline, in.Inputs)
	if len(problems) > 0 {
		return nil, nil, problems
	}
	scope := pipeline.Scope{Inputs: inputs}
	ids := make(clusterNames, len(in.Pipeline.Clusters))
	for _, cluster := range in.Pipeline.Clusters {
		id, err := cluster.ID.Eval(scope)
		text, isText := id.(string)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("cluster %s: %v", cluster.Name, err))
		case !isText || strings.TrimSpace(text) == "":
			problems = append(problems, fmt.Sprintf("the id of cluster %s comes to %v, which is no text", cluster.Name, id))
		}
		ids[cluster.Name] = text
	}
	return inputs, ids, problems
}

// PipelineProblems are what is wrong with those bodies of steps that hold no expressions,
// by what their runs can do. Steps of pipelines that it runs are not looked at.
func PipelineProblems(p pipeline.Pipeline) []pipeline.StepProblem {
	ids := make(clusterNames, len(p.Clusters))
	for _, cluster := range p.Clusters {
		ids[cluster.Name] = cluster.Name
	}
	f := &family{clusters: ids, check: checkWritten}
	var problems []pipeline.StepProblem
	for _, step := range append(stepsOf(p.Steps), stepsOf(p.Finally)...) {
		if step.Kind == pipeline.SubPipeline || holdsExpressions(step.With) {
			continue
		}
		action, err := step.Action(pipeline.Scope{})
		if err != nil {
			continue // said where the file is read
		}
		_, wrong := f.launch(step, action)
		for _, text := range wrong {
			problems = append(problems, pipeline.StepProblem{Step: step.Name, Path: string(step.Kind), Text: text})
		}
	}
	return problems
}

func holdsExpressions(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "${{")
	case []any:
		return slices.ContainsFunc(value, holdsExpressions)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(value)), holdsExpressions)
	}
	return false
}
