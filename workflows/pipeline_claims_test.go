package workflows_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// span is when the run of a step, or of an item of it, began and ended.
type span struct {
	step       string
	began, end time.Time
	succeeded  bool
}

// pipelineClaims are the promises of a pipeline, held against the runs that were really
// started and what became of them. It knows nothing of how the workflow decides.
type pipelineClaims struct {
	dealt
	spans      map[string]*span // by the run's name
	canceledAt time.Time        // when it was cancelled; zero is not at all
	done       map[string]workflows.StepResult
	broken     []string
	seen       map[string]int
}

func (c *pipelineClaims) require(is bool, format string, args ...any) {
	if !is {
		c.broken = append(c.broken, fmt.Sprintf(format, args...))
	}
}

// begins holds the start of a run against what is promised of starts.
func (c *pipelineClaims) begins(id string, now time.Time) {
	step, _, _ := strings.Cut(id, "/")
	step, _, _ = strings.Cut(step, ".")
	_, twice := c.spans[id]
	c.require(!twice, "%s was started twice", id)
	c.require(c.done[step].State != workflows.StepSucceeded, "%s was run again, and had succeeded", step)
	if !strings.HasPrefix(id, "f") {
		c.require(c.canceledAt.IsZero() || !now.After(c.canceledAt), "%s was started after the pipeline was cancelled", id)
	}
	c.spans[id] = &span{step: step, began: now}
	running := make(map[string]bool)
	for other, s := range c.spans {
		if s.end.IsZero() {
			running[s.step] = true
			c.require(!strings.HasPrefix(id, "f") || strings.HasPrefix(other, "f"), "%s began while %s ran", id, other)
		}
	}
	c.require(len(running) <= c.Concurrency, "%d steps run at a time, %d may", len(running), c.Concurrency)
	c.count("concurrency reached", len(running) == c.Concurrency)
}

func (c *pipelineClaims) count(what string, is bool) {
	if is {
		c.seen[what]++
	}
}

func (c *pipelineClaims) ends(id string, succeeded bool, now time.Time) {
	c.spans[id].end, c.spans[id].succeeded = now, succeeded
}

// outcome holds what became of the pipeline against what became of its runs.
func (c *pipelineClaims) outcome(result workflows.PipelineResult) {
	results := make(map[string]workflows.StepResult)
	for _, step := range slices.Concat(result.Steps, result.Finally) {
		results[step.Name] = step
		c.seen["state "+string(step.State)]++
		c.require(step.Ended(), "%s is %s at the end", step.Name, step.State)
		if step.State != workflows.StepSucceeded && step.State != workflows.StepSkipped {
			c.require(step.Reason != "", "%s is %s without a reason", step.Name, step.State)
		}
	}
	for id, s := range c.spans {
		c.require(!s.end.IsZero(), "%s was not waited for", id)
	}
	for _, step := range c.Steps {
		c.step(step, results, "")
		for _, behind := range step.OnFailure.Run {
			c.step(behind, results, step.Name)
		}
	}
	for _, step := range c.Finally {
		c.step(step, results, "")
	}
	c.verdict(result, results)
}

// mayFollow says whether a step that needs this one may run.
func mayFollow(step pipeline.Step, r workflows.StepResult) bool {
	return r.State == workflows.StepSucceeded || r.Passed || r.State == workflows.StepFailed && step.OnFailure.Do == pipeline.Continue
}

func (c *pipelineClaims) find(name string) pipeline.Step {
	for _, step := range slices.Concat(c.Steps, c.Finally) {
		for _, each := range slices.Concat([]pipeline.Step{step}, step.OnFailure.Run) {
			if each.Name == name {
				return each
			}
		}
	}
	panic(name)
}

