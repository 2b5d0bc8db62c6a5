package workflows

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
)

func TestTheDocumentedSearchAttributesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/web-ui.md")
	require.NoError(t, err)
	var want, documented []string
	for _, attribute := range SearchAttributes {
		want = append(want, fmt.Sprintf("| `%s` | %v | %s |", attribute.Name, attribute.Type, attribute.Meaning))
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `Ehpcflow") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	require.Equal(t, want, documented)
}

func TestTheSearchAttributesFitBesideThoseOfOthers(t *testing.T) {
	t.Parallel()
	count := make(map[enumspb.IndexedValueType]int)
	for _, attribute := range SearchAttributes {
		count[attribute.Type]++
	}
	require.Less(t, count[enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST], 3, "SQL has three")
	require.Less(t, count[enumspb.INDEXED_VALUE_TYPE_INT], 3, "SQL has three")
	require.Less(t, count[enumspb.INDEXED_VALUE_TYPE_KEYWORD], 10, "SQL has ten")
}

func TestLongValuesAreCutToWhatTheServerTakes(t *testing.T) {
	t.Parallel()
	var clusters []string
	for i := range MaxClusters {
		clusters = append(clusters, fmt.Sprintf("%0*d", maxClusterID, i))
	}
	attributes := StartAttributes(Watching, clusters, strings.Repeat("节", 200), strings.Repeat("r", 900))
	kept, _ := attributes.GetKeywordList(AttributeCluster)
	require.Equal(t, clusters[:len(kept)], kept)
	require.Less(t, len(strings.Join(kept, `","`)), 2000)
	user, _ := attributes.GetKeyword(AttributeUser)
	require.Equal(t, strings.Repeat("节", 83), user, "no character is cut in two")
	parent, _ := attributes.GetKeyword(AttributeParentRun)
	require.Len(t, parent, 250)
}
