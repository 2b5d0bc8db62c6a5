package runs

import (
	"context"
	"slices"

	"go.temporal.io/sdk/client"

	"ehpcflow/workflows"
)

// CommandChain is a run of a command with its reruns.
type CommandChain struct{ Chain[Past] }

// ReadCommandChain reads the chain that a run of a command is of.
func ReadCommandChain(ctx context.Context, c client.Client, id string) (CommandChain, error) {
	chain, err := readChain(ctx, c, id, []string{runCommandType, rolloutType}, func(ctx context.Context, c client.Client, id string) (Past, error) {
		past, err := readPast(ctx, c, id)
		if err == nil && past.Phase == "" {
			err = unanswered(id)
		}
		return past, err
	})
	return CommandChain{chain}, err
}

func (p Past) link() link { return link{p.RunID, p.State, p.StartedAt, p.Input.Lineage} }

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
func (c CommandChain) Standings() []Standing {
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
func (c CommandChain) Open() []Standing {
	return slices.DeleteFunc(c.Standings(), func(s Standing) bool { return slices.Contains(setSucceeded.states(), s.State) })
}

// Done says whether there are nodes, and all have succeeded by now.
func (c CommandChain) Done() bool { return len(c.Standings()) > 0 && len(c.Open()) == 0 }
