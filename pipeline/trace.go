package pipeline

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// thing is what is known of the value of a part of an expression: its shape, and the parts
// of steps that it is made of, each as STEP or STEP.FIELD or STEP.LIST.FIELD.
type thing struct {
	shape *shape
	parts []string
	steps bool // whether it is steps itself
}

// trace walks an expression before it runs: it refuses names that there are not, and
// notes which parts of steps the expression looks at.
type trace struct {
	visible Visible
	root    *shape
	item    thing // what item is

	variables []variable
	items     []thing // of the loops around, the innermost last

	looked map[string]bool
	faults Faults
}

type variable struct {
	name  string
	value thing
}

// fault reports what is wrong with a node. Its offset is in characters.
func (t *trace) fault(node ast.Node, format string, values ...any) thing {
	t.faults = append(t.faults, faultAt(node.Location().From, format, values...))
	return thing{shape: anything}
}

// look notes that a value is looked at.
func (t *trace) look(value thing) {
	for _, part := range value.parts {
		t.looked[part] = true
	}
}

// count notes that the length and the order of a list are looked at, not its items.
func (t *trace) count(list thing) {
	if list.shape == nil || list.shape.of == nil || list.shape.of.fields["state"] == nil {
		t.look(list)
		return
	}
	for _, part := range list.parts {
		t.looked[part+".state"] = true
	}
}

// used walks a node whose value is looked at.
func (t *trace) used(nodes ...ast.Node) thing {
	for _, node := range nodes {
		if node != nil {
			t.value(node)
		}
	}
	return thing{shape: anything}
}

// value is that of a node which is looked at.
func (t *trace) value(node ast.Node) thing {
	value := t.visit(node)
	if value.steps {
		t.fault(node, "steps stands before a step's name, as in steps.NAME.output")
	}
	t.look(value)
	return value
}

func (t *trace) visit(node ast.Node) thing {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return t.identifier(n)
	case *ast.MemberNode:
		return t.member(n)
	case *ast.PointerNode:
		if n.Name == "" && len(t.items) > 0 {
			return t.items[len(t.items)-1]
		}
	case *ast.BuiltinNode:
		return t.builtin(n)
	case *ast.CallNode:
		return t.call(n)
	case *ast.ChainNode:
		return t.visit(n.Node)
	case *ast.SliceNode:
		t.used(n.From, n.To)
		return t.visit(n.Node)
	case *ast.BinaryNode:
		return t.binary(n)
	case *ast.ConditionalNode:
		t.used(n.Cond)
		return either(t.visit(n.Exp1), t.visit(n.Exp2))
	case *ast.VariableDeclaratorNode:
		t.variables = append(t.variables, variable{n.Name, t.visit(n.Value)})
		value := t.visit(n.Expr)
		t.variables = t.variables[:len(t.variables)-1]
		return value
	case *ast.SequenceNode:
		last := len(n.Nodes) - 1
		t.used(n.Nodes[:last]...)
		return t.visit(n.Nodes[last])
	case *ast.UnaryNode:
		return t.used(n.Node)
	case *ast.ArrayNode:
		return t.used(n.Nodes...)
	case *ast.MapNode:
		return t.used(n.Pairs...)
	case *ast.PairNode:
		return t.used(n.Key, n.Value)
	case *ast.PredicateNode:
		return t.used(n.Node)
	case *ast.BytesNode:
		return t.fault(n, "b\"…\" is not accepted: write a text without b")
	}
	return thing{shape: anything}
}

func (t *trace) binary(n *ast.BinaryNode) thing {
	if n.Operator == "??" {
		return either(t.visit(n.Left), t.visit(n.Right))
	}
	left, right := t.value(n.Left), t.value(n.Right)
	switch n.Operator {
	case "==", "!=":
		t.compared(n.Left, "is never", left.shape, n.Right)
		t.compared(n.Right, "is never", right.shape, n.Left)
	case "in":
		if list, is := n.Right.(*ast.ArrayNode); is {
			t.compared(n.Left, "is never", left.shape, list.Nodes...)
		}
		if right.shape != nil {
			t.compared(n.Right, "never holds", right.shape.of, n.Left)
		}
	}
	return thing{shape: anything}
}

// compared refuses texts with which a value that has words of its own is compared and
// that are none of these.
func (t *trace) compared(value ast.Node, never string, is *shape, with ...ast.Node) {
	if is == nil || is.words == nil {
		return
	}
	for _, each := range with {
		if literal, isText := each.(*ast.StringNode); isText && !slices.Contains(is.words, literal.Value) {
			t.fault(each, "%s %s %s: there are %s", value, never, cited(literal.Value), allOf(is.words))
		}
	}
}

func (t *trace) identifier(n *ast.IdentifierNode) thing {
	for _, variable := range slices.Backward(t.variables) {
		if variable.name == n.Value {
			return variable.value
		}
	}
	if known, is := t.root.fields[n.Value]; is {
		if n.Value == "item" && t.item.shape != nil {
			return t.item
		}
		return thing{shape: known, steps: n.Value == "steps"}
	}
	switch n.Value {
	case "item", "index":
		return t.fault(n, "%s is known only in a step with foreach", n.Value)
	case "run":
		return t.fault(n, "run is not known here")
	}
	if slices.Contains(FunctionNames(), n.Value) {
		return t.fault(n, "%s is a function: write %s(…)", n.Value, n.Value)
	}
	return t.fault(n, "there is no %s here: %s%s", n.Value, listed(n.Value, "there are", t.root.names()), t.quoted(n.Value))
}

