package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"ehpcflow/workflows"
)

// Chain is a run with its reruns and theirs, in the order of their starts.
type Chain[R linked] struct {
	First string // name of the first run, which Temporal may no longer keep
	Runs  []R
	taken int // highest number of a name that is taken
}

// linked is a run that can be one of a chain.
type linked interface{ link() link }

// link is what a chain has to know of a run.
type link struct {
	id        string
	state     State
	startedAt time.Time
	lineage   *workflows.Lineage // nil of one that is no rerun
}

// GoesOn says whether a run of the chain does.
func (c Chain[R]) GoesOn() bool {
	return slices.ContainsFunc(c.Runs, func(r R) bool { return r.link().state == Running })
}

// next is the name of the next rerun, unless it is told otherwise.
func (c Chain[R]) next() string { return numberedName(c.First, c.taken+1) }

// readChain reads the chain that a run is of, whose runs are workflows of these types.
// Reruns are found under the names that they have unless told otherwise, FIRST-r2,
// FIRST-r3 and so on, by the memo with which each is started, and by what each says of
// the run before it. Temporal lists a memo a moment late, which matters to runs of other
// names only.
func readChain[R linked](ctx context.Context, c client.Client, id string, types []string, read func(context.Context, client.Client, string) (R, error)) (Chain[R], error) {
	r := chainReader[R]{c: c, types: types, readRun: read, read: make(map[string]R)}
	asked, err := r.get(ctx, id)
	if err != nil {
		return Chain[R]{}, err
	}
	r.chain.First = id
	if lineage := asked.link().lineage; lineage != nil {
		r.chain.First = lineage.First
	}
	if err := r.backwards(ctx, asked); err != nil {
		return Chain[R]{}, err
	}
	if err := r.listed(ctx); err != nil {
		return Chain[R]{}, err
	}
	if err := r.numbered(ctx); err != nil {
		return Chain[R]{}, err
	}
	for _, run := range r.read {
		if link := run.link(); link.id == r.chain.First || link.lineage != nil && link.lineage.First == r.chain.First {
			r.chain.Runs = append(r.chain.Runs, run)
		}
	}
	slices.SortFunc(r.chain.Runs, func(a, b R) int { return a.link().startedAt.Compare(b.link().startedAt) })
	return r.chain, nil
}

// chainReader gathers the runs of a chain, each read once.
type chainReader[R linked] struct {
	c       client.Client
	types   []string
	readRun func(context.Context, client.Client, string) (R, error)
	read    map[string]R
	chain   Chain[R]
}

func (r *chainReader[R]) get(ctx context.Context, id string) (R, error) {
	if run, found := r.read[id]; found {
		return run, nil
	}
	run, err := r.readRun(ctx, r.c, id)
	if err == nil {
		r.read[id] = run
	}
	return run, err
}

// tryGet says whether there is a run of that name. One of another kind, which cannot be of
// the chain, is there and is empty.
func (r *chainReader[R]) tryGet(ctx context.Context, id string) (run R, found bool, err error) {
	run, err = r.get(ctx, id)
	var notFound *NotFoundError
	var otherKind *RefusedError
	switch {
	case errors.As(err, &notFound):
		return run, false, nil
	case errors.As(err, &otherKind):
		var none R
		return none, true, nil
	}
	return run, err == nil, err
}

// backwards goes from rerun to rerun, as far as they are kept, and to the first run.
func (r *chainReader[R]) backwards(ctx context.Context, from R) error {
	for lineage := from.link().lineage; lineage != nil; {
		before, found, err := r.tryGet(ctx, lineage.Run)
		if err != nil {
			return err
		}
		if !found {
			break
		}
		lineage = before.link().lineage
	}
	_, _, err := r.tryGet(ctx, r.chain.First)
	return err
}

// listed looks through the runs since the first for those whose memo names it.
func (r *chainReader[R]) listed(ctx context.Context) error {
	query := fmt.Sprintf("WorkflowType IN ('%s')", strings.Join(r.types, "', '"))
	if first, known := r.read[r.chain.First]; known {
		query += fmt.Sprintf(" AND StartTime >= '%s'", first.link().startedAt.UTC().Format(time.RFC3339))
	}
	for page := []byte(nil); ; {
		answer, err := r.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, NextPageToken: page})
		if err != nil {
			return fmt.Errorf("list the runs since %s: %w", r.chain.First, err)
		}
		for _, execution := range answer.GetExecutions() {
			var first string
			payload := execution.GetMemo().GetFields()[firstRunMemo]
			if converter.GetDefaultDataConverter().FromPayload(payload, &first) != nil || first != r.chain.First {
				continue
			}
			if _, _, err := r.tryGet(ctx, execution.GetExecution().GetWorkflowId()); err != nil {
				return err
			}
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return nil
		}
	}
}

// numbered tries the names after the last that is known, until one is free.
func (r *chainReader[R]) numbered(ctx context.Context) error {
	r.chain.taken = 1
	for id := range r.read {
		r.chain.taken = max(r.chain.taken, numberOf(r.chain.First, id))
	}
	for {
		_, found, err := r.tryGet(ctx, r.chain.next())
		if err != nil || !found {
			return err
		}
		r.chain.taken++
	}
}

func numberedName(first string, n int) string { return fmt.Sprintf("%s-r%d", first, n) }

// numberOf is the n of numberedName, 0 of another name.
func numberOf(first, id string) int {
	text, found := strings.CutPrefix(id, first+"-r")
	n, err := strconv.Atoi(text)
	if !found || err != nil || numberedName(first, n) != id {
		return 0
	}
	return n
}

// firstRunMemo is the memo of a rerun that names the first run of its chain.
const firstRunMemo = "firstRun"
