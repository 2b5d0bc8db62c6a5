package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"ehpcflow/docs/kept"
	"ehpcflow/ehpc/catalogue"
)

const page = "../../docs/errors.md"

func TestTheTableOfTheDocsIsTheCatalogue(t *testing.T) {
	t.Parallel()
	kept.Parts(t, page, map[string]string{"errors": "\n" + markdown()})
}

func markdown() string {
	var b strings.Builder
	b.WriteString("| class | codes | a read is made again | a submit is sent again |\n|---|---|---|---|\n")
	for _, class := range catalogue.Classes() {
		var codes []string
		for _, entry := range catalogue.Entries() {
			if entry.Class == class {
				codes = append(codes, "`"+entry.Code+"`")
			}
		}
		submit := class.Submit.String()
		if class.MayHaveRun {
			submit = "no: it is looked for"
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s |\n", class.Name, class.Meaning, strings.Join(codes, ", "), class.Read, submit)
	}
	return b.String()
}
