package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"ehpcflow/pipeline"
)

// starterReading runs a command line of starter pipeline with a standard input.
func starterReading(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), append([]string{"pipeline"}, args...), stdin, &out, &err)
	return code, out.String(), err.String()
}

func TestAPipelineIsReadFromStandardInput(t *testing.T) {
	t.Parallel()
	solve, err := os.ReadFile(examples + "solve.yaml")
	require.NoError(t, err)
	for says, args := range map[string][]string{
		"-: pipeline solve is right: 5 steps": {"validate", "-", examples + "site.yaml"},
		"cells=4000":                          {"plan", "-", "--input", "cells=4000"},
		"flowchart":                           {"graph", "-"},
	} {
		code, stdout, stderr := starterReading(t, bytes.NewReader(solve), args...)
		require.Equal(t, exitSucceeded, code, stderr)
		require.Contains(t, stdout, says)
	}
	code, stdout, _ := starterReading(t, strings.NewReader(wrongFile), "validate", "-")
	require.Equal(t, exitUsage, code)
	require.Regexp(t, `(?m)^-:4:\d+: steps\.a`, stdout)
	for says, args := range map[string][]string{
		"nothing was started:\n-:4:":     {"run", "-"},
		"no schedule was created:\n-:4:": {"schedule", "nightly", "-", "--every", "6h"},
		"there is no plan:\n-:4:":        {"plan", "-"},
		"there is no graph:\n-:4:":       {"graph", "-"},
	} {
		code, stdout, stderr := starterReading(t, strings.NewReader(wrongFile), args...)
		require.Equal(t, exitUsage, code, stderr)
		require.Contains(t, stderr, says)
		require.Empty(t, stdout)
	}
}

func TestWhatStandardInputRefersToIsInTheCurrentDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	const outer = "name: outer\nsteps: {a: {pipeline: {file: inner/b.yaml}}}\n"
	code, stdout, _ := starterReading(t, strings.NewReader(outer), "validate", "-")
	require.Equal(t, exitUsage, code)
	require.Equal(t, "-:2:30: steps.a.pipeline.file: inner/b.yaml cannot be read: there is no such file\n", stdout)
	require.NoError(t, os.Mkdir("inner", 0o700))
	require.NoError(t, os.WriteFile("inner/b.yaml", []byte("name: b\nsteps: {a: {wait: 1}}\n"), 0o600))
	_, stdout, _ = starterReading(t, strings.NewReader(outer), "validate", "-")
	require.Contains(t, stdout, filepath.Join("inner", "b.yaml")+":2:19: steps.a.wait: it is the number 1")
	require.NoError(t, os.WriteFile("inner/b.yaml", []byte("name: b\nsteps: {a: {wait: 1s}}\n"), 0o600))
	code, stdout, _ = starterReading(t, strings.NewReader(outer), "validate", "-")
	require.Equal(t, exitSucceeded, code, stdout)
	_, stdout, _ = starterReading(t, strings.NewReader("name: x\nsteps: {a: {pipeline: {file: '-'}}}\n"), "validate", "-")
	require.Contains(t, stdout, "the files refer to each other in a circle: - → -")
	require.NoError(t, os.WriteFile("-", []byte("name: dash\nsteps: {a: {wait: 1s}}\n"), 0o600))
	code, stdout, _ = starterReading(t, nil, "validate", "./-")
	require.Equal(t, exitSucceeded, code, "it is a file of that name")
	require.Contains(t, stdout, "pipeline dash is right")
}

func TestStandardInputIsReadOnceAndNoFurtherThanAFile(t *testing.T) {
	t.Parallel()
	long := &counting{}
	code, stdout, _ := starterReading(t, long, "validate", "-")
	require.Equal(t, exitUsage, code)
	require.Equal(t, "-: it has more than 256 KiB, which is the most\n", stdout)
	require.LessOrEqual(t, long.read, pipeline.MaxFile+1)
	code, _, stderr := starterReading(t, nil, "validate", "-", "a.yaml", "-")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "- is given twice")
	code, _, stderr = starterReading(t, nil, "rerun", "-", "--from-failed")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "starter pipeline run -")
	_, stdout, _ = starterReading(t, iotest.ErrReader(errors.New("the pipe broke")), "validate", "-")
	require.Equal(t, "-: it cannot be read: the pipe broke\n", stdout)
	_, stdout, _ = starterReading(t, strings.NewReader(""), "validate", "-")
	require.Contains(t, stdout, "-:1:1: it is empty")
}

// counting is a long text, of which it counts what was read.
type counting struct{ read int }

func (c *counting) Read(p []byte) (int, error) {
	if c.read > 4*pipeline.MaxFile {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = '#'
	}
	c.read += len(p)
	return len(p), nil
}

func TestWhoeverTypesAPipelineMayThinkBetterOfIt(t *testing.T) {
	t.Parallel()
	typing, typist := io.Pipe()
	defer func() { _ = typist.Close() }()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, err bytes.Buffer
	require.Equal(t, exitInterrupted, execute(ctx, []string{"pipeline", "run", "-"}, typing, &out, &err))
	require.Contains(t, err.String(), "interrupted; nothing was started")
}

func TestARunOfStandardInputRecordsNoFile(t *testing.T) {
	t.Parallel()
	a := &app{stdin: strings.NewReader("name: x\nsteps: {a: {wait: 1s}}\n")}
	in, err := a.readWithInputs(t.Context(), "-", inputOptions{}, "")
	require.NoError(t, err)
	require.Equal(t, "x", in.Pipeline.Name)
	require.Empty(t, in.File)
	in, err = a.readWithInputs(t.Context(), examples+"solve.yaml", inputOptions{}, "")
	require.NoError(t, err)
	require.Equal(t, examples+"solve.yaml", in.File)
}
