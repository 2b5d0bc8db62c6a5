package main

import (
	"cmp"
	"io"

	"go.yaml.in/yaml/v3"
)

// print writes the effective settings as a configuration file, with where each came
// from. Credentials are no settings, so that none is in it.
func (all settings) print(to io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range all {
		if s.onlyOutside {
			continue
		}
		root.Content = append(root.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Value: s.name},
			&yaml.Node{Kind: yaml.ScalarNode, Value: s.value.String(), LineComment: cmp.Or(s.from.place, "default")})
	}
	encoder := yaml.NewEncoder(to)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}
