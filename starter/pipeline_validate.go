package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ehpcflow/internal/console"
	"ehpcflow/pipeline"
)

func (a *app) pipelineValidateCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Say everything that is wrong with files of pipelines",
		Long: `Say everything that is wrong with files of pipelines, and with those that they refer to:
words, types, needs, names, circles, expressions, and what a run of a step would refuse.
Each problem is a line, FILE:LINE:COLUMN: what is wrong. Neither Temporal nor a cluster is
asked.

The exit code is 0 when all files are right, and 2 when one is not.`,
		Example: `  starter pipeline validate examples/solve.yaml
  starter pipeline validate examples/*.yaml --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("validate takes the names of files, such as solve.yaml, or - for standard input")}
			}
			if first := slices.Index(args, standardInput); first >= 0 && slices.Contains(args[first+1:], standardInput) {
				return usageError{errors.New("- is given twice, and standard input can be read once: give it once")}
			}
			return nil
		},
		ValidArgsFunction: yamlFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			var checks []console.FileCheck
			wrong := false
			for _, name := range args {
				check, err := a.checkFile(cmd.Context(), name)
				if err != nil {
					return err
				}
				checks, wrong = append(checks, check), wrong || !check.Valid
			}
			write := console.WriteFileChecks
			if asJSON {
				write = console.WriteFileChecksJSON
			}
			if err := write(a.stdout, checks); err != nil {
				return fmt.Errorf("write the problems: %w", err)
			}
			if wrong {
				return &verdictError{exitUsage}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write the problems as JSON")
	return cmd
}

// checkFile reads a file.
func (a *app) checkFile(ctx context.Context, name string) (console.FileCheck, error) {
	check := console.FileCheck{File: name, Problems: []pipeline.Problem{}}
	p, err := a.readPipeline(ctx, name)
	var wrong *pipeline.Error
	switch {
	case errors.As(err, &wrong):
		check.Problems, check.More = wrong.Problems, wrong.More
		return check, nil
	case err != nil:
		return check, err
	}
	check.Valid, check.Pipeline = true, p.Name
	check.Steps = make(map[pipeline.Kind]int)
	count(p.Steps, check.Steps)
	count(p.Finally, check.Steps)
	for _, cluster := range p.Clusters {
		check.Clusters = append(check.Clusters, cluster.Name)
	}
	for _, input := range p.Inputs {
		text := input.Name
		if input.Default == nil {
			text += " (to be given)"
		}
		check.Inputs = append(check.Inputs, strings.TrimSpace(text))
	}
	return check, nil
}

// count counts steps by their kinds.
func count(steps []pipeline.Step, kinds map[pipeline.Kind]int) {
	for _, step := range steps {
		kinds[step.Kind]++
		count(step.OnFailure.Run, kinds)
	}
}
