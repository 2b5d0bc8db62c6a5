package activities

import (
	"cmp"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"ehpcflow/ehpc"
)

// WatchedCommand is a command and what is known of its nodes: the state of each,
// or of all of them packed.
type WatchedCommand struct {
	CommandID   string       `json:"commandId"`
	SubmittedAt time.Time    `json:"submittedAt"`
	Nodes       NodeStatuses `json:"nodes,omitempty"`
	Packed      *PackedNodes `json:"packed,omitempty"`

	// Only says that nodes beside these are followed elsewhere: what the service
	// lists of them is not reported.
	Only bool `json:"only,omitempty"`
}

// PackedNodes hold the states of a command's nodes without their ids, which the
// service lists anyway: a watch of 10,000 nodes would otherwise record them all
// each time that it is scheduled.
type PackedNodes struct {
	// Digest of the ids, in their order.
	Digest string `json:"digest"`

	// Kinds are the states that occur, without ids.
	Kinds []NodeStatus `json:"kinds"`

	// Nodes holds a letter for each node, in the order of the ids: the first of
	// packLetters is the first kind.
	Nodes string `json:"nodes"`
}

const packLetters = "abcdefghijklmnopqrstuvwxyz"

// Pack packs the states of a command's nodes. It leaves them as they are in the
// unlikely case that there are more kinds than letters.
func (c WatchedCommand) Pack() WatchedCommand {
	packed := &PackedNodes{Digest: digest(c.Nodes)}
	var letters strings.Builder
	for _, node := range byID(c.Nodes) {
		node.InstanceID = ""
		kind := slices.Index(packed.Kinds, node)
		if kind < 0 {
			kind = len(packed.Kinds)
			packed.Kinds = append(packed.Kinds, node)
		}
		if kind == len(packLetters) {
			return c
		}
		letters.WriteByte(packLetters[kind])
	}
	packed.Nodes = letters.String()
	return WatchedCommand{CommandID: c.CommandID, SubmittedAt: c.SubmittedAt, Packed: packed}
}

// known gives the states their ids back, with the help of a listing. It fails when
// the nodes listed are not those that were packed.
func (c WatchedCommand) known(listed []ehpc.InvokeInstance) ([]NodeStatus, bool) {
	if c.Packed == nil {
		return c.Nodes, true
	}
	nodes := make([]NodeStatus, len(listed))
	for i, node := range listed {
		nodes[i].InstanceID = node.InstanceID
	}
	nodes = byID(nodes)
	if len(nodes) != len(c.Packed.Nodes) || digest(nodes) != c.Packed.Digest {
		return nil, false
	}
	for i := range nodes {
		kind := strings.IndexByte(packLetters, c.Packed.Nodes[i])
		if kind < 0 || kind >= len(c.Packed.Kinds) {
			return nil, false
		}
		nodes[i].State, nodes[i].Word = c.Packed.Kinds[kind].State, c.Packed.Kinds[kind].Word
	}
	return nodes, true
}

func (p PackedNodes) counts() map[NodeState]int {
	counts := make(map[NodeState]int)
	for _, letter := range []byte(p.Nodes) {
		if kind := strings.IndexByte(packLetters, letter); kind >= 0 && kind < len(p.Kinds) {
			counts[p.Kinds[kind].State]++
		}
	}
	return counts
}

func byID(nodes []NodeStatus) []NodeStatus {
	return slices.SortedFunc(slices.Values(nodes), func(a, b NodeStatus) int { return cmp.Compare(a.InstanceID, b.InstanceID) })
}

func digest(nodes []NodeStatus) string {
	h := fnv.New64a()
	for _, node := range byID(nodes) {
		_, _ = h.Write([]byte(node.InstanceID + "\n")) // it never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
