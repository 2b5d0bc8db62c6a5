package forecast

import (
	"fmt"

	"ehpcflow/pipeline"
)

// steps are those of a list, and those of their onFailure, each in its layer.
func (plan *Plan) steps(p pipeline.Pipeline, list []pipeline.Step, behind string) []PlannedStep {
	layers := make(map[string]int)
	var layer func(name string) int
	byName := make(map[string]pipeline.Step)
	for _, step := range list {
		byName[step.Name] = step
	}
	layer = func(name string) int {
		if known, is := layers[name]; is {
			return known
		}
		layers[name] = 1 // of a circle, which no pipeline has
		deepest := 0
		for _, need := range byName[name].Needs {
			deepest = max(deepest, layer(need))
		}
		layers[name] = deepest + 1
		return deepest + 1
	}
	var steps []PlannedStep
	for _, step := range list {
		planned, within := plan.step(p, step)
		planned.Layer, planned.OnFailureOf = layer(step.Name), behind
		planned.requests.tell(planned)
		steps = append(steps, planned)
		for _, sub := range within {
			sub.Layer = planned.Layer
			steps = append(steps, sub)
		}
		for _, after := range plan.steps(p, step.OnFailure.Run, step.Name) {
			after.Layer += planned.Layer
			steps = append(steps, after)
		}
	}
	return steps
}

// step is what a step would do, and the steps of the pipeline that it runs.
func (plan *Plan) step(p pipeline.Pipeline, step pipeline.Step) (PlannedStep, []PlannedStep) {
	planned := PlannedStep{
		Name: step.Name, Kind: step.Kind, Needs: step.Needs, When: string(step.When), TimeoutSeconds: step.TimeoutSeconds, Foreach: step.Foreach != nil,
	}
	if step.Retry != nil {
		planned.Attempts = step.Retry.Attempts
	}
	visible := plan.visible(p)
	if step.When != "" && step.When.CheckCondition(visible) == nil {
		yes, err := step.When.True(plan.scope())
		planned.Skipped = err == nil && !yes
	}
	if step.Foreach != nil {
		planned.Items = plan.items(visible, *step.Foreach)
		switch {
		case planned.Items == nil:
			plan.open("how many items %s has: %s", step.Name, step.Foreach.In)
		case *planned.Items == 0:
			planned.Skipped = true
		}
	}
	visible.Item = false
	action, known := pipeline.Action{}, len(step.CheckBody(visible)) == 0
	if known {
		var err error
		action, err = step.Action(plan.scope())
		known = err == nil
	}
	planned.Clusters = plan.clusters(p, step)
	planned.Does = does(step, action, known)
	planned.requests = plan.requests(p, step, action, known)
	if step.Pipeline == nil {
		return planned, nil
	}
	sub := plan.sub(*step.Pipeline, action)
	planned.requests = sub.Requests
	for i := range sub.Steps {
		sub.Steps[i].Name, sub.Steps[i].requests = step.Name+"/"+sub.Steps[i].Name, Requests{}
	}
	for _, text := range sub.Open {
		plan.open("%s: %s", step.Name, text)
	}
	return planned, sub.Steps
}

// sub is the plan of a pipeline that a step runs. Where only the run can tell its inputs,
// what refers to them is as written.
func (plan *Plan) sub(p pipeline.Pipeline, action pipeline.Action) Plan {
	if action.Sub != nil {
		if inputs, problems := pipeline.Inputs(p, action.Sub.Inputs); len(problems) == 0 {
			return Of(p, inputs)
		}
	}
	p.Inputs = nil
	return Of(p, nil)
}

// items is how many a foreach has; nil where only the run can tell.
func (plan *Plan) items(visible pipeline.Visible, foreach pipeline.Foreach) *int {
	if foreach.In != "" && foreach.In.CheckList(visible) != nil {
		return nil
	}
	list, err := foreach.List(plan.scope())
	if err != nil {
		return nil
	}
	n := len(list)
	return &n
}

func (plan *Plan) open(format string, args ...any) {
	plan.Open = append(plan.Open, fmt.Sprintf(format, args...))
}

// clusters are the ids of those that a step runs on; what only the run can tell is as
// written.
func (plan *Plan) clusters(p pipeline.Pipeline, step pipeline.Step) []string {
	if step.Kind != pipeline.RunsCommand && step.Kind != pipeline.RunsJob {
		return nil
	}
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
	if text, is := step.With["clusters"].(string); is {
		named = append(named, text)
	}
	if len(named) == 0 && len(p.Clusters) > 0 {
		named = append(named, p.Clusters[0].Name)
	}
	for i, name := range named {
		if id, short := plan.ids[name]; short {
			named[i] = id
		} else if id, known := plan.text(p, pipeline.Text(name)); known {
			named[i] = id
		}
	}
	return named
}
