package ehpc

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// signalled is what a shell adds to the number of the signal that ended a program.
const signalled = 128

// ExitStatus reads the exit status of a job from what DescribeJob says of it. That text
// has no documented form: it may be JSON, or what a scheduler prints, and the status be
// called Exit_status (PBS) or ExitCode, with a signal behind it as in 0:15 (Slurm).
//
// It is nil in doubt: without a status, with two that differ, and with a 0 of a job that
// the same text does not call finished or completed, for Slurm says 0:0 also of jobs that
// run, were cancelled or took too long.
func ExitStatus(jobInfo string) *int {
	var said described
	var document any
	if json.Unmarshal([]byte(jobInfo), &document) == nil {
		said.walk("", document, 0)
	} else {
		said.scan(jobInfo)
	}
	if len(said.statuses) == 0 {
		return nil
	}
	status := said.statuses[0]
	for _, other := range said.statuses {
		if other != status {
			return nil
		}
	}
	for _, word := range said.states {
		if status == 0 && !finishedWords[strings.ToLower(word)] {
			return nil
		}
	}
	return &status
}

// finishedWords are the words of schedulers for a job that ran to its end: of E-HPC, PBS
// (F, and X of a task of an array), TORQUE and Slurm.
var finishedWords = map[string]bool{"finished": true, "f": true, "x": true, "c": true, "completed": true, "complete": true}

// described are the exit statuses and the words for its state in the description of a job.
type described struct {
	statuses []int
	states   []string
}

// deepest is how far into a description is looked.
const deepest = 6

func (d *described) walk(key string, value any, depth int) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if depth < deepest {
				d.walk(name, member, depth+1)
			}
		}
	case []any:
		for _, element := range value {
			if depth < deepest {
				d.walk(key, element, depth+1)
			}
		}
	case string:
		if key == "JobInfo" && depth < deepest { // a text in the text
			d.scan(value)
		}
		d.note(key, value)
	case float64:
		d.note(key, strconv.FormatFloat(value, 'f', -1, 64))
	}
}

// field is a key and its value as schedulers print them: "Exit_status = 0", "ExitCode=0:0".
var field = regexp.MustCompile(`(?m)(?:^|[\s,;{])["']?([A-Za-z_]+(?: [Ss]tatus| [Cc]ode)?)["']?[ \t]*[=:][ \t]*["']?([^\s,;"'}]*)`)

func (d *described) scan(text string) {
	for _, match := range field.FindAllStringSubmatch(text, -1) {
		d.note(match[1], match[2])
	}
}

var statusValue = regexp.MustCompile(`^(-?[0-9]{1,9})(?::([0-9]{1,3}))?$`)

func (d *described) note(key, value string) {
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(key)) {
	case "exitstatus", "exitcode":
		match := statusValue.FindStringSubmatch(value)
		if match == nil {
			return
		}
		status, _ := strconv.Atoi(match[1]) // digits, by the pattern
		if signal, _ := strconv.Atoi(match[2]); signal > 0 {
			status = signalled + signal
		}
		d.statuses = append(d.statuses, status)
	case "jobstate", "state":
		if value != "" {
			d.states = append(d.states, value)
		}
	}
}
