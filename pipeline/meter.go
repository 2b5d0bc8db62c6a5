package pipeline

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// What an evaluation may cost. A worker that runs a workflow has a second for it, which
// it shares.
const (
	maxWork     = 1_000_000 // units: a value that is looked at, or textPerUnit bytes of text
	textPerUnit = 16
	maxMade     = 100_000 // items of lists and maps that are made
	maxPattern  = 1_000   // instructions of a regular expression
)

var errTooMuch = errors.New("it takes too much work: it goes over lists or texts that are too long, or too often")

// meter counts the work of one evaluation and ends it when there is too much of it. The
// library bounds lists that are made, but neither loops nor texts.
type meter struct{ spent int }

func (m *meter) spend(units int) error {
	if m.spent += units; units < 0 || m.spent > maxWork {
		return errTooMuch
	}
	return nil
}

// look spends what it takes to look at the whole of a value.
func (m *meter) look(value any) error {
	if err := m.spend(1); err != nil {
		return err
	}
	switch value := value.(type) {
	case string:
		return m.spend(len(value) / textPerUnit)
	case []int:
		return m.spend(len(value))
	case map[string]int:
		return m.spend(len(value))
	case map[string]string:
		return m.spend(len(value))
	case []string:
		for _, each := range value {
			if err := m.look(each); err != nil {
				return err
			}
		}
	case []any:
		for _, each := range value {
			if err := m.look(each); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range keys(value) {
			if err := m.look(value[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Names of functions that a meter puts into an expression. No text of one can have them.
const (
	lookCall    = "look at"
	matchesCall = "matches it"
	sortByCall  = "sort by"
)

// metering has every loop of an expression, and every operation that takes longer the
// larger a value is, charged to the meter.
func metering(m *meter) []expr.Option {
	return []expr.Option{
		expr.Patch(&metered{}),
		expr.Function(lookCall, func(args ...any) (any, error) {
			if err := m.spend(args[1].(int)); err != nil {
				return nil, err
			}
			return args[0], m.look(args[0])
		}),
		expr.Function(matchesCall, func(args ...any) (any, error) { return matches(m, args) }),
		expr.Function(sortByCall, func(args ...any) (any, error) { return sortByKeys(m, args) }),
	}
}

// metered is the visitor that does so.
type metered struct{}

// growing are the operators that take longer the larger their operands are.
var growing = map[string]bool{
	"+": true, "==": true, "!=": true, "<": true, ">": true, "<=": true, ">=": true,
	"in": true, "contains": true, "startsWith": true, "endsWith": true,
}

// Visit wraps what a node works on.
func (*metered) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if growing[n.Operator] {
			n.Left, n.Right = looked(n.Left, 0), looked(n.Right, 0)
		}
		if n.Operator == "matches" {
			ast.Patch(node, called(matchesCall, n.Left, n.Right))
		}
	case *ast.SliceNode:
		n.Node = looked(n.Node, 0)
	case *ast.PredicateNode:
		n.Node = looked(n.Node, nodesOf(n.Node))
	case *ast.BuiltinNode:
		for i := range n.Arguments {
			if _, is := n.Arguments[i].(*ast.PredicateNode); !is {
				n.Arguments[i] = looked(n.Arguments[i], 0)
			}
		}
		if n.Name == "sortBy" {
			keys := &ast.BuiltinNode{Name: "map", Arguments: n.Arguments[:2]}
			ast.Patch(node, called(sortByCall, append([]ast.Node{n.Arguments[0], keys}, n.Arguments[2:]...)...))
		}
	case *ast.CallNode:
		for i := range n.Arguments {
			n.Arguments[i] = looked(n.Arguments[i], 0)
		}
	}
}

func looked(node ast.Node, work int) ast.Node {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NilNode:
		if work == 0 {
			return node
		}
	}
	call := called(lookCall, node, &ast.IntegerNode{Value: work})
	call.SetLocation(node.Location())
	return call
}

func called(name string, arguments ...ast.Node) *ast.CallNode {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: arguments}
}

type counted int

// Visit counts a node.
func (c *counted) Visit(*ast.Node) { *c++ }

func nodesOf(node ast.Node) int {
	var c counted
	ast.Walk(&node, &c)
	return int(c)
}

// matches tells whether a text matches a regular expression.
func matches(m *meter, args []any) (any, error) {
	text, isText := args[0].(string)
	pattern, is := args[1].(string)
	if !isText || !is {
		return nil, errors.New("matches takes a text and a regular expression")
	}
	size, err := patternSize(pattern)
	if err != nil {
		return nil, err
	}
	if err := m.spend(size*10 + size*len(text)/textPerUnit); err != nil {
		return nil, err
	}
	found, err := regexp.MatchString(pattern, text)
	return found, err
}

// patternSize is how many instructions a regular expression has.
func patternSize(pattern string) (int, error) {
	if len(pattern) > MaxExpression {
		return 0, errors.New("the regular expression is too long")
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0, err
	}
	if len(program.Inst) > maxPattern {
		return 0, errors.New("the regular expression is too large: it repeats too much")
	}
	return len(program.Inst), nil
}
