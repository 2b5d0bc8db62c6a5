package workflows

import (
	"fmt"
	"strconv"
	"strings"

	"ehpcflow/pipeline"
)

// takeDone takes over the steps that a rerun does not run again, which are those that
// succeeded: a condition that was false may be true by what the rerun does. Steps of an
// onFailure run again where their step fails again.
func (r *pipelineRun) takeDone() {
	for i := range r.status.Steps {
		result := &r.status.Steps[i]
		done, is := r.in.Done[result.Name]
		if !is || result.OnFailureOf != "" || done.State != StepSucceeded {
			continue
		}
		done.Name, done.Kind, done.Needs = result.Name, result.Kind, result.Needs
		if done.DoneIn == "" && r.in.Lineage != nil {
			done.DoneIn = r.in.Lineage.Run
		}
		*result = done
	}
}

// takeDone takes over the items that a rerun does not run again, wherever they stand in the
// list now. Each is taken once. Those that are run again are to know what of them was done.
func (r *itemsRun) takeDone() {
	places := make(map[string][]string) // of items, by what they are
	for n := range pipeline.MaxItems {
		number := strconv.Itoa(n + 1)
		if done, is := r.in.Done[number]; is {
			places[itemText(done.Item)] = append(places[itemText(done.Item)], number)
		}
	}
	within := r.within
	r.within = make(map[string]map[string]StepResult)
	for i := range r.items {
		item := &r.items[i]
		same := places[itemText(r.in.Items[i])]
		if len(same) == 0 {
			continue
		}
		places[itemText(r.in.Items[i])] = same[1:]
		if done := r.in.Done[same[0]]; done.State == StepSucceeded {
			done.Name, done.Kind, done.Item = item.Name, item.Kind, nil
			*item = done
			continue
		}
		r.within[item.Name] = within[same[0]]
	}
}

func itemText(item any) string { return fmt.Sprintf("%#v", item) }

// doneWithin are those that lie within the runs of steps, or of items, by their names.
func doneWithin(done map[string]StepResult) map[string]map[string]StepResult {
	all := make(map[string]map[string]StepResult)
	for _, path := range sorted(done) {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			continue
		}
		if all[name] == nil {
			all[name] = make(map[string]StepResult)
		}
		all[name][rest] = done[path]
	}
	return all
}

// carried is what a run that goes on as a new one has still to tell the runs of its steps.
// Itself, if given, is the entry of a step under its name.
func carried(within map[string]map[string]StepResult, itself func(name string) StepResult) map[string]StepResult {
	var done map[string]StepResult
	for _, name := range sorted(within) {
		for _, rest := range sorted(within[name]) {
			if done == nil {
				done = make(map[string]StepResult)
			}
			done[name+"/"+rest] = within[name][rest]
			if itself != nil {
				done[name] = itself(name)
			}
		}
	}
	return done
}

// withDone lets the run of a pipeline, or of items, know what of it was done.
func (l launch) withDone(done map[string]StepResult) launch {
	if len(done) == 0 {
		return l
	}
	switch in := l.input.(type) {
	case PipelineInput:
		in.Done = done
		l.input = in
	case ItemsInput:
		in.Done = done
		l.input = in
	}
	return l
}
