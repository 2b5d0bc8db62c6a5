package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ehpcflow/ehpc/catalogue"
	"ehpcflow/internal/console"
)

func (a *app) errorsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "errors [CODE]",
		Short: "Show what the error codes of the API mean, and what is done about them",
		Example: `  starter errors
  starter errors ConflictOpt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("errors takes one code, or none for all of them")}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			entries := catalogue.Entries()
			if len(args) == 1 {
				entry, ok := catalogue.Listed(args[0])
				if !ok {
					return usageError{fmt.Errorf("%q is not in the catalogue: such a code is handled by its HTTP status; see starter errors", args[0])}
				}
				entries = []catalogue.Entry{entry}
			}
			switch {
			case asJSON:
				return a.errorsAsJSON(entries)
			case len(args) == 1:
				return a.oneError(entries[0])
			}
			return console.WriteTable(a.stdout, []string{"code", "HTTP", "class", "read again", "submit again", "what to do"}, rows(entries))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the catalogue as JSON")
	return cmd
}

func rows(entries []catalogue.Entry) [][]string {
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{e.Code, httpStatus(e), e.Class.Name, e.Class.Read.String(), submitAgain(e.Class), advice(e)})
	}
	return rows
}

func (a *app) oneError(e catalogue.Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", e.Code, e.Meaning)
	if e.Chinese != "" {
		fmt.Fprintf(&b, "%s\n", e.Chinese)
	}
	fmt.Fprintf(&b, "\n  HTTP status    %s\n", httpStatus(e))
	fmt.Fprintf(&b, "  class          %s: %s\n", e.Class.Name, e.Class.Meaning)
	fmt.Fprintf(&b, "  read again     %s\n", e.Class.Read)
	fmt.Fprintf(&b, "  submit again   %s\n", submitAgain(e.Class))
	fmt.Fprintf(&b, "  what to do     %s\n", advice(e))
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// errorJSON is an entry for machines.
type errorJSON struct {
	Code       string `json:"code"`
	HTTP       int    `json:"http,omitempty"`
	Class      string `json:"class"`
	Meaning    string `json:"meaning"`
	Chinese    string `json:"chinese,omitempty"`
	Read       string `json:"readAgain"`
	Submit     string `json:"submitAgain"`
	MayHaveRun bool   `json:"mayHaveRun"`
	Advice     string `json:"advice"`
}

func (a *app) errorsAsJSON(entries []catalogue.Entry) error {
	list := make([]errorJSON, 0, len(entries))
	for _, e := range entries {
		list = append(list, errorJSON{
			e.Code, e.HTTP, e.Class.Name, e.Meaning, e.Chinese,
			e.Class.Read.String(), e.Class.Submit.String(), e.Class.MayHaveRun, advice(e),
		})
	}
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func advice(e catalogue.Entry) string { return strings.ReplaceAll(e.Advice, "<action>", "ACTION") }

func httpStatus(e catalogue.Entry) string {
	if e.HTTP == 0 {
		return "-"
	}
	return fmt.Sprint(e.HTTP)
}

func submitAgain(class catalogue.Class) string {
	if class.MayHaveRun {
		return "no: may have run"
	}
	return class.Submit.String()
}
