// Package ram holds the RAM policy of a worker: exactly the actions of the API that the
// activities call. Its test derives them from the code.
package ram

import (
	"encoding/json"
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"

	"ehpcflow/activities/checks"
	"ehpcflow/docs/kept"
)

const file = "worker-policy.json"

const (
	apiPackage  = "ehpcflow/ehpc"
	callers     = "ehpcflow/activities"
	client      = "*ehpcflow/ehpc.Client"
	constructor = "newRPC" // takes the name of the action
)

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Effect   string
	Action   []string
	Resource string
}

func TestThePolicyAllowsWhatTheActivitiesCallAndNothingElse(t *testing.T) {
	t.Parallel()
	actions := calledActions(t)
	require.Equal(t, checks.Actions, actions, "starter doctor checks the permission for each of them")

	one := statement{Effect: "Allow", Resource: "*"} // the API knows no narrower one than an account's region
	for _, action := range actions {
		one.Action = append(one.Action, "ehpc:"+action)
	}
	want, err := json.MarshalIndent(policy{"1", []statement{one}}, "", "  ")
	require.NoError(t, err)
	want = append(want, '\n')
	kept.Whole(t, file, string(want))
}

// calledActions are the actions behind the methods of the client that are named, called
// or not, in package activities.
func calledActions(t *testing.T) []string {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax,
	}, apiPackage, callers)
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	var api, activities *packages.Package
	for _, p := range loaded {
		require.Empty(t, p.Errors)
		if p.PkgPath == apiPackage {
			api = p
		} else {
			activities = p
		}
	}
	bodies := functions(api)
	called := make(map[string]bool)
	for _, object := range activities.TypesInfo.Uses {
		method, isFunction := object.(*types.Func)
		if !isFunction || method.Signature().Recv() == nil || method.Signature().Recv().Type().String() != client {
			continue
		}
		for _, action := range actionsOf(api, bodies, method.Name()) {
			called[action] = true
		}
	}
	require.NotEmpty(t, called)
	return slices.Sorted(maps.Keys(called))
}

// functions are the bodies of a package's functions and methods, by their names; those
// of the same name together.
func functions(p *packages.Package) map[string][]*ast.BlockStmt {
	bodies := make(map[string][]*ast.BlockStmt)
	for _, parsed := range p.Syntax {
		for _, declared := range parsed.Decls {
			if function, is := declared.(*ast.FuncDecl); is && function.Body != nil {
				bodies[function.Name.Name] = append(bodies[function.Name.Name], function.Body)
			}
		}
	}
	return bodies
}

// actionsOf are the actions that a function of the API names, or one that it uses.
func actionsOf(api *packages.Package, bodies map[string][]*ast.BlockStmt, name string) []string {
	var actions []string
	seen := make(map[string]bool)
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, body := range bodies[name] {
			ast.Inspect(body, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.CallExpr:
					if action, is := named(node); is {
						actions = append(actions, action)
					}
				case *ast.Ident:
					if used, is := api.TypesInfo.Uses[node].(*types.Func); is && used.Pkg() == api.Types {
						visit(used.Name())
					}
				}
				return true
			})
		}
	}
	visit(name)
	return actions
}

// named is the action that a call of the constructor names.
func named(call *ast.CallExpr) (action string, is bool) {
	function, plain := call.Fun.(*ast.Ident)
	if !plain || function.Name != constructor || len(call.Args) != 1 {
		return "", false
	}
	literal, plain := call.Args[0].(*ast.BasicLit)
	if !plain {
		return "", false
	}
	action, err := strconv.Unquote(literal.Value)
	return action, err == nil
}
