package activities

import (
	"time"

	"go.temporal.io/sdk/temporal"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// WorkerStopping is the type of the error with which a watch leaves a worker that
// is shutting down. Another worker takes it over at once.
const WorkerStopping = "WorkerStopping"

// NoPlace is the type of the error of a watch that a worker has no place for.
const NoPlace = "NoPlace"

// codeGone is the API's for an object that it does not know.
const codeGone = "ObjectNotFound"

// SubmitFailure is the detail of a failed submit's error.
type SubmitFailure struct {
	// MayHaveRun is set when the command may be running all the same.
	MayHaveRun bool `json:"mayHaveRun"`

	// Token under which it was sent, and can be looked for; "" when it was not.
	Token string `json:"token,omitempty"`
}

// readFailure turns an error of a read into one that the server retries, at the
// pace that the error's code asks for, or that ends the step.
func (a *Activities) readFailure(err error, attempt int32) error {
	return a.failure(err, ehpc.Judge(err).Read, attempt)
}

// attendedFailure is the same for a read about something that was submitted at a
// time: losing sight of it is worse than asking in vain, so a refusal is believed
// only once it has been repeated since another time for a while.
func (a *Activities) attendedFailure(err error, submittedAt, since time.Time, attempt int32) error {
	retry := ehpc.Judge(err).Read
	switch {
	case retry == catalogue.WhileNew && time.Since(submittedAt) < a.Pace.NewFor:
	case refuses(err) && !a.believed(since):
		retry = catalogue.Later
	case retry == catalogue.WhileNew:
		retry = catalogue.Never
	}
	return a.failure(err, retry, attempt)
}

// refuses says whether an error would come again until somebody changes something.
func refuses(err error) bool {
	retry := ehpc.Judge(err).Read
	return retry == catalogue.Never || retry == catalogue.WhileNew
}

func refusesSubmit(err error) bool {
	judgement := ehpc.Judge(err)
	return judgement.Submit == catalogue.Never && !judgement.MayHaveRun
}

// believed says whether what was refused since then has been refused for long
// enough to be believed.
func (a *Activities) believed(since time.Time) bool { return time.Since(since) >= a.Pace.RefusedFor }

// submitFailure turns an error of a submit into one that is retried only when it
// is certain that nothing was started.
func (a *Activities) submitFailure(err error, what, token string, attempt int32) error {
	judgement := ehpc.Judge(err)
	if judgement.MayHaveRun {
		return temporal.NewApplicationErrorWithOptions(err.Error()+"; whether the "+what+" is not known", judgement.Code,
			temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{SubmitFailure{MayHaveRun: true, Token: token}}})
	}
	return a.failure(err, judgement.Submit, attempt)
}

// stopFailure turns an error of a stop into one that is retried: stopping twice does
// no harm, not stopping does. A refusal of several nodes may be due to one of them,
// and is returned.
func (a *Activities) stopFailure(err error, nodes int, attempt int32) error {
	judgement := ehpc.Judge(err)
	retry := judgement.Submit
	switch {
	case judgement.MayHaveRun:
		retry = catalogue.Soon
	case retry == catalogue.Never && nodes == 1:
		retry = catalogue.Later
	}
	return a.failure(err, retry, attempt)
}

func (a *Activities) failure(err error, retry catalogue.Retry, attempt int32) error {
	judgement := ehpc.Judge(err)
	options := temporal.ApplicationErrorOptions{NonRetryable: retry == catalogue.Never}
	if retry != catalogue.Never {
		options.NextRetryDelay = max(a.Pace.backoff(retry, attempt), judgement.RetryAfter)
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), judgement.Code, options)
}