func (c *pipelineClaims) step(step pipeline.Step, results map[string]workflows.StepResult, behind string) {
	r := results[step.Name]
	ran := false
	last := &span{}
	for _, id := range slices.Sorted(maps.Keys(c.spans)) {
		if s := c.spans[id]; s.step == step.Name {
			ran = true
			c.require(!s.began.Before(r.StartedAt) && !s.end.After(r.EndedAt), "%s ran outside the times of its step", id)
			if s.end.After(last.end) {
				last = s
			}
		}
	}
	unfit := ""
	for _, need := range step.Needs {
		if !mayFollow(c.find(need), results[need]) {
			unfit = need
		}
		if ran {
			c.require(!r.StartedAt.Before(results[need].EndedAt), "%s began before %s had ended", step.Name, need)
			for _, cleanup := range c.find(need).OnFailure.Run {
				c.require(!r.StartedAt.Before(results[cleanup.Name].EndedAt), "%s began before %s had ended, which is for the failure of %s", step.Name, cleanup.Name, need)
			}
		}
	}
	failedStop := ""
	for _, other := range c.Steps {
		if (other.OnFailure.Do == "" || other.OnFailure.Do == pipeline.Stop) && results[other.Name].State == workflows.StepFailed && other.Name != step.Name {
			failedStop = other.Name
			if ran && behind == "" && !strings.HasPrefix(step.Name, "f") {
				c.require(!r.StartedAt.After(results[other.Name].EndedAt), "%s began after %s had failed", step.Name, other.Name)
			}
		}
	}
	never := strings.Contains(string(step.When), "list[7]")
	off := step.When == "inputs.off" || strings.HasSuffix(string(step.When), ".succeeded") && results[step.Needs[0]].State != workflows.StepSucceeded
	empty := step.Foreach != nil && len(step.Foreach.Items) == 0
	if behind != "" && ran {
		c.require(results[behind].State == workflows.StepFailed, "%s ran, and %s is %s", step.Name, behind, results[behind].State)
		c.require(!r.StartedAt.Before(results[behind].EndedAt), "%s began before %s had failed", step.Name, behind)
	}
	if ran {
		c.require(unfit == "", "%s ran, and needs %s, which is %s", step.Name, unfit, results[unfit].State)
		c.require(!off && !never && !empty, "%s ran, and its condition is %q", step.Name, step.When)
		c.require(r.State != workflows.StepSkipped && r.State != workflows.StepWaiting, "%s ran, and is %s", step.Name, r.State)
		if step.Foreach == nil {
			c.require((r.State == workflows.StepSucceeded) == last.succeeded, "%s is %s, and what it ran last succeeded: %v", step.Name, r.State, last.succeeded)
		}
		return
	}
	final := strings.HasPrefix(step.Name, "f")
	canceled := !c.canceledAt.IsZero() && !final
	switch {
	case r.State == workflows.StepSucceeded:
		c.require(r.DoneIn != "", "%s succeeded and never ran", step.Name)
		c.seen["done before"]++
	case r.State == workflows.StepFailed:
		c.require(never || step.Foreach != nil, "%s failed and never ran: %s", step.Name, r.Reason)
	case r.State == workflows.StepCanceled:
		c.require(canceled, "%s is cancelled, and never ran", step.Name)
	case behind != "" && results[behind].State != workflows.StepFailed:
		c.require(r.Passed, "%s is %s, and %s did not fail", step.Name, r.State, behind)
		c.seen["onFailure not needed"]++
	case canceled:
		c.seen["cancelled before it began"]++
	case unfit != "":
		c.require(r.State == workflows.StepSkipped && !r.Passed, "%s is %s, and needs %s", step.Name, r.State, unfit)
		c.seen["need unfit"]++
	case off || empty:
		c.require(r.Passed || failedStop != "", "%s is %s (%s), and its condition is false", step.Name, r.State, r.Reason)
		c.count("passed", r.Passed)
	default:
		c.require(failedStop != "" && behind == "" && !final, "%s never ran, and nothing kept it: %s, %s", step.Name, r.State, r.Reason)
		c.seen["stopped"]++
	}
}

func (c *pipelineClaims) verdict(result workflows.PipelineResult, results map[string]workflows.StepResult) {
	bad, borne, good := false, false, false
	for _, step := range c.Steps {
		state := results[step.Name].State
		bad = bad || state == workflows.StepFailed && step.OnFailure.Do != pipeline.Continue
		borne = borne || state == workflows.StepFailed
		good = good || state == workflows.StepSucceeded
		for _, behind := range step.OnFailure.Run {
			bad = bad || results[behind.Name].State == workflows.StepFailed
			good = good || results[behind.Name].State == workflows.StepSucceeded
		}
	}
	for _, step := range c.Finally {
		bad = bad || results[step.Name].State == workflows.StepFailed
	}
	want := workflows.Succeeded
	switch {
	case !c.canceledAt.IsZero():
		want = workflows.Canceled
	case bad || borne && !good:
		want = workflows.Failed
	case borne:
		want = workflows.Partial
	}
	c.require(result.Verdict == want, "the verdict is %s and should be %s: %s", result.Verdict, want, result.Reason)
	c.seen["verdict "+string(want)]++
}
