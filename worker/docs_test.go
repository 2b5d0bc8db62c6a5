package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"ehpcflow/docs/kept"
)

const page = "../docs/worker.md"

func TestTheTableOfTheDocsIsThatOfTheSettings(t *testing.T) {
	kept.Parts(t, page, map[string]string{"settings": "\n" + markdown()})
}

func markdown() string {
	var b strings.Builder
	b.WriteString("| flag and key | variable | default | what it is | what it leads to |\n|---|---|---|---|---|\n")
	for _, s := range new(options).settings() {
		byDefault := s.unset
		if text := s.value.String(); text != "" {
			byDefault = "`" + text + "`"
		}
		name := "`--" + s.name + "`"
		if s.onlyOutside {
			name += ", no key"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", name, strings.Join(s.env(), "`, `"), cmp.Or(byDefault, "none"), s.is, s.consequence)
	}
	return b.String()
}
