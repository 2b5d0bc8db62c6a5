package main

import (
	"bytes"
	"context"
	"io"
	"io/fs"

	"ehpcflow/pipeline"
)

// standardInput is what names it in the place of a file.
const standardInput = "-"

// input is what was read of standard input, or why that was not possible. It can be opened
// as a file, once.
type input struct {
	*bytes.Reader
	err error
}

// readInput reads as much of standard input as a file may have, and a byte more, unless it
// is interrupted: whoever types may do that.
func (a *app) readInput(ctx context.Context) input {
	read := make(chan input, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(a.stdin, pipeline.MaxFile+1))
		read <- input{bytes.NewReader(text), err}
	}()
	select {
	case in := <-read:
		return in
	case <-ctx.Done():
		return input{err: ctx.Err()}
	}
}

func (input) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

func (input) Close() error { return nil }

// filesAndInput are the files of a folder, and standard input among them.
type filesAndInput struct {
	fs.FS
	input input
}

func (f filesAndInput) Open(name string) (fs.File, error) {
	if name == standardInput {
		return f.input, f.input.err
	}
	return f.FS.Open(name)
}
