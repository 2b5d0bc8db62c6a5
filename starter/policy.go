package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"ehpcflow/workflows/policy"
)

// policyOptions are the flags that make a run a rollout. They are read after all of the
// command line, so that everything that is wrong can be said at once.
type policyOptions struct{ texts []*policyText }

// register adds the flags. Adapt changes what the help says of one, up to its default;
// nil does not.
func (o *policyOptions) register(flags *pflag.FlagSet, adapt func(usage string) string) {
	o.texts = make([]*policyText, len(policy.Options))
	for i, flag := range policy.Options {
		o.texts[i] = &policyText{word: flag.Word}
		usage := flag.Usage
		if adapt != nil {
			usage, _, _ = strings.Cut(usage, " (default")
			usage = adapt(usage)
		}
		added := flags.VarPF(o.texts[i], flag.Name, "", usage)
		if flag.Word == "bool" {
			added.NoOptDefVal = "true"
		}
	}
}

// none takes away, in a rerun, what the policy of the past run says.
const none = "none"

// policy puts what the flags say in the place of what a policy says, and returns
// everything that is wrong with the flags. There are parts to take away from the policy
// of a past run only.
func (o *policyOptions) policy(p policy.Policy, past bool) (policy.Policy, []string) {
	var problems []string
	for i, flag := range policy.Options {
		switch text := o.texts[i]; {
		case !text.given:
		case past && text.text == none:
			_ = flag.Read(&p, "") // what no text is, is nothing
		default:
			if err := flag.Read(&p, text.text); err != nil {
				problems = append(problems, fmt.Sprintf("--%s: %v", flag.Name, err))
			}
		}
	}
	return p, problems
}

// policyText is a flag as it was given.
type policyText struct {
	text, word string
	given      bool
}

func (t *policyText) String() string { return t.text }
func (t *policyText) Type() string   { return t.word }

func (t *policyText) Set(text string) error {
	t.text, t.given = text, true
	return nil
}
