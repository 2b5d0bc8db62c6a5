package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// The search attributes of a run, by which Temporal lists runs. They are kept as clear
// text, also where payloads are encrypted: none holds a command's text or output.
var (
	AttributeCluster     = temporal.NewSearchAttributeKeyKeywordList("EhpcflowCluster")
	AttributeCommandID   = temporal.NewSearchAttributeKeyKeywordList("EhpcflowCommandId")
	AttributeVerdict     = temporal.NewSearchAttributeKeyKeyword("EhpcflowVerdict")
	AttributePhase       = temporal.NewSearchAttributeKeyKeyword("EhpcflowPhase")
	AttributeUser        = temporal.NewSearchAttributeKeyKeyword("EhpcflowUser")
	AttributeParentRun   = temporal.NewSearchAttributeKeyKeyword("EhpcflowParentRun")
	AttributeNodes       = temporal.NewSearchAttributeKeyInt64("EhpcflowNodes")
	AttributeFailedNodes = temporal.NewSearchAttributeKeyInt64("EhpcflowFailedNodes")
)

// SearchAttribute is one that a namespace must have before runs can be started in it.
type SearchAttribute struct {
	Name    string
	Type    enumspb.IndexedValueType
	Meaning string
}

// SearchAttributes are all of them. Where Temporal keeps them in SQL, a namespace takes no
// more than 3 lists of keywords, 10 keywords and 3 integers, which other programs share.
var SearchAttributes = []SearchAttribute{
	attribute(AttributeCluster, "the cluster, or the clusters of a run on several"),
	attribute(AttributeVerdict, "`pending` while the run goes on, then its verdict; `error` when it could not be followed to its end"),
	attribute(AttributePhase, "what the run does: `resolving` until its command is submitted, then `watching` or `rolling`; `parked` and `waiting` need a person; `stopping`, `draining`, `ended`"),
	attribute(AttributeNodes, "how many nodes the run has; 0 until its command is submitted"),
	attribute(AttributeFailedNodes, "how many nodes failed, were stopped or timed out; counted at the end"),
	attribute(AttributeUser, "who started the run: `EHPCFLOW_USER`, otherwise the user and machine of `starter`"),
	attribute(AttributeParentRun, "the run that it is a rerun of, or that it is a part of: a pipeline, or a run on several clusters"),
	attribute(AttributeCommandID, "the first 20 commands of the run, in the cluster's list"),
}

func attribute(key temporal.SearchAttributeKey, meaning string) SearchAttribute {
	return SearchAttribute{key.GetName(), key.GetValueType(), meaning}
}

// Outcome is a value of AttributeVerdict: a Verdict, or what a run without one is listed
// under.
type Outcome string

// The outcomes beside the verdicts.
const (
	OutcomePending Outcome = "pending" // the run goes on
	OutcomeError   Outcome = "error"   // it could not be followed to its end
)

// MemoCommand is the field of a run's memo that holds its command. A memo is a payload,
// and encrypted where payloads are.
const MemoCommand = "command"

const (
	// mostIndexed is how many commands of a run can be searched for.
	mostIndexed = 20

	// indexedList is what the values of a list may weigh together, in bytes; the server
	// takes 2 KiB with their quotes and commas.
	indexedList = 1500

	// indexedText is what the user and the parent run may weigh, in bytes: SQL keeps
	// 255 characters. The rest is left off.
	indexedText = 250
)

// StartAttributes are the search attributes that a run starts with; parent may be empty.
// A run on one cluster starts in phase Resolving, one on several in Watching.
// They are all that the run changes later, so that the server refuses the start rather
// than a step of the run where the namespace lacks one.
func StartAttributes(phase Phase, clusters []string, user, parent string) temporal.SearchAttributes {
	updates := []temporal.SearchAttributeUpdate{
		AttributeCluster.ValueSet(fitting(clusters)),
		AttributeCommandID.ValueSet([]string{}),
		AttributeVerdict.ValueSet(string(OutcomePending)),
		AttributePhase.ValueSet(string(phase)),
		AttributeNodes.ValueSet(0),
		AttributeFailedNodes.ValueSet(0),
		AttributeUser.ValueSet(Indexed(user)),
	}
	if parent != "" {
		updates = append(updates, AttributeParentRun.ValueSet(Indexed(parent)))
	}
	return temporal.NewSearchAttributes(updates...)
}

// Indexed is what is indexed of a user or a parent run.
func Indexed(text string) string {
	for len(text) > indexedText {
		runes := []rune(text)
		text = string(runes[:len(runes)-1])
	}
	return text
}

// fitting are the first of some values, within what a list may weigh.
func fitting(values []string) []string {
	weight := 0
	for i, value := range values {
		if weight += len(value) + len(`"",`); weight > indexedList {
			return values[:i]
		}
	}
	return values
}
