package pipeline

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Check says what is wrong with the expression before anything has run: its grammar,
// names that there are not, or not yet, and types that do not go together. The error is
// of type Faults, with offsets in the expression.
func (e Expression) Check(v Visible) error { return e.faults(v, false).orNil() }

// CheckCondition is Check for one that comes to true or false. "" is always true.
func (e Expression) CheckCondition(v Visible) error {
	if e == "" {
		return nil
	}
	return e.checkKind(v, "a condition comes to true or false, not to", func(kind reflect.Kind) bool { return kind == reflect.Bool })
}

// CheckList is Check for one that comes to a list.
func (e Expression) CheckList(v Visible) error {
	return e.checkKind(v, "a foreach runs over a list, not over", func(kind reflect.Kind) bool { return kind == reflect.Slice || kind == reflect.Array })
}

func (e Expression) checkKind(v Visible, want string, is func(reflect.Kind) bool) error {
	if faults := e.faults(v, false); len(faults) > 0 {
		return faults
	}
	tree, config, err := e.parse(v.naming(string(e)).shape().typed())
	if err != nil {
		return err
	}
	found, err := typeOf(tree, config)
	if err != nil {
		return err
	}
	if found == nil || found.Kind() == reflect.Interface || is(found.Kind()) {
		return nil
	}
	return Faults{faultAt(0, "%s %s", want, kindNamed(found.Kind()))}.placed(string(e))
}

// Eval evaluates the expression. What it comes to is nil, a bool, an int, a float64, a
// string, a []any or a map[string]any.
func (e Expression) Eval(scope Scope) (any, error) {
	names, err := scope.names(string(e))
	if err != nil {
		return nil, err
	}
	return e.eval(names)
}

func (e Expression) eval(names map[string]any) (any, error) {
	value, err := e.evalMaybeRaw(names)
	if _, is := value.(unquoted); is {
		return nil, e.failed(errors.New("raw(…) stands in the text that a command or a job runs"))
	}
	return value, err
}

// evalMaybeRaw evaluates an expression that raw may stand round: what it comes to then is
// unquoted.
func (e Expression) evalMaybeRaw(names map[string]any) (any, error) {
	if err := e.bounded(); err != nil {
		return nil, err
	}
	value, err := e.run(names)
	if err != nil {
		return nil, e.failed(err)
	}
	if raw, is := value.(unquoted); is {
		inner, err := e.kept(raw.value)
		return unquoted{inner}, err
	}
	return e.kept(value)
}

// run compiles and runs the expression. What expr does depends on the text and on the
// values only: its functions that look at the clock are not there, none that is there
// walks a map, and patterns and methods that it caches are the same each time.
//
//workflowcheck:ignore
func (e Expression) run(names map[string]any) (any, error) {
	program, err := e.compiled(&meter{})
	if err != nil {
		return nil, err
	}
	machine := vm.VM{MemoryBudget: maxMade}
	return machine.Run(program, names)
}

// compiled is the program of the expression, whose work the meter counts.
//
//workflowcheck:ignore
func (e Expression) compiled(m *meter) (*vm.Program, error) {
	refused := &refusing{}
	raw := expr.Function(rawCall, func(args ...any) (any, error) { return unquoted{args[0]}, nil }, new(func(any) any))
	options := append(language(m), raw, expr.Patch(refused))
	program, err := expr.Compile(string(e), append(options, metering(m)...)...)
	if err == nil && refused.name != "" {
		return nil, fmt.Errorf("there is no %s in expressions", refused.name)
	}
	return program, err
}

// kept is the value that the expression came to, where it is none that is too large.
func (e Expression) kept(value any) (any, error) {
	if err := (&meter{}).look(value); err != nil {
		return nil, e.failed(err)
	}
	value, err := plain(value)
	if err != nil {
		return nil, e.failed(err)
	}
	if err := bounded(value); err != nil {
		return nil, e.failed(err)
	}
	return value, nil
}

// True evaluates a condition. "" is true.
func (e Expression) True(scope Scope) (bool, error) {
	if e == "" {
		return true, nil
	}
	value, err := e.Eval(scope)
	if err != nil {
		return false, err
	}
	yes, is := value.(bool)
	if !is {
		return false, fmt.Errorf("%s comes to %s, which is neither true nor false", e, shown(value))
	}
	return yes, nil
}

