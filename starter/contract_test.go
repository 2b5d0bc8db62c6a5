package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/docs/kept"
	"ehpcflow/internal/console"
	"ehpcflow/internal/doctor"
	"ehpcflow/internal/forecast"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/schedules"
	"ehpcflow/internal/version"
	"ehpcflow/workflows"
)

// contracts are what the commands write under --json. A new command is a line here; the
// types that its own refer to are found by themselves. Then run
//
//	go test ./starter -run TestTheJSONContract -update
var contracts = []struct {
	commands string
	of       any
}{
	{"run, status, rerun, cancel, attach", runs.Report{}},
	{"the same, of a run on several clusters", runs.ClustersReport{}},
	{"pipeline run, pipeline rerun; and status, cancel, of a run of a pipeline", runs.PipelineReport{}},
	{"status, cancel, of a run of a job", runs.JobReport{}},
	{"status, cancel, of a run of an approval", runs.ApprovalReport{}},
	{"status, cancel, of a run of a wait", runs.WaitReport{}},
	{"pipeline validate, each of a list", console.FileCheck{}},
	{"pipeline plan", forecast.Plan{}},
	{"watch, each line", console.Change{}},
	{"results, each of a list", runs.NodeOf{}},
	{"list", runs.List{}},
	{"history", console.History{}},
	{"history, of a run of a pipeline", console.PipelineHistory{}},
	{"clusters", workflows.ShowClustersResult{}},
	{"nodes", workflows.ShowNodesResult{}},
	{"commands", workflows.ShowCommandsResult{}},
	{"schedule list, each of a list", schedules.Entry{}},
	{"schedule show", schedules.Schedule{}},
	{"doctor", doctor.Examination{}},
	{"version", version.Info{}},
}

const contractFile = "../docs/json.md"

const contractHead = `# The JSON of starter

What the commands write under ` + "`--json`" + `, to build on. Fields are only ever added: read what
you know, and leave the rest. A field with *maybe* is absent where it is empty. Times are as RFC
3339 says, in UTC where they are ehpcflow's own; a length of time is in whole seconds, as its
name says. JSON goes to stdout and nothing else does.

This page is written from the types and their comments: ` + "`go test ./starter -run TestTheJSONContract -update`" + `.
The test fails when the page and the types differ.

## Commands

`

// The page and the types hold the same fields: a field that is added, lost or renamed fails
// this test until the page says so too.
func TestTheJSONContractIsThatOfTheTypes(t *testing.T) {
	t.Parallel()
	written := contract(t)
	kept.Whole(t, contractFile, written)
}

func contract(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(contractHead + "| command | what it writes |\n|---|---|\n")
	var queue []reflect.Type
	for _, c := range contracts {
		of := reflect.TypeOf(c.of)
		queue = append(queue, of)
		fmt.Fprintf(&b, "| %s | [%s](#%s) |\n", c.commands, of.Name(), strings.ToLower(of.Name()))
	}
	comments := make(comments)
	titles := make(map[string]reflect.Type)
	for i := 0; i < len(queue); i++ {
		if slices.Contains(queue[:i], queue[i]) {
			continue
		}
		other, taken := titles[queue[i].Name()]
		require.False(t, taken, "%v and %v have the same name", other, queue[i])
		titles[queue[i].Name()] = queue[i]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| field | type | meaning |\n|---|---|---|\n", queue[i].Name(), comments.of(t, queue[i], ""))
		queue = append(queue, writeFields(t, &b, queue[i], comments)...)
	}
	return b.String()
}

// writeFields writes a row for each field of a type, those of the types in it included, and
// returns the types that they refer to.
func writeFields(t *testing.T, b *strings.Builder, of reflect.Type, comments comments) (further []reflect.Type) {
	t.Helper()
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			further = append(further, writeFields(t, b, field.Type, comments)...)
			continue
		case !field.IsExported() || name == "-":
			continue
		}
		require.NotEmpty(t, name, "%v.%s has no json tag", of, field.Name)
		kind, refers := kindOf(field.Type)
		if refers != nil {
			further = append(further, refers)
		}
		if strings.Contains(options, "omit") {
			kind += ", maybe"
		}
		meaning := comments.of(t, of, field.Name)
		if words := wordsOf(field.Type); words != nil {
			meaning = strings.TrimSpace(cmp.Or(meaning, comments.of(t, words, "")) + " " + comments.of(t, words, "="))
		}
		switch {
		case strings.HasPrefix(kind, "list of ["):
			meaning = cmp.Or(meaning, "Each of the "+name+".")
		case refers != nil:
			meaning = cmp.Or(meaning, comments.of(t, refers, ""))
		}
		meaning = cmp.Or(meaning, common[name])
		require.NotEmpty(t, meaning, "%v.%s: say in a comment what it is", of, field.Name)
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, kind, meaning)
	}
	return further
}

