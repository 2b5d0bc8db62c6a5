package ehpc

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// seed adds the documented answers, and the ways in which they were seen to break.
func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/wire/*")
	if err != nil || len(files) == 0 {
		f.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		f.Add(body[:len(body)/2])
	}
	for _, body := range []string{"", "null", "[]", `{"":{}}`, `{"XResponse":null}`, `{"InstanceIds":"[\"a\"]"}`, `{"Code":[]}`, `{"Code":1e999}`} {
		f.Add([]byte(body))
	}
}

func FuzzAnswers(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer struct {
			RequestID   scalar `json:"RequestId"`
			CommandID   scalar `json:"CommandId"`
			TotalCount  scalar
			InstanceIDs list[string]
			Nodes       list[struct {
				ID, Status scalar
				NodeList   list[string]
			}]
			InvocationResults list[struct {
				ExitCode, Success, FinishedTime scalar
				Message                         output
			}]
		}
		if json.Unmarshal(unwrapped(body), &answer) != nil {
			return
		}
		answer.TotalCount.number()
		for _, record := range answer.InvocationResults {
			if code := record.ExitCode.number(); code != nil && strings.TrimSpace(string(record.ExitCode)) == "" {
				t.Errorf("an exit code of %d was read out of nothing", *code)
			}
			record.Success.truth()
			parseTime(string(record.FinishedTime))
		}
	})
}

func FuzzErrors(f *testing.F) {
	seed(f)
	const secret = "s3cret/+="
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, status := range []int{200, 302, 400, 403, 429, 500, 503} {
			failure := subject{action: "InvokeShellCommand", clusterID: "c"}.
				serviceFailure(&http.Response{StatusCode: status}, body, func() []string { return escapes([]string{secret}) })
			if failure == nil {
				if status != 200 {
					t.Fatalf("HTTP %d passed for a success", status)
				}
				continue
			}
			text := failure.Error()
			if strings.Contains(text, secret) || strings.ContainsAny(text, "\n\r\x1b") || len(text) > 8*maxMessage {
				t.Fatalf("an error text that must not be shown: %q", text)
			}
			if judged := Judge(failure); judged.MayHaveRun && judged.Submit != 0 {
				t.Fatalf("%s would be submitted again though it may have run", judged.Code)
			}
		}
	})
}

func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{
		`""`, `"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\u754c"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`,
		`"\ude00\ud83d\ude00"`, `"\u12"`, `"\u+123"`, `"\x"`, `"\"`, `"a"b"`, "\"\n\"", "\"\xff\xfe\"", "\"\xe7\x95\\n\xe7\x95\x8c\"", `1`, `"`, ``, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		text, ok := unquote(quoted)
		isString := json.Valid(quoted) && quoted[0] == '"' && quoted[len(quoted)-1] == '"'
		if ok != isString {
			t.Fatalf("%q: taken for a JSON string: %v", quoted, ok)
		}
		if !ok {
			return
		}
		var want string
		if err := json.Unmarshal(quoted, &want); err != nil {
			t.Fatal(err)
		}
		if got := string([]rune(text)); got != want { // []rune replaces what is not UTF-8, as encoding/json does
			t.Fatalf("%q was read as %q, not %q", quoted, got, want)
		}
		if utf8.Valid(quoted) && text != want {
			t.Fatalf("%q was read as %q, not %q", quoted, text, want)
		}
		if raw := strings.Count(string(quoted), "\xff"); strings.Count(text, "\xff") != raw {
			t.Fatalf("%q lost bytes that are not UTF-8: %q", quoted, text)
		}
	})
}
