package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ehpcflow/pipeline"
	"ehpcflow/workflows"
)

// readPipeline reads the file of a pipeline, or standard input, with those that it refers
// to. A *pipeline.Error has everything that is wrong with them.
func (a *app) readPipeline(ctx context.Context, name string) (pipeline.Pipeline, error) {
	dir, base := filepath.Split(name)
	files := os.DirFS(filepath.Clean(dir))
	if name == standardInput {
		input := a.readInput(ctx)
		if ctx.Err() != nil {
			return pipeline.Pipeline{}, ctx.Err()
		}
		files = filesAndInput{files, input}
	}
	file, err := pipeline.Read(files, base, workflows.PipelineProblems)
	var wrong *pipeline.Error
	switch {
	case errors.As(err, &wrong):
		for i := range wrong.Problems { // as their user names them
			wrong.Problems[i].File = filepath.Join(dir, wrong.Problems[i].File)
		}
		return pipeline.Pipeline{}, wrong
	case err != nil:
		return pipeline.Pipeline{}, err
	}
	return file.Pipeline, nil
}

// inputOptions are the flags that give a pipeline its inputs.
type inputOptions struct{ given []string }

func (o *inputOptions) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.given, "input", nil, "value of an input, NAME=VALUE; a list as a,b or as JSON; may be repeated")
}

// readWithInputs is what a run of a file with these inputs is started with, or everything
// that is wrong with them in one message.
func (a *app) readWithInputs(ctx context.Context, name string, o inputOptions, unless string) (in workflows.PipelineInput, err error) {
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
	var wrong *pipeline.Error
	switch in.Pipeline, err = a.readPipeline(ctx, name); {
	case errors.As(err, &wrong):
		problems = append(problems, wrong.Error())
	case err != nil:
		return in, err
	default:
		var more []string
		in.Inputs, more = pipeline.Inputs(in.Pipeline, given)
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		return in, usageError{fmt.Errorf("%s\n%s", unless, strings.Join(problems, "\n"))}
	}
	if name != standardInput { // which has no name to be told
		in.File = name
	}
	return in, nil
}