// List is what a foreach runs over.
func (f Foreach) List(scope Scope) ([]any, error) {
	list := f.Items
	if f.In != "" {
		value, err := f.In.Eval(scope)
		if err != nil {
			return nil, err
		}
		var is bool
		if list, is = value.([]any); !is {
			return nil, fmt.Errorf("%s comes to %s, which is no list", f.In, shown(value))
		}
	}
	if len(list) > MaxItems {
		return nil, fmt.Errorf("the foreach has %d items; %d are the most", len(list), MaxItems)
	}
	return list, nil
}

func (e Expression) bounded() error {
	switch {
	case strings.TrimSpace(string(e)) == "":
		return errors.New("the expression is empty")
	case len(e) > MaxExpression:
		return fmt.Errorf("the expression has %d characters; %d are the most", len(e), MaxExpression)
	}
	return nil
}

// failed says which expression failed, and why, in the words of people.
func (e Expression) failed(err error) error {
	return fmt.Errorf("%s: %s", strings.TrimSpace(string(e)), plainly(err))
}

// parse parses the expression as one over values of the types given. It depends on the
// text only: expr walks its tables of functions to fill others.
//
//workflowcheck:ignore
func (e Expression) parse(visible types.Type) (*parser.Tree, *conf.Config, error) {
	config := conf.CreateNew()
	options := append(language(&meter{}), expr.Env(visible), expr.Function(rawCall, nil, new(func(any) any)))
	for _, option := range options {
		option(config)
	}
	for name := range config.Disabled {
		delete(config.Builtins, name)
	}
	tree, err := parser.ParseWithConfig(string(e), config)
	return tree, config, err
}

// faults of the expression. mayBeRaw says that raw may stand round it.
func (e Expression) faults(v Visible, mayBeRaw bool) Faults {
	if err := e.bounded(); err != nil {
		return Faults{faultAt(0, "%s", err)}.placed(string(e))
	}
	faults, tree, config := e.traced(newTrace(v, v.naming(string(e)).shape()), mayBeRaw)
	if len(faults) > 0 {
		return faults
	}
	_, err := typeOf(tree, config)
	if err == nil {
		_, err = e.compiled(&meter{})
	}
	if err != nil {
		return e.faultOf(err)
	}
	return nil
}

// typeOf checks the types of an expression, and says which it comes to. The first in its
// text that is wrong is reported.
//
//workflowcheck:ignore
func typeOf(tree *parser.Tree, config *conf.Config) (reflect.Type, error) {
	return checker.Check(tree, config)
}

// newTrace is one over the shape of what is visible, or of what of it texts can name.
func newTrace(v Visible, root *shape) *trace {
	return &trace{visible: v, root: root, looked: map[string]bool{}}
}

// traced parses the expression and follows its names.
func (e Expression) traced(t *trace, mayBeRaw bool) (Faults, *parser.Tree, *conf.Config) {
	tree, config, err := e.parse(t.root.naming(string(e)).typed())
	if err != nil {
		return e.faultOf(err), nil, nil
	}
	if inner, is := unraw(tree.Node); is && mayBeRaw {
		tree.Node = inner
	}
	t.used(tree.Node)
	for i := range t.faults {
		t.faults[i].Offset = e.bytes(t.faults[i].Offset)
	}
	return t.faults.placed(string(e)), tree, config
}

// rawCall is the function that has a value inserted as it is.
const rawCall = "raw"

// unraw is the expression that raw stands round.
func unraw(node ast.Node) (ast.Node, bool) {
	call, is := node.(*ast.CallNode)
	if !is || len(call.Arguments) != 1 {
		return nil, false
	}
	callee, is := call.Callee.(*ast.IdentifierNode)
	return call.Arguments[0], is && callee.Value == rawCall
}

// faultOf is what expr finds wrong, in our words.
func (e Expression) faultOf(err error) Faults {
	offset := 0
	var at *file.Error
	if errors.As(err, &at) {
		offset = e.bytes(at.From)
	}
	return Faults{faultAt(offset, "%s", plainly(err))}.placed(string(e))
}

// bytes is the offset in bytes of a character.
func (e Expression) bytes(characters int) int {
	seen := 0
	for offset := range string(e) {
		if seen == characters {
			return offset
		}
		seen++
	}
	return len(e)
}

// refusing notes what expressions do not have although expr does.
type refusing struct{ name string }

// Visit looks at a node.
func (r *refusing) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			r.name = n.Value
		}
	case *ast.BuiltinNode:
		if !slices.Contains(Builtins, n.Name) {
			r.name = n.Name
		}
	case *ast.BytesNode:
		r.name = "b\"…\""
	}
}
