package workflows_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ehpcflow/pipeline"
)

// fate is what becomes of what a step, or an item, runs.
type stepFate struct {
	takes time.Duration
	fails bool
}

// dealt is a pipeline with the fates of what it runs, by the command.
type dealt struct {
	pipeline.Pipeline
	fates map[string]stepFate

	cancelAfter time.Duration   // 0 is not at all
	goOnAfter   []time.Duration // of each run, when its history has grown long; 0 is not at all
}

// deal makes a pipeline by the dice.
func dealPipeline(dice *rand.Rand) dealt {
	d := dealt{fates: make(map[string]stepFate), Pipeline: pipeline.Pipeline{
		Name: "dealt", Concurrency: 1 + dice.IntN(4), Clusters: []pipeline.Cluster{{Name: "main", ID: "ehpc-1"}},
		Inputs: []pipeline.Input{
			{Name: "on", Type: pipeline.Boolean, Default: true}, {Name: "off", Type: pipeline.Boolean, Default: false},
			{Name: "list", Type: pipeline.List, Default: []any{"a"}},
		},
	}}
	chance := func(percent int) bool { return dice.IntN(100) < percent }
	failing := []int{5, 30, 60}[dice.IntN(3)]
	fate := func(run string) {
		d.fates[run] = stepFate{takes: time.Duration(1+dice.IntN(600)) * time.Second, fails: chance(failing)}
	}
	deal := func(name string, before []string, last bool) pipeline.Step {
		s := pipeline.Step{Name: name, Kind: pipeline.RunsCommand, With: map[string]any{"run": "run " + name, "nodes": []any{"i-1"}}}
		if chance(40) {
			s.Kind, s.With = pipeline.RunsJob, map[string]any{"run": "run " + name, "user": "hpcuser"}
		}
		for _, need := range before {
			if chance(25) {
				s.Needs = append(s.Needs, need)
			}
		}
		switch {
		case chance(10):
			s.When = "inputs.off"
		case chance(5):
			s.When = "inputs.list[7] == 1" // cannot be evaluated
		case chance(20) && len(s.Needs) > 0:
			s.When = pipeline.Expression("steps." + s.Needs[0] + ".succeeded")
		}
		fate("run " + name)
		if chance(15) {
			s.Foreach = &pipeline.Foreach{Concurrency: 1 + dice.IntN(3), Items: []any{}}
			s.With["run"] = "run " + name + " ${{ index }}"
			for i := range dice.IntN(5) {
				s.Foreach.Items = append(s.Foreach.Items, i)
				fate(fmt.Sprintf("run %s '%d'", name, i))
			}
		}
		if chance(10) {
			s.TimeoutSeconds = 60 + dice.IntN(300)
		}
		if s.Kind == pipeline.RunsJob && chance(20) {
			s.Retry = &pipeline.Retry{Attempts: 1 + dice.IntN(3)}
		}
		if !last {
			s.OnFailure.Do = []pipeline.FailureAction{"", pipeline.Stop, pipeline.Skip, pipeline.Continue, pipeline.Continue}[dice.IntN(5)]
		}
		return s
	}
	list := func(prefix string, n int, last bool) []pipeline.Step {
		var steps []pipeline.Step
		var names []string
		for i := range n {
			name := fmt.Sprint(prefix, i)
			steps, names = append(steps, deal(name, names, last)), append(names, name)
		}
		dice.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		return steps
	}
	d.Steps = list("s", 1+dice.IntN(9), false)
	for i := range d.Steps {
		if chance(25) {
			d.Steps[i].OnFailure.Run = list(d.Steps[i].Name+"r", 1+dice.IntN(2), false)
			for j := range d.Steps[i].OnFailure.Run {
				d.Steps[i].OnFailure.Run[j].Foreach, d.Steps[i].OnFailure.Run[j].With["run"] = nil, "run "+d.Steps[i].OnFailure.Run[j].Name
			}
		}
	}
	d.Finally = list("f", dice.IntN(3), true)
	if chance(30) {
		d.cancelAfter = time.Duration(dice.IntN(2000))*time.Second + time.Millisecond
	}
	if chance(40) {
		for range 1 + dice.IntN(4) {
			d.goOnAfter = append(d.goOnAfter, time.Duration(dice.IntN(1000))*time.Second+time.Millisecond)
		}
	}
	return d
}
