package ehpcsim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// tasksAtOnce of an array run at a time.
	tasksAtOnce = 8

	// unlimited is how long a job may run without a limit.
	unlimited = 365 * 24 * time.Hour

	// killedStatus is the exit status of what was killed.
	killedStatus = 128 + 9
)

// executeJob really runs a job, all of its tasks, on the first of its nodes.
func (s *Simulator) executeJob(j *job) {
	var tasks errgroup.Group
	tasks.SetLimit(tasksAtOnce)
	for _, index := range j.tasks {
		tasks.Go(func() error { s.executeTask(j, index); return nil })
	}
	_ = tasks.Wait() // it has none
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range j.tasks {
		if j.exit == 0 {
			j.exit = j.ended[index]
		}
	}
	if j.array != "" && j.exit != 0 {
		j.exit = 1 // as PBS says that some task failed
	}
	j.state, j.changed = jobFinished, s.clock.Now()
	s.schedule(j.changed)
}

func (s *Simulator) executeTask(j *job, index int) {
	s.mu.Lock()
	node := s.hostOf(j)
	limit := j.limit
	s.mu.Unlock()
	if limit == 0 {
		limit = unlimited
	}
	root := s.nodeDir(j.clusterID, node.InstanceID)
	output, errs := j.logs(root, index)
	status, _, err := s.runText(program{
		name: fmt.Sprintf("job-%s-%d", strings.TrimSuffix(j.id, ".manager"), index), clusterID: j.clusterID, node: node,
		text: redirected(output, errs) + j.line, workingDir: filepath.Join("/root", j.dir), timeout: limit,
		env: j.environment(index), cut: j.stopped,
	}, output, errs)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errTimeout):
		j.how = byLimit
	case !j.stopAt.IsZero():
		j.how = byStop
	}
	if err != nil {
		status = killedStatus
	}
	j.ended[index] = status
}

// hostOf is the node that a job runs on. The lock is held.
func (s *Simulator) hostOf(j *job) Node {
	nodes := s.clusters[j.clusterID].Nodes
	at := slices.IndexFunc(nodes, func(node Node) bool { return node.HostName == j.hosts[0] })
	if at < 0 {
		return Node{InstanceID: "gone", HostName: j.hosts[0]}
	}
	return nodes[at]
}

// logs are the files of what a task prints, below its node's directory.
func (j *job) logs(root string, index int) (output, errs string) {
	file := func(asked, kind string) string {
		if asked != "" && filepath.IsAbs(asked) {
			return filepath.Join(root, asked)
		}
		if asked != "" {
			return filepath.Join(root, "root", filepath.Join("/", j.dir), filepath.Join("/", asked))
		}
		return filepath.Join(root, "jobs", fmt.Sprintf("%s.%d.%s", j.id, index, kind))
	}
	return file(j.stdout, "out"), file(j.stderr, "err")
}

// redirected begins a script whose output goes to files.
func redirected(output, errs string) string {
	return "exec >>" + shellWord(output) + " 2>>" + shellWord(errs) + "\n"
}

func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// environment of a task: what PBS and Slurm say of it, and the job's own.
func (j *job) environment(index int) []string {
	env := []string{"PBS_JOBID=" + j.id, "PBS_JOBNAME=" + j.name, "SLURM_JOB_ID=" + strings.TrimSuffix(j.id, ".manager"), "USER=" + j.owner}
	if j.array != "" {
		env = append(env, fmt.Sprintf("PBS_ARRAY_INDEX=%d", index), fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", index))
	}
	for _, variable := range j.variables {
		env = append(env, variable.Name+"="+variable.Value)
	}
	return env
}

// printedBy is what a job has printed, of an array its tasks one after the other. The lock
// is held.
func (s *Simulator) printedBy(j *job) (output, errs []byte) {
	switch {
	case j.fate != nil && j.state == jobFinished:
		return []byte(j.fate.output), nil
	case j.fate != nil, len(j.hosts) == 0:
		return nil, nil
	}
	root := s.nodeDir(j.clusterID, s.hostOf(j).InstanceID)
	read := make(map[string]bool)
	add := func(to *[]byte, path string) {
		if !read[path] {
			*to = append(*to, beginning(path)...)
		}
		read[path] = true
	}
	for _, index := range j.tasks {
		out, err := j.logs(root, index)
		add(&output, out)
		add(&errs, err)
	}
	return output, errs
}

// keptLog is how much of a job's log can be read, from its beginning.
const keptLog = 16 << 20

func beginning(path string) []byte {
	file, err := os.Open(path) //nolint:gosec // below its node's directory
	if err != nil {
		return nil // nothing was printed
	}
	defer file.Close() //nolint:errcheck // only read from
	text, _ := io.ReadAll(io.LimitReader(file, keptLog))
	return text
}
