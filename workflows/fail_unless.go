package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
)

// ErrNotSucceeded is the type of the error by which a run ends that was told to fail
// unless it succeeds. It came to its verdict as any other run: the result is in the
// error's details.
const ErrNotSucceeded = "NotSucceeded"

// FailUnless says by which verdict alone a run completes for Temporal. "" is by any. With
// Succeeded, a run of another verdict fails as ErrNotSucceeded, so that what looks at
// Temporal's own word sees it: a schedule that pauses on failure, or the Web UI.
type FailUnless Verdict

func (f FailUnless) validate(problem func(string, ...any)) {
	if f != "" && Verdict(f) != Succeeded {
		problem("a run fails unless it is %s, or not for its verdict: it cannot fail unless it is %q", Succeeded, string(f))
	}
}

// judge is the error of a run with this verdict; nil when it completes. What says what
// its nodes, or clusters, came to.
func (f FailUnless) judge(verdict Verdict, result any, what ...string) error {
	if f == "" || verdict == Verdict(f) {
		return nil
	}
	what = append([]string{string(verdict)}, what...)
	message := shorten(strings.Join(nonEmpty(what), "; "), mostOfMessage)
	return temporal.NewNonRetryableApplicationError(message, ErrNotSucceeded, nil, result)
}

func (f FailUnless) judgeRun(r RunCommandResult) error {
	halted := ""
	if r.Rollout != nil && r.Rollout.Halt != nil {
		halted = r.Rollout.Halt.Text
	}
	return f.judge(r.Verdict, r, CountsText(r.Counts()), halted, r.Reason)
}

func (f FailUnless) judgeClusters(r ClustersResult) error {
	return f.judge(r.Verdict, r, fmt.Sprintf("%d clusters: %s", len(r.Clusters), r.ClustersText()), r.Reason)
}

func (f FailUnless) judgePipeline(r PipelineResult) error {
	return f.judge(r.Verdict, r, r.StepsText(), r.Reason)
}

func nonEmpty(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}
