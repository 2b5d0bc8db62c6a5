package activities

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"ehpcflow/activities/outputs"
	"ehpcflow/ehpc/catalogue"
)

// OutputStore is the type of the error of an attempt that could not store an
// output. The last attempt does without: a full disk must not lose a run.
const OutputStore = "OutputStore"

const (
	// storeAttempts is how often results are read anew for an output that cannot
	// be stored: for some minutes.
	storeAttempts = 10

	// putTimeout bounds the wait for one output to be stored.
	putTimeout = 20 * time.Second

	// attemptTime is what a last attempt needs before the activity's time is up.
	attemptTime = 30 * time.Second
)

// store stores the complete output of a node that has ended, once, and records
// where it is, or why it is nowhere.
func (c *collector) store(ctx context.Context, record *ResultRecord, output string) error {
	switch {
	case c.Outputs == nil, output == "", !record.State.Ended():
		return nil
	case c.storeOff != "":
		record.OutputRemark = c.storeOff
		return nil
	}
	reference, known := c.stored[record.InstanceID]
	if !known || reference.SHA256 != outputs.Digest([]byte(output)) {
		var err error
		if reference, err = c.put(ctx, record.InstanceID, output); err != nil {
			return c.unstored(ctx, record, err)
		}
		c.stored[record.InstanceID] = reference
	}
	record.OutputURI, record.OutputSHA256 = reference.URI, reference.SHA256
	return nil
}

func (c *collector) put(ctx context.Context, file, output string) (outputs.Reference, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	return c.Outputs.Put(ctx, outputs.Key{
		ClusterID: c.in.ClusterID, RunID: c.of.WorkflowExecution.ID, CommandID: c.in.CommandID, InstanceID: file,
	}, []byte(output))
}

// listName is the list of a command's outputs, in the form that sha256sum checks.
// It is no instance id.
const listName = "SHA256SUMS"

// storeList replaces the references of the records by one to a list of them, if
// that was asked for.
func (c *collector) storeList(ctx context.Context, result *ListInvocationResultsResult) error {
	var list strings.Builder
	var listed []*ResultRecord
	for i := range result.Records {
		if record := &result.Records[i]; c.in.OutputList && record.OutputURI != "" {
			fmt.Fprintf(&list, "%s  %s\n", record.OutputSHA256, fileOf(record.OutputURI))
			record.OutputURI, record.OutputSHA256 = "", ""
			listed = append(listed, record)
		}
	}
	if len(listed) == 0 {
		return nil
	}
	reference, err := c.put(ctx, listName, list.String())
	if err == nil {
		result.OutputsURI, result.OutputsSHA256 = reference.URI, reference.SHA256
		return nil
	}
	if err := c.retry(ctx, "the list of outputs", err); err != nil {
		return err
	}
	for _, record := range listed {
		record.OutputRemark = "the complete output is stored, the list of outputs could not be: " + cause(err)
	}
	return nil
}

// fileOf is the last part of a URI.
func fileOf(uri string) string {
	part := uri[strings.LastIndexByte(uri, '/')+1:]
	if name, err := url.PathUnescape(part); err == nil {
		return name
	}
	return part
}

// unstored decides what follows from an output that could not be stored: another
// attempt, or a record without it. A store that hangs is not waited for again.
func (c *collector) unstored(ctx context.Context, record *ResultRecord, err error) error {
	if err := c.retry(ctx, "the output of node "+record.InstanceID, err); err != nil {
		return err
	}
	record.OutputRemark = "the complete output could not be stored: " + cause(err)
	if errors.Is(err, context.DeadlineExceeded) {
		c.storeOff = record.OutputRemark
	}
	return nil
}

// retry is the error with which an attempt ends over what could not be stored; nil
// when it is the last one.
func (c *collector) retry(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	delay := c.Pace.backoff(catalogue.Soon, c.of.Attempt)
	if c.of.Attempt >= storeAttempts || timeLeft(c.of) <= delay+attemptTime {
		return nil
	}
	return temporal.NewApplicationErrorWithOptions(
		fmt.Sprintf("%s, command %s, could not be stored: %v; see that the worker's --output-store can be written", what, c.in.CommandID, err),
		OutputStore, temporal.ApplicationErrorOptions{NextRetryDelay: delay})
}

// timeLeft is how long there may be further attempts of an activity.
func timeLeft(of activity.Info) time.Duration {
	if of.ScheduleToCloseTimeout <= 0 {
		return math.MaxInt64
	}
	return time.Until(of.ScheduledTime.Add(of.ScheduleToCloseTimeout))
}

// cause is the innermost error in some words. It does not name the node's own file,
// so that the records of many nodes share it.
func cause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	const most = 200
	if text := []rune(err.Error()); len(text) > most {
		return string(text[:most]) + "…"
	}
	return err.Error()
}
