package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/drawing"
	"ehpcflow/internal/runs"
	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// The formats of a graph.
const (
	asMermaid = "mermaid"
	asSVG     = "svg"
)

// graphOptions are the flags of graph.
type graphOptions struct{ run, format, out string }

func (a *app) pipelineGraphCommand() *cobra.Command {
	var o graphOptions
	cmd := &cobra.Command{
		Use:   "graph (FILE | --run RUN)",
		Short: "Draw a pipeline, or how a run of it stands",
		Long: `Draw the steps of a pipeline and what leads from one to another: as text for Mermaid, as
the Web UI, GitHub and many editors show it, or as a picture (SVG). With --run each step
has the colours of its state in that run.`,
		Example: `  starter pipeline graph examples/solve.yaml
  starter pipeline graph examples/solve.yaml --format svg -o solve.svg
  starter pipeline graph --run run-20261124-081605-x7k2qd --format svg -o run.svg`,
		ValidArgsFunction: yamlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			if o.run == "" {
				p, err := a.readPipeline(cmd.Context(), args[0])
				var wrong *pipeline.Error
				if errors.As(err, &wrong) {
					return usageError{fmt.Errorf("there is no graph:\n%w", wrong)}
				}
				if err != nil {
					return err
				}
				return a.draw(o, p, func(string) string { return "" })
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error { return a.drawRun(cmd.Context(), c, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.run, "run", "", "draw how this run stands")
	flags.StringVar(&o.format, "format", "", "mermaid or svg (default: by the end of -o, otherwise mermaid)")
	flags.StringVarP(&o.out, "output", "o", "", "file to write, which is overwritten (default: stdout)")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{asMermaid, asSVG}, cobra.ShellCompDirectiveNoFileComp)) // there is such a flag
	_ = cmd.RegisterFlagCompletionFunc("run", runNames)
	flags.SortFlags = false
	return cmd
}

// check says everything that is wrong with the command line.
func (o *graphOptions) check(args []string) error {
	var problems []string
	switch {
	case o.run == "" && len(args) == 0:
		problems = append(problems, "graph takes the name of a pipeline's file, or a run (--run)")
	case o.run != "" && len(args) > 0:
		problems = append(problems, fmt.Sprintf("both a file (%s) and a run (--run) are given: name one of them", args[0]))
	case len(args) > 1:
		problems = append(problems, fmt.Sprintf("graph takes one file, %q is one more", args[1]))
	}
	if o.format == "" {
		o.format = asMermaid
		if strings.HasSuffix(o.out, ".svg") {
			o.format = asSVG
		}
	}
	if !slices.Contains([]string{asMermaid, asSVG}, o.format) {
		problems = append(problems, fmt.Sprintf("there is no format %q: use %s or %s (--format)", o.format, asMermaid, asSVG))
	}
	if len(problems) > 0 {
		return usageError{errors.New(strings.Join(problems, "; "))}
	}
	return nil
}

// mostOfGraph is how long the text for Mermaid may be, in bytes: it draws no more, unless
// it is told otherwise.
const mostOfGraph = 50_000

// draw writes the graph of a pipeline whose steps are in these states.
func (a *app) draw(o graphOptions, p pipeline.Pipeline, state func(step string) string) error {
	graph := p.Graph()
	var picture []byte
	if o.format == asSVG {
		picture = drawing.SVG(graph, state)
	} else {
		picture = []byte(graph.Mermaid(state, mostOfGraph))
	}
	if o.out == "" || o.out == "-" {
		_, err := a.stdout.Write(picture)
		return err
	}
	if err := writeNew("drawing", "-o", o.out, picture, true); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, o.out)
	return err
}

// drawRun writes the graph of a run.
func (a *app) drawRun(ctx context.Context, c client.Client, o graphOptions) error {
	report, err := runs.ReadPipeline(ctx, c, o.run)
	if err != nil {
		return err
	}
	p, err := runs.PipelineOf(ctx, c, o.run)
	if err != nil {
		return err
	}
	states := make(map[string]workflows.StepState)
	for _, step := range report.All() {
		states[step.Name] = step.State
	}
	return a.draw(o, p, func(step string) string { return string(states[step]) })
}
