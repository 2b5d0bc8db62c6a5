package workflows

import (
	"cmp"
	"fmt"
	"slices"
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
	within := r.family.within
	r.family.within = doneWithin(nil)
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
		r.family.within.put(item.Name, within.of[same[0]])
	}
}

// Mended is a step, or an item, that runs a command and failed, when that has succeeded since
// on every node: nodes are how they ended, in runs of the command of which by was the last.
// What later steps want of it is kept in so many bytes of JSON at the most. An error says
// that it printed no JSON, as its form has it.
func (s StepResult) Mended(nodes NodeResults, by string, form pipeline.OutputForm, wanted pipeline.Wanted, room int) (StepResult, error) {
	o := commandOutcome(RunCommandResult{Verdict: Succeeded, Nodes: nodes})
	s.State, s.Verdict, s.Reason, s.Error, s.MayRun, s.DoneIn = StepSucceeded, Succeeded, "", nil, false, by
	s.NodeCount, s.States, s.Value, s.Lacks = o.nodes, o.states, nil, ""
	o.value.Item = s.Item
	if form == pipeline.AsJSON {
		value, err := o.json()
		if err != nil {
			return s, err
		}
		o.value.JSON = value
	}
	if len(wanted) == 0 {
		return s, nil
	}
	value, lacks := o.left(&s, wanted)
	if lacks == "" && weighValue(value) > room {
		lacks = TooMuchLeft
	}
	if s.Lacks = lacks; lacks == "" {
		s.Value = &value
	}
	return s, nil
}

// RoomForDone is how many bytes of JSON the Done of an input may take at the most, by the Weight
// of its steps, that Temporal takes it.
func (in PipelineInput) RoomForDone() int {
	return mostGoesOn - in.Pipeline.Weight() - pipeline.Weight(in.Inputs)
}

// TooMuchLeft is what a step lacks of which more was left than a rerun can take over.
const TooMuchLeft = "what its runs left takes more bytes than a rerun can take over: print less, or write it to files"

// MaxDone is how many bytes of JSON the Done of an input takes at the most, by the Weight of
// its steps, that more may be put into it.
const MaxDone = mostKept

func itemText(item any) string { return fmt.Sprintf("%#v", item) }

// doneRuns is what was done within the runs of steps, or of items, by their names, of
// those that have not succeeded. Weight is how many bytes it takes.
type doneRuns struct {
	of     map[string]map[string]StepResult
	weight int
}

// doneWithin is what of a Done lies within the runs of steps, or of items.
func doneWithin(done map[string]StepResult) doneRuns {
	parts := make(map[string]map[string]StepResult)
	for _, path := range sorted(done) {
		name, rest, deeper := strings.Cut(path, "/")
		if !deeper {
			continue
		}
		if parts[name] == nil {
			parts[name] = make(map[string]StepResult)
		}
		parts[name][rest] = done[path]
	}
	d := doneRuns{of: make(map[string]map[string]StepResult)}
	for _, name := range sorted(parts) {
		d.put(name, parts[name])
	}
	return d
}

// put has what was done within a run stand in the place of what was known of it. Nothing
// takes that away.
func (d *doneRuns) put(name string, done map[string]StepResult) {
	d.weight += weighDone(done) - weighDone(d.of[name])
	if d.of[name] = done; len(done) == 0 {
		delete(d.of, name)
	}
}

// carried is all of it, as it stands in a Done.
func (d doneRuns) carried() map[string]StepResult {
	var all map[string]StepResult
	for _, name := range sorted(d.of) {
		for _, rest := range sorted(d.of[name]) {
			if all == nil {
				all = make(map[string]StepResult)
			}
			all[name+"/"+rest] = d.of[name][rest]
		}
	}
	return all
}

// learn keeps what was done within the run of a step, for another attempt. Where that is too
// much, none may follow: it would run again what succeeded.
func (f *family) learn(name, id string, o *outcome) {
	switch {
	case o.verdict == Succeeded:
		f.within.put(name, nil)
		return
	case o.notAgain == "" && o.done == nil: // what was known is known still
		return
	case o.notAgain == "" && weighDone(o.done) > f.room()+weighDone(f.within.of[name]):
		o.notAgain = fmt.Sprintf("what succeeded in %s takes more bytes than another attempt can take over", id)
	}
	if o.notAgain != "" {
		f.notAgain = cmp.Or(f.notAgain, o.notAgain)
		o.again, o.reason = false, o.reason+"; it is not tried again: "+o.notAgain
		return
	}
	for _, path := range sorted(o.done) {
		if done := o.done[path]; done.DoneIn == "" {
			done.DoneIn = id
			o.done[path] = done
		}
	}
	f.within.put(name, o.done)
}

