package policy_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/workflows/policy"
)

// A field that IsZero forgets would be dropped with the rest of the policy.
func TestAPolicyWithAnyFieldSetIsNotZero(t *testing.T) {
	t.Parallel()
	require.True(t, policy.Policy{}.IsZero())
	checked := 0
	var set func(path string, p *policy.Policy, field reflect.Value)
	set = func(path string, p *policy.Policy, field reflect.Value) {
		one := policy.Number(1)
		switch field.Kind() {
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case reflect.Int:
			field.SetInt(1)
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Struct:
			if field.Type() != reflect.TypeOf(one) {
				for i := range field.NumField() {
					set(path+"."+field.Type().Field(i).Name, p, field.Field(i))
				}
				return
			}
			field.Set(reflect.ValueOf(one))
		default:
			t.Fatalf("%s is of a kind that is not tested: %s", path, field.Kind())
		}
		require.False(t, p.IsZero(), path)
		field.SetZero()
		checked++
	}
	var p policy.Policy
	set("Policy", &p, reflect.ValueOf(&p).Elem())
	require.Greater(t, checked, 12)
}
