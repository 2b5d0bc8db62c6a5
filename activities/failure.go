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

// SubmitFailure is the detail of a failed submit's error.
type SubmitFailure struct {
	// MayHaveRun is set when the command may be running all the same.
	MayHaveRun bool `json:"mayHaveRun"`
}

// readFailure turns an error of a read into one that the server retries, at the
// pace that the error's code asks for, or that ends the run. submittedAt is when
// the object that was read came to be.
func (a *Activities) readFailure(err error, submittedAt time.Time, attempt int32) error {
	retry := ehpc.Judge(err).Read
	if retry == catalogue.WhileNew && time.Since(submittedAt) > a.Pace.NewFor {
		retry = catalogue.Never
	}
	return a.failure(err, retry, attempt)
}

// submitFailure turns an error of a submit into one that is retried only when it
// is certain that nothing was started.
func (a *Activities) submitFailure(err error, attempt int32) error {
	judgement := ehpc.Judge(err)
	if judgement.MayHaveRun {
		return temporal.NewApplicationErrorWithOptions(
			err.Error()+"; the command may be running and was not sent again: look for it in the cluster's command list before starting it anew",
			judgement.Code, temporal.ApplicationErrorOptions{
				NonRetryable: true,
				Details:      []any{SubmitFailure{MayHaveRun: true}},
			})
	}
	return a.failure(err, judgement.Submit, attempt)
}

func (a *Activities) failure(err error, retry catalogue.Retry, attempt int32) error {
	judgement := ehpc.Judge(err)
	options := temporal.ApplicationErrorOptions{NonRetryable: retry == catalogue.Never}
	if retry != catalogue.Never {
		options.NextRetryDelay = max(a.Pace.backoff(retry, attempt), judgement.RetryAfter)
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), judgement.Code, options)
}
