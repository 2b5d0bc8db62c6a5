package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/htmlreport"
	"ehpcflow/internal/runs"
)

func (a *app) reportCommand() *cobra.Command {
	var file string
	var force bool
	cmd := &cobra.Command{
		Use:   "report RUN [--file FILE]",
		Short: "Write a run as one HTML file, to read, pass on and print",
		Long: `Write a run as one HTML file that stands by itself: its verdict, a picture of its nodes
over time and waves, the output of those that failed first, and a table of all nodes
with search. It refers to nothing outside and runs offline; what nodes wrote is text in
it and nothing else. A report of 10,000 nodes is about 4 MB.

A run that goes on is written as it stands. Of one on several clusters, or of a pipeline, each has a
section. The report holds the command and the output: pass it on as you would these.`,
		Example: `  starter report run-20261124-081605-x7k2qd
  starter report run-20261124-081605-x7k2qd --file - > report.html`,
		Args: oneRun("report"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "" {
				file = strings.NewReplacer("/", "-", `\`, "-").Replace(args[0]) + ".html"
			}
			if _, err := os.Stat(file); err == nil && !force && file != "-" {
				return occupied(file)
			}
			return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
				return a.report(cmd.Context(), c, id, file, force)
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "file to write; - is stdout (default: RUN.html)")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file when it exists")
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) report(ctx context.Context, c client.Client, id, file string, force bool) error {
	whole, err := runs.ReadWhole(ctx, c, id)
	if err != nil {
		return err
	}
	if trouble, unknown := whole.Unknown(); unknown {
		return &connect.UnreachableError{Message: fmt.Sprintf("how the nodes of run %s stand is not to be had: %s", id, trouble)}
	}
	var text bytes.Buffer
	if err := htmlreport.Write(&text, id, whole, time.Now()); err != nil {
		return fmt.Errorf("write the report of run %s: %w", id, err)
	}
	if file == "-" {
		_, err := text.WriteTo(a.stdout)
		return err
	}
	size := text.Len()
	if err := writeNew("report", "--file", file, text.Bytes(), force); err != nil {
		return err
	}
	a.note("report of run %s, %d kB:", id, (size+1023)/1024)
	_, err = fmt.Fprintln(a.stdout, file)
	return err
}

// writeNew writes a file. What is written, and the flag that names the file, are for the
// message.
func writeNew(what, flag, file string, text []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(file, flags, 0o600) //nolint:gosec // the user names it
	switch {
	case errors.Is(err, fs.ErrExist):
		return occupied(file)
	case err != nil:
		return usageError{fmt.Errorf("the %s cannot be written: %w; name another file (%s)", what, err, flag)}
	}
	_, err = out.Write(text)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

func occupied(file string) error {
	return usageError{fmt.Errorf("%s exists: overwrite it (--force), or name another file (--file)", file)}
}
