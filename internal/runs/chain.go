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
type Chain struct {
	First string // name of the first run, which Temporal may no longer keep
	Runs  []Past
	taken int // highest number of a name that is taken
}

// ReadChain reads the chain that a run is of. Reruns are found under the names that
// they have unless told otherwise, FIRST-r2, FIRST-r3 and so on, by the memo with
// which each is started, and by what each says of the run before it. Temporal lists a
// memo a moment late, which matters to runs of other names only.
func ReadChain(ctx context.Context, c client.Client, id string) (Chain, error) {
	r := chainReader{c: c, read: make(map[string]Past)}
	asked, err := r.get(ctx, id)
	if err != nil {
		return Chain{}, err
	}
	r.chain.First = id
	if lineage := asked.Input.Lineage; lineage != nil {
		r.chain.First = lineage.First
	}
	if err := r.backwards(ctx, asked); err != nil {
		return Chain{}, err
	}
	if err := r.listed(ctx); err != nil {
		return Chain{}, err
	}
	if err := r.numbered(ctx); err != nil {
		return Chain{}, err
	}
	for _, past := range r.read {
		if past.RunID == r.chain.First || past.Input.Lineage != nil && past.Input.Lineage.First == r.chain.First {
			r.chain.Runs = append(r.chain.Runs, past)
		}
	}
	slices.SortFunc(r.chain.Runs, func(a, b Past) int { return a.StartedAt.Compare(b.StartedAt) })
	return r.chain, nil
}

// chainReader gathers the runs of a chain, each read once.
type chainReader struct {
	c     client.Client
	read  map[string]Past
	chain Chain
}

func (r *chainReader) get(ctx context.Context, id string) (Past, error) {
	if past, found := r.read[id]; found {
		return past, nil
	}
	past, err := readPast(ctx, r.c, id)
	if err == nil && past.Phase == "" {
		err = unanswered(id)
	}
	if err == nil {
		r.read[id] = past
	}
	return past, err
}

// tryGet says whether there is such a run.
func (r *chainReader) tryGet(ctx context.Context, id string) (Past, bool, error) {
	past, err := r.get(ctx, id)
	var notFound *NotFoundError
	if errors.As(err, &notFound) {
		return past, false, nil
	}
	return past, err == nil, err
}

// backwards goes from rerun to rerun, as far as they are kept, and to the first run.
func (r *chainReader) backwards(ctx context.Context, from Past) error {
	for past := from; past.Input.Lineage != nil; {
		before, found, err := r.tryGet(ctx, past.Input.Lineage.Run)
		if err != nil {
			return err
		}
		if !found {
			break
		}
		past = before
	}
	_, _, err := r.tryGet(ctx, r.chain.First)
	return err
}

// listed looks through the runs since the first for those whose memo names it.
func (r *chainReader) listed(ctx context.Context) error {
	query := fmt.Sprintf("WorkflowType IN ('%s', '%s')", runCommandType, rolloutType)
	if first, known := r.read[r.chain.First]; known {
		query += fmt.Sprintf(" AND StartTime >= '%s'", first.StartedAt.UTC().Format(time.RFC3339))
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
func (r *chainReader) numbered(ctx context.Context) error {
	r.chain.taken = 1
	for id := range r.read {
		r.chain.taken = max(r.chain.taken, numberOf(r.chain.First, id))
	}
	for {
		_, found, err := r.tryGet(ctx, numberedName(r.chain.First, r.chain.taken+1))
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

func memo(in workflows.RolloutInput) map[string]any {
	fields := map[string]any{workflows.MemoCommand: in.Command}
	if in.Lineage != nil {
		fields[firstRunMemo] = in.Lineage.First
	}
	return fields
}

// Standing is how a node of the first run stands by now.
type Standing struct {
	InstanceID string              `json:"instanceId"`
	HostName   string              `json:"hostName,omitempty"`
	State      workflows.NodeState `json:"state"`
	Run        string              `json:"run"` // that tells so
}

// Standings tells of each node of the first run that is kept how it stands: it has
// succeeded when it did in one of the runs, and is otherwise as in the last that it was
// part of.
func (c Chain) Standings() []Standing {
	standings := []Standing{}
	if len(c.Runs) == 0 {
		return standings
	}
	place := make(map[string]int)
	for _, id := range c.Runs[0].asked() {
		place[id] = len(standings)
		standings = append(standings, Standing{InstanceID: id})
	}
	for _, past := range c.Runs {
		for _, node := range past.Nodes {
			i, asked := place[node.InstanceID]
			if !asked || slices.Contains(setSucceeded.states(), standings[i].State) {
				continue
			}
			standings[i].State, standings[i].Run = node.State, past.RunID
			if node.HostName != "" {
				standings[i].HostName = node.HostName
			}
		}
	}
	return standings
}

// Open are the nodes of the first run that did not succeed by now.
func (c Chain) Open() []Standing {
	return slices.DeleteFunc(c.Standings(), func(s Standing) bool { return slices.Contains(setSucceeded.states(), s.State) })
}

// Done says whether there are nodes, and all have succeeded by now.
func (c Chain) Done() bool { return len(c.Standings()) > 0 && len(c.Open()) == 0 }

// GoesOn says whether a run of the chain does.
func (c Chain) GoesOn() bool {
	return slices.ContainsFunc(c.Runs, func(p Past) bool { return p.State == Running })
}