// quoted asks whether a word that is none was meant as a text.
func (t *trace) quoted(name string) string {
	if nearest(name, t.root.names()) != "" {
		return ""
	}
	return "; a text is written \"" + name + "\""
}

func (t *trace) member(n *ast.MemberNode) thing {
	base := t.visit(n.Node)
	name, isName := n.Property.(*ast.StringNode)
	switch {
	case base.steps && isName:
		return t.step(n.Property, name.Value)
	case base.shape != nil && base.shape.fields != nil && isName:
		return t.field(n, base, name.Value)
	case base.shape != nil && base.shape.fields != nil:
		t.used(n.Property)
		return t.fault(n.Property, "a name stands here itself, so that it can be checked before anything runs")
	case base.shape != nil && base.shape.of != nil:
		t.used(n.Property)
		t.count(base)
		return thing{shape: base.shape.of, parts: base.parts}
	}
	t.used(n.Property)
	return thing{shape: anything, parts: base.parts}
}

func (t *trace) step(at ast.Node, name string) thing {
	if known, is := t.root.fields["steps"].fields[name]; is {
		return thing{shape: known, parts: []string{name}}
	}
	if slices.Contains(t.visible.Hidden, name) {
		return t.fault(at, "step %s may not have ended by then: add it to needs", name)
	}
	names := slices.Clone(t.visible.Hidden)
	for _, step := range t.visible.Steps {
		names = append(names, step.Name)
	}
	return t.fault(at, "there is no step %s: %s", name, listed(name, "there are", names))
}

func (t *trace) field(n *ast.MemberNode, base thing, name string) thing {
	known, is := base.shape.fields[name]
	if !is {
		object := strings.Replace(n.Node.String(), "#", "the item", 1)
		if name == "json" && base.shape.fields["output"] != nil {
			return t.fault(n.Property, "%s has no json: say output: json in the step", object)
		}
		return t.fault(n.Property, "%s has no %s: %s", object, name, listed(name, "it has", base.shape.names()))
	}
	parts := make([]string, len(base.parts))
	for i, part := range base.parts {
		parts[i] = part + "." + name
	}
	return thing{shape: known, parts: parts}
}

func (t *trace) builtin(n *ast.BuiltinNode) thing {
	if !slices.Contains(Builtins, n.Name) {
		return t.unknownFunction(n, n.Name)
	}
	if len(n.Arguments) == 0 {
		return thing{shape: anything}
	}
	list := t.visit(n.Arguments[0])
	if len(n.Arguments) > 1 {
		if body, is := n.Arguments[1].(*ast.PredicateNode); is {
			return t.loop(n, list, body)
		}
	}
	t.used(n.Arguments[1:]...)
	return t.passed(n.Name, n.Arguments[0], list)
}

// passed is what a function makes of its first argument.
func (t *trace) passed(name string, at ast.Node, list thing) thing {
	if list.shape != nil && list.shape.of != nil {
		switch name {
		case "len":
			t.count(list)
			return thing{shape: anything}
		case "first", "last":
			t.count(list)
			return thing{shape: list.shape.of, parts: list.parts}
		case "take", "reverse":
			t.count(list)
			return list
		}
	}
	if list.steps {
		t.fault(at, "steps stands before a step's name, as in steps.NAME.output")
	}
	t.look(list)
	return thing{shape: anything}
}

// loop is a function that goes over a list.
func (t *trace) loop(n *ast.BuiltinNode, list thing, predicate *ast.PredicateNode) thing {
	each := thing{shape: anything, parts: list.parts}
	if list.shape != nil && list.shape.of != nil {
		each.shape = list.shape.of
	}
	t.count(list)
	t.items = append(t.items, each)
	body := t.visit(predicate.Node)
	t.items = t.items[:len(t.items)-1]
	t.used(n.Arguments[2:]...)
	switch n.Name {
	case "map":
		return thing{shape: &shape{of: body.shape}, parts: body.parts}
	case "filter", "sortBy":
		t.look(body)
		return list
	case "find", "findLast":
		t.look(body)
		return each
	}
	t.look(body)
	return thing{shape: anything}
}

func (t *trace) call(n *ast.CallNode) thing {
	callee, is := n.Callee.(*ast.IdentifierNode)
	if !is {
		t.used(n.Arguments...)
		return t.fault(n, "a value has no functions of its own: write f(value), or value | f()")
	}
	t.used(n.Arguments...)
	switch {
	case callee.Value == rawCall:
		return t.fault(n, "raw(…) stands round a whole expression, in the text that a command or a job runs")
	case !slices.ContainsFunc(functions, func(f function) bool { return f.name == callee.Value }):
		return t.unknownFunction(n, callee.Value)
	}
	return thing{shape: anything}
}

func (t *trace) unknownFunction(n ast.Node, name string) thing {
	if why, is := refusedFunctions[name]; is {
		return t.fault(n, "%s is not accepted: %s", name, why)
	}
	return t.fault(n, "there is no function %s: %s", name, listed(name, "there are", FunctionNames()))
}

// refusedFunctions are functions of expr that people may know.
var refusedFunctions = map[string]string{
	"now":      "it would be another time at each look; a step of kind wait waits until a time",
	"date":     "write times as texts",
	"duration": "write lengths of time as texts, such as \"10m\"",
	"timezone": "write times as texts",
	"keys":     "a map has no order",
	"values":   "a map has no order",
	"toPairs":  "a map has no order",
	"groupBy":  "a map has no order; use filter",
}

// either is one of two values.
func either(a, b thing) thing {
	shape := anything
	if a.shape == b.shape {
		shape = a.shape
	}
	return thing{shape: shape, parts: append(slices.Clone(a.parts), b.parts...)}
}
