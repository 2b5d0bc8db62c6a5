package ehpcsim

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// rawText is a string of a JSON answer whose bytes need not be UTF-8. They are sent as
// they are, as a service does that takes whatever a node prints for text. XML has
// no form for them; there each is U+FFFD.
type rawText string

// MarshalJSON escapes nothing but what JSON must, unless the text is UTF-8.
func (r rawText) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(r)) {
		return json.Marshal(string(r))
	}
	quoted := []byte{'"'}
	for i := range len(r) {
		switch char := r[i]; {
		case char == '"', char == '\\':
			quoted = append(quoted, '\\', char)
		case char < ' ':
			quoted = fmt.Appendf(quoted, `\u%04x`, char)
		default:
			quoted = append(quoted, char)
		}
	}
	return append(quoted, '"'), nil
}
