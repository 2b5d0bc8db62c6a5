package guard

import "strings"

// Carries says whether a text is one that Wrap made with this token. One that Stop
// made is not.
func Carries(token, text string) bool { return strings.Contains(text, "set "+token+" ") }
