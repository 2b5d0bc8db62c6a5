package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// readPipeline reads the file of a pipeline, with those that it refers to. A
// *pipeline.Error has everything that is wrong with them.
func readPipeline(name string) (pipeline.Pipeline, error) {
	dir, base := filepath.Split(name)
	file, err := pipeline.Read(os.DirFS(filepath.Clean(dir)), base)
	var problems []pipeline.Problem
	if err == nil {
		problems = stepProblems(file, file.Pipeline, "")
	}
	var wrong *pipeline.Error
	switch {
	case errors.As(err, &wrong):
		problems = wrong.Problems
	case err != nil:
		return pipeline.Pipeline{}, err
	}
	if len(problems) == 0 {
		return file.Pipeline, nil
	}
	for i := range problems { // as their user names them
		problems[i].File = filepath.Join(dir, problems[i].File)
	}
	return pipeline.Pipeline{}, &pipeline.Error{Problems: problems}
}

// stepProblems are what the runs of its steps would refuse, and those of pipelines in it.
func stepProblems(file *pipeline.File, p pipeline.Pipeline, within string) []pipeline.Problem {
	var problems []pipeline.Problem
	for _, problem := range workflows.PipelineProblems(p) {
		problems = append(problems, file.Problem(within+problem.Step, problem.Text, problem.Path))
	}
	for _, list := range [][]pipeline.Step{p.Steps, p.Finally} {
		for _, step := range list {
			for _, each := range append([]pipeline.Step{step}, step.OnFailure.Run...) {
				if each.Pipeline != nil {
					problems = append(problems, stepProblems(file, *each.Pipeline, within+each.Name+"/")...)
				}
			}
		}
	}
	return problems
}

// inputOptions are the flags that give a pipeline its inputs.
type inputOptions struct{ given []string }

func (o *inputOptions) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.given, "input", nil, "value of an input, NAME=VALUE; a list as a,b or as JSON; may be repeated")
}

// read reads a file and its inputs, with everything that is wrong in one message.
func (o *inputOptions) read(name, unless string) (pipeline.Pipeline, map[string]any, error) {
	var problems []string
	given := make(map[string]any)
	for _, text := range o.given {
		key, value, found := strings.Cut(text, "=")
		_, twice := given[key]
		switch {
		case !found || key == "":
			problems = append(problems, fmt.Sprintf("--input %s names no value: use NAME=VALUE", text))
		case twice:
			problems = append(problems, fmt.Sprintf("--input %s is given twice: give it once", key))
		default:
			given[key] = value
		}
	}
	p, err := readPipeline(name)
	var wrong *pipeline.Error
	switch {
	case errors.As(err, &wrong):
		for _, problem := range wrong.Problems {
			problems = append(problems, problem.String())
		}
	case err != nil:
		return p, nil, err
	}
	var inputs map[string]any
	if err == nil {
		var more []string
		inputs, more = pipeline.Inputs(p, given)
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		return p, nil, usageError{fmt.Errorf("%s\n%s", unless, strings.Join(problems, "\n"))}
	}
	return p, inputs, nil
}
