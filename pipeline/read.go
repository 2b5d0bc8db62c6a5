package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Read reads the file of a pipeline and the files that its steps refer to, each named
// relative to the file that says it. An error is an *Error, with everything that is wrong,
// and what the checks say besides.
func Read(fsys fs.FS, name string, checks ...Check) (*File, error) {
	r := &reader{fsys: fsys, checks: checks}
	name = path.Clean(name)
	text, err := r.text(name)
	if err != nil {
		return nil, &Error{Problems: []Problem{{File: name, Message: "it " + err.Error()}}}
	}
	file := r.read(name, text, nil)
	if len(r.problems) > 0 {
		return nil, &Error{r.problems, r.more}
	}
	if weight := file.Pipeline.Weight(); weight > MaxWeight {
		return nil, &Error{Problems: []Problem{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf(
			"a run is started with the pipeline as JSON, where <, >, & and control characters take six bytes each: with the files that it refers to it comes to %d bytes, and %d are the most; put long texts into files on the cluster", weight, MaxWeight)}}}
	}
	return file, nil
}

// reader reads the files of a pipeline.
type reader struct {
	fsys     fs.FS
	checks   []Check
	size     int // bytes of all files, each as often as a step refers to it
	problems []Problem
	more     bool            // something could not be checked
	told     map[string]bool // files whose problems were told
}

// read reads a file that has a text. From are those that lead to it. Without a file there
// are problems.
func (r *reader) read(name string, text []byte, from []string) *File {
	root, problems := tree(name, text)
	if len(problems) > 0 {
		r.more = true
		r.tell(name, problems, len(r.problems))
		return nil
	}
	problems, paths := misshapen(name, root)
	r.more = r.more || len(problems) > 0
	secrets, named := secretsWritten(name, root)
	if !leaveWellShaped(root, paths) {
		r.tell(name, inOrder(append(untold(problems, named), secrets...)), len(r.problems))
		return nil
	}
	file := &File{Name: name, root: root, lines: strings.Split(string(text), "\n")}
	b := builder{file: file, problems: problems}
	file.Pipeline = b.pipeline(root)
	from = append(from, name)
	complete, before := true, len(r.problems)
	for _, step := range b.subs {
		sub, problem := r.sub(name, step, from)
		if problem != nil {
			b.problems = append(b.problems, *problem)
		}
		complete = complete && sub != nil
		if sub != nil {
			step.step.Pipeline = &sub.Pipeline
		}
	}
	b.problems = append(b.problems, meaningless(file)...)
	b.problems = append(b.problems, file.checked(slices.Concat(b.problems, secrets), r.checks)...)
	b.problems = append(untold(b.problems, named), secrets...)
	r.tell(name, inOrder(b.problems), before)
	if len(b.problems) > 0 || !complete {
		return nil
	}
	return file
}

// sub reads the file that a step refers to.
func (r *reader) sub(name string, at subStep, from []string) (*File, *Problem) {
	place := at.node.get("file")
	problem := func(format string, args ...any) *Problem {
		return &Problem{File: name, Line: place.line, Column: place.column,
			Path: at.path + ".pipeline.file", Message: fmt.Sprintf(format, args...)}
	}
	written := place.text()
	next := path.Join(path.Dir(name), written)
	switch {
	case strings.Contains(written, "${{"):
		return nil, problem("which file it is has to be known before the run: expressions are not possible here")
	case path.IsAbs(written) || !fs.ValidPath(next):
		return nil, problem("%s is outside of the folder of the first file: name a file beside it or below it", cited(written))
	}
	for i, each := range from {
		if each == next {
			return nil, problem("the files refer to each other in a circle: %s", strings.Join(append(from[i:len(from):len(from)], next), " → "))
		}
	}
	if len(from) >= MaxDepth {
		return nil, problem("pipelines are nested more than %d deep: %s", MaxDepth, strings.Join(append(from[:len(from):len(from)], next), " → "))
	}
	if r.size > MaxFile {
		return nil, nil // it was said
	}
	text, err := r.text(next)
	if err != nil {
		return nil, problem("%s %v", next, err)
	}
	return r.read(next, text, from), nil
}

// tell keeps the problems of a file, once, before those of the files that it refers to.
func (r *reader) tell(name string, problems []Problem, at int) {
	if r.told[name] || len(problems) == 0 {
		return
	}
	if r.told == nil {
		r.told = map[string]bool{}
	}
	r.told[name] = true
	r.problems = slices.Insert(r.problems, at, problems...)
}

// text of a file.
func (r *reader) text(name string) ([]byte, error) {
	file, err := r.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %s", reason(err))
	}
	defer func() { _ = file.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %s", reason(err))
	case len(text) > MaxFile:
		return nil, fmt.Errorf("has more than %d KiB, which is the most", MaxFile>>10)
	}
	if r.size += len(text); r.size > MaxFile {
		return nil, fmt.Errorf("is one too many: with it the files of the pipeline have more than %d KiB, each counted as often as a step refers to it; let fewer steps refer to files, or use foreach", MaxFile>>10)
	}
	return text, nil
}

// reason is why a file cannot be read, without its name.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return failed.Err.Error()
	}
	return err.Error()
}
