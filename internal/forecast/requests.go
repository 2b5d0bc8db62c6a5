package forecast

import (
	"encoding/json"
	"fmt"
	"strings"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// Requests are how many requests to the API a run takes, beside the looks at what runs.
// The least are those of a run in which all goes well at once and no condition is true
// that only the run can tell.
type Requests struct {
	Commands Range `json:"commands"` // InvokeShellCommand; each has its results read too
	Jobs     Range `json:"jobs"`     // SubmitJob; each has its end described too
	Listings Range `json:"listings"` // ListNodes, or ListNodesByQueue
}

// Range is from the least to the most.
type Range struct {
	Least int `json:"least"`
	Most  int `json:"most"`

	// Open says that there may be more than the most: for each further 100 nodes of a
	// cluster, each wave of a rollout, or each item of a list that only the run can tell.
	Open bool `json:"open,omitempty"`
}

func (r Range) String() string {
	text := fmt.Sprint(r.Least)
	if r.Most > r.Least {
		text = fmt.Sprintf("%d to %d", r.Least, r.Most)
	}
	if r.Open {
		text += " or more"
	}
	return text
}

func (r *Range) add(other Range) {
	r.Least, r.Most, r.Open = r.Least+other.Least, r.Most+other.Most, r.Open || other.Open
}

func (r *Requests) add(other Requests) {
	r.Commands.add(other.Commands)
	r.Jobs.add(other.Jobs)
	r.Listings.add(other.Listings)
}

func (r *Requests) each(change func(*Range)) {
	for _, of := range []*Range{&r.Commands, &r.Jobs, &r.Listings} {
		change(of)
	}
}

// requests are those of a step that runs once.
func (plan *Plan) requests(p pipeline.Pipeline, step pipeline.Step, action pipeline.Action, known bool) Requests {
	switch step.Kind {
	case pipeline.RunsJob:
		return Requests{Jobs: Range{Least: 1, Most: 1}}
	case pipeline.RunsCommand:
		clusters := max(len(plan.clusters(p, step)), 1)
		if known && action.Command != nil {
			return commandRequests(*action.Command, clusters)
		}
		certain, all := certainly(step)
		r := commandRequests(certain, clusters)
		if !all {
			r = Requests{Commands: Range{clusters, clusters, true}, Listings: Range{0, clusters, true}}
		}
		return r
	case pipeline.Approves, pipeline.Waits, pipeline.SubPipeline:
	}
	return Requests{}
}

// certainly is what a command's body says without expressions, and whether that is all
// that it says of its nodes.
func certainly(step pipeline.Step) (c pipeline.Command, all bool) {
	all = true
	kept := make(map[string]any)
	for key, value := range step.With {
		switch text, err := json.Marshal(value); {
		case err == nil && !strings.Contains(string(text), "${{"):
			kept[key] = value
		case key != "run":
			all = false
		}
	}
	text, err := json.Marshal(kept)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c, all && err == nil
}

func commandRequests(c pipeline.Command, clusters int) Requests {
	named := !c.All && len(c.Roles)+len(c.Queues)+len(c.Hosts)+len(c.Statuses)+len(c.Exclude) == 0 && !c.SkipUnfit
	if !named {
		return Requests{Commands: Range{clusters, clusters, true}, Listings: Range{clusters, clusters, true}}
	}
	size := c.NodesPerCommand
	if size <= 0 {
		size = workflows.MaxPerCommand
	}
	parts := clusters * ((len(c.Nodes) + size - 1) / size)
	return Requests{Commands: Range{parts, parts, len(c.Rollout) > 0}}
}

// tell takes into account how often a step runs.
func (r *Requests) tell(step PlannedStep) {
	r.each(func(of *Range) {
		of.Most *= max(step.Attempts, 1)
		switch {
		case step.Skipped:
			*of = Range{}
		case step.Foreach && step.Items == nil:
			of.Least, of.Open = 0, of.Open || of.Most > 0
		case step.Foreach:
			of.Least, of.Most = of.Least**step.Items, of.Most**step.Items
		}
		if step.When != "" || step.OnFailureOf != "" {
			of.Least = 0
		}
	})
}