// common are the meanings of fields whose names say enough to whoever reads the code.
var common = map[string]string{
	"run": "Name of the run.", "clusterId": "Id of the cluster.", "instanceId": "Id of the node's instance.", "hostName": "The node's host name, where it is known.",
	"command": "Text of the command.", "commandId": "Id of the command.", "reason": "What is to be known beside the state or the verdict.",
	"startedAt": "When it began.", "endedAt": "When it ended.", "submittedAt": "When it was submitted.", "workingDir": "Directory that it runs in.", "attempts": "Attempts.", "finishedAt": "When it ended, by the service's word.", "at": "When this was so.",
	"askedAt": "When it was asked.", "since": "Since when.", "nodes": "How many nodes.", "nodeCount": "How many nodes there are.", "states": "How many of them are in each state.",
	"clusters": "The clusters, in the order in which they were named.", "text": "A sentence that says it.", "message": "A sentence that says it.",
	"code": "The API's code where it is one, or a word of ehpcflow's.", "error": "Why it did not complete.", "action": "What was told, by the name of the command that tells it.", "by": "Who said so.", "why": "The reason given.",
	"exitCode": "Exit code of the command; null until one was read.", "wave": "Wave of a rollout, from 1.", "remark": "What is to be known beside the state.",
	"output": "What the node wrote, its beginning and its end where it is long.",
	"name":   "Name, of a step that in the file, of a job that in the scheduler.", "kind": "What it does.", "outputs": "Values that it leaves, by their names.",
	"needs": "Steps that it waits for.", "needed": "How many people have to approve.", "value": "Its value.", "least": "At the least.", "most": "At the most, as far as can be told.", "file": "Name of the file.", "line": "Line, from 1.", "description": "What the file says of it.", "commands": "Commands, or requests for them.", "foreach": "It runs for each item of a list.", "exitStatus": "Exit status of the job; absent until one was read.", "state": "Its state.", "host": "Host name.", "id": "Id, of a node that of its instance.",
	"skipped": "Whether it was skipped.", "failed": "Whether it failed.", "succeeded": "Whether it succeeded.", "adopted": "Its submit was in doubt, and it was found by its name.",
	"maxFailures": "So many nodes may fail.", "maxFailuresPerWave": "So many nodes of a wave may fail.",
}

// wordsOf is the type of a field that holds one of our words; nil of others.
func wordsOf(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() == reflect.String && strings.HasPrefix(of.PkgPath(), "ehpcflow/") {
		return of
	}
	return nil
}

// kindOf says what a type is in JSON, and which type of ours has to be told of.
func kindOf(of reflect.Type) (string, reflect.Type) {
	if of.Kind() == reflect.Pointer {
		return kindOf(of.Elem())
	}
	switch {
	case of.String() == "time.Time":
		return "time", nil
	case of.String() == "policy.Size":
		return "text or number", nil
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8:
		return "text, base64", nil
	case of.Kind() == reflect.Slice:
		kind, refers := kindOf(of.Elem())
		return "list of " + kind, refers
	case of.Kind() == reflect.Map:
		kind, refers := kindOf(of.Elem())
		return "object of " + kind, refers
	case of.Kind() == reflect.Struct:
		return fmt.Sprintf("[%s](#%s)", of.Name(), strings.ToLower(of.Name())), of
	case of.Kind() == reflect.String:
		return "text", nil
	case of.Kind() == reflect.Bool:
		return "true or false", nil
	case of.Kind() == reflect.Interface:
		return "any value", nil
	}
	return "number", nil
}

// comments are those of types and, as Type.Field, of their fields, by package.
type comments map[string]map[string]string

func (c comments) of(t *testing.T, of reflect.Type, field string) string {
	t.Helper()
	dir := filepath.Join("..", strings.TrimPrefix(of.PkgPath(), "ehpcflow/"))
	if c[dir] == nil {
		c[dir] = readComments(t, dir)
	}
	name := of.Name()
	if field != "" {
		name += "." + field
	}
	return c[dir][name]
}

func readComments(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			types, ok := declaration.(*ast.GenDecl)
			if ok && types.Tok == token.CONST {
				readWords(texts, types)
			}
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				named := spec.(*ast.TypeSpec)
				texts[named.Name.Name] = plain(types.Doc, named.Doc)
				if fields, ok := named.Type.(*ast.StructType); ok {
					readFields(texts, named.Name.Name, fields)
				}
			}
		}
	}
	return texts
}

// readWords takes the constants of a type, as Type.=.
func readWords(texts map[string]string, constants *ast.GenDecl) {
	for _, spec := range constants.Specs {
		constant := spec.(*ast.ValueSpec)
		of, named := constant.Type.(*ast.Ident)
		if !named || len(constant.Values) != 1 {
			continue
		}
		if word, ok := constant.Values[0].(*ast.BasicLit); ok && word.Kind == token.STRING {
			name := of.Name + ".="
			texts[name] = strings.TrimSpace(texts[name] + " `" + strings.Trim(word.Value, `"`) + "`")
		}
	}
}

// readFields takes the comment over or behind a field. One that has none belongs to the
// comment over the fields just before it.
func readFields(texts map[string]string, name string, fields *ast.StructType) {
	group := ""
	last := -1
	for _, field := range fields.Fields.List {
		if over := plain(field.Doc); over != "" || int(field.Pos()) > last+len("\n\t") {
			group = over
		}
		text := plain(field.Comment)
		if field.Doc != nil || text == "" {
			text = strings.TrimSpace(group + " " + text)
		}
		for _, id := range field.Names {
			texts[name+"."+id.Name] = text
		}
		last = int(field.End())
		if field.Comment != nil {
			last = int(field.Comment.End())
		}
	}
}

func plain(groups ...*ast.CommentGroup) string {
	var texts []string
	for _, group := range groups {
		texts = append(texts, strings.Fields(group.Text())...)
	}
	return strings.ReplaceAll(strings.Join(texts, " "), "|", `\|`)
}