// tellDone has the result tell what was done within the steps that did not succeed, where
// another attempt may follow. Those of finally run in each attempt, those of an onFailure
// whenever their step fails, and all of one again that was rolled back.
func (r *pipelineRun) tellDone() {
	if !r.in.Retried || r.status.Verdict == Succeeded {
		return
	}
	told := doneWithin(nil)
	for _, step := range r.status.Steps {
		if step.OnFailureOf == "" && !RolledBack(r.status.Steps, step.Name) {
			told.put(step.Name, r.family.within.of[step.Name])
		}
	}
	r.status.Within, r.status.NotAgain = told.carried(), r.family.notAgain
}

// RolledBack says whether a step of its onFailure began because a step had failed: it may
// have undone whatever had succeeded within that.
func RolledBack(steps []StepResult, name string) bool {
	return slices.ContainsFunc(steps, func(s StepResult) bool {
		return s.OnFailureOf == name && s.State != StepSkipped && s.State != StepWaiting
	})
}

// done is what need not run again in another attempt.
func (r *PipelineResult) done() map[string]StepResult {
	if r.Verdict == "" {
		return nil
	}
	done := make(map[string]StepResult)
	for _, path := range sorted(r.Within) {
		done[path] = r.Within[path]
	}
	for _, step := range r.Steps {
		if step.OnFailureOf == "" && step.State == StepSucceeded {
			done[step.Name] = step
		}
	}
	return done
}

// tellDone does so for items.
func (r *itemsRun) tellDone(result *ItemsResult) {
	if !r.in.Retried || result.Verdict == Succeeded {
		return
	}
	result.Within, result.NotAgain = r.family.within.carried(), r.family.notAgain
	for _, item := range r.items {
		if item.State == StepSucceeded {
			if result.Within == nil {
				result.Within = make(map[string]StepResult)
			}
			item.Value, item.Lacks = nil, r.lacks
			result.Within[item.Name] = item
		}
	}
	if weighDone(result.Within)+r.kept > mostKeptItems {
		result.Within, result.NotAgain = nil, cmp.Or(result.NotAgain, fmt.Sprintf("what succeeded of %d items takes more bytes than another attempt can take over", len(r.items)))
	}
}

// done is what need not run again in another attempt, of the items of that list.
func (r *ItemsResult) done(items []any) map[string]StepResult {
	if r.Verdict == "" {
		return nil
	}
	done := make(map[string]StepResult)
	for _, path := range sorted(r.Within) {
		number, _, deeper := strings.Cut(path, "/")
		at, err := strconv.Atoi(number)
		if at--; err != nil || at < 0 || at >= len(items) { // no run of items tells such
			continue
		}
		one := r.Within[path]
		if deeper {
			done[path] = one
			if _, succeeded := r.Within[number]; !succeeded {
				done[number] = StepResult{State: StepFailed, Item: items[at]}
			}
			continue
		}
		one.Item = items[at]
		if at < len(r.Values) {
			one.Value = &r.Values[at]
		}
		done[path] = one
	}
	told := make(map[string]bool)
	for _, path := range sorted(done) {
		if !strings.Contains(path, "/") {
			told[itemText(done[path].Item)] = true
		}
	}
	for at, item := range items { // of items that are alike, none is to be taken for another
		number := strconv.Itoa(at + 1)
		if _, is := done[number]; !is && told[itemText(item)] {
			done[number] = StepResult{State: StepFailed, Item: item}
		}
	}
	return done
}

// weighDone is how many bytes of JSON it takes, at the most.
func weighDone(done map[string]StepResult) int {
	weight := 0
	for _, path := range sorted(done) {
		weight += pipeline.WeightOfText(path) + done[path].Weight()
	}
	return weight
}

// Weight is how many bytes of JSON it takes in the Done of an input, at the most.
func (s StepResult) Weight() int {
	weight := 400 + pipeline.WeightOfText(s.RunID) + pipeline.WeightOfText(s.DoneIn) + pipeline.WeightOfText(s.Reason) + pipeline.WeightOfText(s.Lacks) + pipeline.Weight(s.Item)
	weight += 30 * (len(s.States) + len(s.Items))
	for _, text := range slices.Concat(s.Needs, s.By) {
		weight += pipeline.WeightOfText(text) + 1
	}
	if s.Job != nil {
		weight += lightInput
	}
	if s.Value != nil {
		weight += weighValue(*s.Value)
	}
	return weight
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
	l.weight += weighDone(done)
	return l
}
