// Package columns writes long lists of like things in JSON as a table of columns,
// in which a value that many neighbours share stands once. A list of nodes takes
// a fifth of its usual space that way, and stays readable. It knows JSON only.
package columns

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// From is the length from which a list is written as columns. Shorter ones are
// the arrays of objects that everybody expects.
const From = 100

// table is a list turned on its side.
type table struct {
	Rows    int               `json:"rows"`
	Columns map[string]column `json:"columns"`
}

// column holds the values of one field, one row after the other. Times says how
// many rows in a row have each; without it, each has one.
type column struct {
	Values []json.RawMessage `json:"values"`
	Times  []int             `json:"times,omitempty"`
}

// Marshal writes a list, as columns when it is long.
func Marshal[T any](list []T) ([]byte, error) {
	if len(list) < From {
		return json.Marshal(list)
	}
	t := table{Rows: len(list), Columns: make(map[string]column)}
	for i, item := range list {
		text, err := json.Marshal(item)
		if err != nil {
			return nil, err
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(text, &fields); err != nil {
			return nil, fmt.Errorf("a list of columns holds objects only: %w", err)
		}
		t.add(i, fields)
	}
	for name, c := range t.Columns {
		if len(c.Values) == t.Rows {
			c.Times = nil
			t.Columns[name] = c
		}
	}
	return json.Marshal(t)
}

var null = json.RawMessage("null")

// add appends a row. A field that it does not have is null.
func (t *table) add(row int, fields map[string]json.RawMessage) {
	for name := range fields {
		if _, known := t.Columns[name]; !known {
			c := column{}
			if row > 0 {
				c.append(null, row)
			}
			t.Columns[name] = c
		}
	}
	for name, c := range t.Columns {
		value, found := fields[name]
		if !found {
			value = null
		}
		c.append(value, 1)
		t.Columns[name] = c
	}
}

func (c *column) append(value json.RawMessage, times int) {
	if last := len(c.Values) - 1; last >= 0 && bytes.Equal(c.Values[last], value) {
		c.Times[last] += times
		return
	}
	c.Values = append(c.Values, value)
	c.Times = append(c.Times, times)
}

// Unmarshal reads what Marshal wrote, or a plain array.
func Unmarshal[T any](text []byte, list *[]T) error {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return json.Unmarshal(text, list)
	}
	var t table
	if err := json.Unmarshal(text, &t); err != nil {
		return err
	}
	objects, err := t.objects()
	if err != nil {
		return err
	}
	*list = make([]T, t.Rows)
	for i, object := range objects {
		if err := json.Unmarshal(object, &(*list)[i]); err != nil {
			return err
		}
	}
	return nil
}

// objects turns the columns into rows again.
func (t table) objects() ([][]byte, error) {
	if t.Rows < 0 {
		return nil, fmt.Errorf("a table of %d rows", t.Rows)
	}
	objects := make([][]byte, t.Rows)
	for _, name := range slices.Sorted(maps.Keys(t.Columns)) {
		key := strconv.AppendQuote(nil, name)
		row := 0
		for i, value := range t.Columns[name].Values {
			for range t.Columns[name].times(i) {
				if row == t.Rows {
					return nil, fmt.Errorf("column %s has more than %d rows", name, t.Rows)
				}
				opening := byte(',')
				if objects[row] == nil {
					opening = '{'
				}
				objects[row] = append(append(append(append(objects[row], opening), key...), ':'), value...)
				row++
			}
		}
		if row != t.Rows {
			return nil, fmt.Errorf("column %s has %d rows of %d", name, row, t.Rows)
		}
	}
	for i := range objects {
		if objects[i] == nil {
			objects[i] = []byte("{")
		}
		objects[i] = append(objects[i], '}')
	}
	return objects, nil
}

func (c column) times(i int) int {
	if i < len(c.Times) {
		return c.Times[i]
	}
	return 1
}
