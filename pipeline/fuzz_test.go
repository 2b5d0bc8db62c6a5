package pipeline

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// FuzzRead reads anything: it ends soon, tells problems at places that there are, and what
// it accepts stays what it is as JSON and when it is written as YAML again.
func FuzzRead(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "testdata/*/*/*.yaml", "../examples/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(text)
		}
	}
	sub := &fstest.MapFile{Data: []byte("name: sub\ninputs: {case: {type: string, default: a}}\nsteps: {a: {wait: 1s}}\noutputs: {url: x}\n")}
	f.Fuzz(func(t *testing.T, text []byte) {
		begin := time.Now()
		files := fstest.MapFS{"a.yaml": {Data: text}, "publish.yaml": sub, "site.yaml": sub}
		file, err := Read(files, "a.yaml")
		require.Less(t, time.Since(begin), 5*time.Second)
		if err != nil {
			var invalid *Error
			require.True(t, errors.As(err, &invalid))
			requirePlaces(t, files, invalid)
			return
		}
		first, err := json.Marshal(file.Pipeline)
		require.NoError(t, err)
		var pipeline Pipeline
		require.NoError(t, json.Unmarshal(first, &pipeline))
		second, err := json.Marshal(pipeline)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))

		written, err := yaml.Marshal(file.root.written())
		require.NoError(t, err)
		files["a.yaml"] = &fstest.MapFile{Data: written}
		again, err := Read(files, "a.yaml")
		require.NoError(t, err, string(written))
		third, err := json.Marshal(again.Pipeline)
		require.NoError(t, err)
		require.Equal(t, string(first), string(third), string(written))
	})
}

// written is the value as YAML, its keys in their order.
func (n *node) written() *yaml.Node {
	switch value := n.value.(type) {
	case []entry:
		mapping := &yaml.Node{Kind: yaml.MappingNode}
		for _, each := range value {
			mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: each.name}, each.value.written())
		}
		return mapping
	case []*node:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range value {
			list.Content = append(list.Content, item.written())
		}
		return list
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: n.literal}
	}
}
