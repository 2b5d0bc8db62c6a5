package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ehpcflow/internal/encryption"
)

// keygenOptions say what is done to which key file.
type keygenOptions struct {
	file        string
	add, rotate bool
	activate    string
}

func (a *app) keygenCommand() *cobra.Command {
	var o keygenOptions
	cmd := &cobra.Command{
		Use:   "keygen --file FILE",
		Short: "Make the key file with which payloads are encrypted, or add a key to it",
		Long: `Make the key file with which the programs encrypt what they send to Temporal, or add a
key to one. Name the file in ` + encryption.Setting + ` of every worker and starter.

A file has one active key, which encrypts; all its keys decrypt. To change keys while
runs go on: --add a key, bring the file to every worker and starter, then --activate
the key and bring the file round again. Each reads it when it starts. --rotate is both
steps in one, for when nothing runs. Keep old keys for as long as Temporal keeps the
runs that they encrypted: what was encrypted with a key that is lost cannot be read
again. A schedule keeps its run encrypted with the key of its creation: before that key
leaves the file, delete the schedule and create it anew.

The id of the new or activated key is written to stdout, never a key.`,
		Example: `  starter keygen --file keys.yaml
  starter keygen --file keys.yaml --add
  starter keygen --file keys.yaml --activate 20261124-x7k2qd
  starter keygen --file keys.yaml --rotate`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("keygen takes no argument such as %q: name the file with --file", args[0])}
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return a.keygen(o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.file, "file", "", "key file to make or to change; it is readable by its owner only")
	flags.BoolVar(&o.add, "add", false, "add a new key, for decrypting only")
	flags.StringVar(&o.activate, "activate", "", "make the key of this `ID` the one that encrypts")
	flags.BoolVar(&o.rotate, "rotate", false, "add a new key and make it the one that encrypts")
	flags.SortFlags = false
	return cmd
}

func (a *app) keygen(o keygenOptions) error {
	asked := 0
	for _, is := range []bool{o.add, o.activate != "", o.rotate} {
		if is {
			asked++
		}
	}
	switch {
	case o.file == "":
		return usageError{errors.New("no key file is named: use --file FILE")}
	case asked > 1:
		return usageError{errors.New("use one of --add, --activate and --rotate, not several")}
	}
	id, err := o.activate, error(nil)
	said := "a new key file: name it in " + encryption.Setting + " of every worker and starter, and keep a copy where nobody else reads it"
	switch {
	case o.add:
		id, err = encryption.Add(o.file)
		said = "a new key that decrypts only: bring the file to every worker and starter, then use --activate"
	case o.rotate:
		id, err = encryption.Rotate(o.file)
		said = "a new active key: bring the file to every worker and starter before they start again"
	case o.activate != "":
		err = encryption.Activate(o.file, o.activate)
		said = "now the active key: bring the file to every worker and starter"
	default:
		id, err = encryption.Create(o.file)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, id)
	fmt.Fprintf(a.stderr, "%s: %s\n", o.file, said)
	return nil
}
