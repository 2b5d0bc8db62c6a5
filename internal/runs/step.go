package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"go.temporal.io/sdk/client"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// LastAttempt is the run of the last attempt at a step, where the run of the first is
// named: RUN/STEP.2 and so on stand beside RUN/STEP, which RUN/STEP.1 names too. Of every
// other run it is the run itself.
func LastAttempt(ctx context.Context, c client.Client, id string) (string, error) {
	over, step, is := stepRun(id)
	first := workflows.StepRunID(over, step)
	switch {
	case !is || first != id && first+".1" != id:
		return id, nil
	case first != id:
		return first, nil
	}
	last := id
	for n := 2; n <= pipeline.MaxAttempts; n++ {
		next := fmt.Sprintf("%s.%d", id, n)
		_, err := describe(ctx, c, next)
		var notFound *NotFoundError
		switch {
		case errors.As(err, &notFound):
			return last, nil
		case err != nil:
			return "", err
		}
		last = next
	}
	return last, nil
}

// stepRun takes the name of a step's run apart: the run over it, and the step or the
// number of an item, without that of the attempt.
func stepRun(id string) (over, step string, is bool) {
	at := strings.LastIndex(id, "/")
	if at <= 0 || at == len(id)-1 {
		return "", "", false
	}
	step = id[at+1:]
	if name, attempt, found := strings.Cut(step, "."); found {
		if _, err := strconv.Atoi(attempt); err == nil {
			step = name
		}
	}
	return id[:at], step, true
}

// StepOver is the word of the pipeline, or of the foreach, on a step that has a run of its
// own. It is false of a run that is no step, or of which the pipeline cannot tell.
func StepOver(ctx context.Context, c client.Client, id string) (over string, step workflows.StepResult, is bool) {
	over, name, is := stepRun(id)
	if !is {
		return "", step, false
	}
	if kind, err := KindOf(ctx, c, over); err != nil || kind != OnPipeline && kind != OfItems {
		return "", step, false
	}
	report, err := ReadPipeline(ctx, c, over)
	if err != nil {
		return "", step, false
	}
	for _, step := range report.All() {
		if step.Name == name && step.RunID == id {
			return over, step, true
		}
	}
	return "", step, false
}

// PipelineOver is the run of the outermost pipeline that a run is a part of: of a step, of an
// item of a foreach, or of a cluster of a step on several.
func PipelineOver(ctx context.Context, c client.Client, id string) (top string, found bool) {
	for over, _, is := stepRun(id); is; over, _, is = stepRun(over) {
		switch kind, err := KindOf(ctx, c, over); {
		case err != nil:
			return top, found
		case kind == OnPipeline:
			top, found = over, true
		case kind != OfItems && kind != OnClusters:
			return top, found
		}
	}
	return top, found
}

// WhyNoStep says of a run that was not found, and that has the name of a step's, what the
// pipeline knows of the step: that it has not begun, was skipped or failed before its
// start, was done in an earlier run, or that there is no such step. Otherwise it is err.
func WhyNoStep(ctx context.Context, c client.Client, id string, err error) error {
	over, name, is := stepRun(id)
	if !is {
		return err
	}
	kind, missing := KindOf(ctx, c, over)
	var notFound *NotFoundError
	switch {
	case errors.As(missing, &notFound):
		return WhyNoStep(ctx, c, over, missing)
	case missing != nil || kind != OnPipeline && kind != OfItems:
		return err
	}
	report, unread := ReadPipeline(ctx, c, over)
	if unread != nil || report.Phase == "" {
		return err
	}
	return report.whyNoRun(name, err)
}

// whyNoRun says why a step has no run; err is of one that should have it.
func (r PipelineReport) whyNoRun(name string, err error) error {
	what := "step"
	if r.Foreach {
		what = "item"
	}
	why := func(format string, args ...any) error { return &NotFoundError{fmt.Sprintf(format, args...)} }
	for _, step := range r.All() {
		switch {
		case step.Name != name:
			continue
		case step.DoneIn != "":
			return why("%s %s of run %s was not run again, it was done in run %s: see starter status %s", what, name, r.RunID, step.DoneIn, doneBy(step))
		case step.State == workflows.StepSkipped:
			return why("%s %s of run %s was skipped: %s", what, name, r.RunID, step.Reason)
		case step.State == workflows.StepWaiting && r.State == Running:
			return why("%s %s of run %s has not begun: see starter status %s", what, name, r.RunID, r.RunID)
		case step.State == workflows.StepWaiting:
			return why("%s %s of run %s did not begin: see starter status %s", what, name, r.RunID, r.RunID)
		case step.Ended() && step.RunID == "":
			return why("%s %s of run %s %s before it was started: %s", what, name, r.RunID, ended[step.State], step.Reason)
		}
		return err
	}
	if near := r.nearest(name); near != "" {
		return why("run %s has no %s %s: did you mean %s?", r.RunID, what, name, workflows.StepRunID(r.RunID, near))
	}
	return why("run %s has no %s %s: starter status %s shows those that it has", r.RunID, what, name, r.RunID)
}

// ended says of a step in a state how that came.
var ended = map[workflows.StepState]string{
	workflows.StepFailed: "failed", workflows.StepCanceled: "was cancelled", workflows.StepSucceeded: "succeeded",
}

// doneBy is the run that did a step which was not run again: that of the step in the run
// before, or a rerun of that by itself.
func doneBy(step workflows.StepResult) string {
	own := cmp.Or(step.RunID, workflows.StepRunID(step.DoneIn, step.Name))
	if strings.HasPrefix(own, step.DoneIn+"/") {
		return own
	}
	return step.DoneIn
}

// nearest is the step whose name is most like a text; "" where none is near.
func (r PipelineReport) nearest(name string) string {
	best, least := "", len(name)
	for _, step := range r.All() {
		if far := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(step.Name)); far < least && isNear(name, step.Name, far) && !r.Foreach {
			best, least = step.Name, far
		}
	}
	return best
}

// isNear says whether a name may be a slip of another: a letter in three is wrong, or two
// have changed places.
func isNear(name, other string, far int) bool {
	return far <= len(name)/3 || far == 2 && slices.Equal(letters(name), letters(other))
}

func letters(name string) []byte { return slices.Sorted(slices.Values([]byte(strings.ToLower(name)))) }
