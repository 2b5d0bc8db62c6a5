// Package secrets reads the secrets that a worker holds for runs, such as the password of
// a cluster's user. A run names a secret; its value goes from a file of the worker into a
// call of the API, and nowhere else.
package secrets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// most a secret may hold, in bytes.
const most = 4 << 10

// Dir is a directory with a file for each secret, named as the secret is. "" holds none.
type Dir string

// name of a secret: of a file, and of none that is hidden or elsewhere.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// ValidName says whether a secret can have this name.
func ValidName(text string) bool { return name.MatchString(text) }

// Open checks that the directory can be used.
func Open(dir string) (Dir, error) {
	if dir == "" {
		return "", nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no directory")
	}
	if err != nil {
		return "", fmt.Errorf("the directory of secrets cannot be used: %w", err)
	}
	return Dir(dir), nil
}

// Read reads a secret, without the line end that an editor leaves behind it. Its errors
// name the secret and never its value.
func (d Dir) Read(secret string) (string, error) {
	switch {
	case !ValidName(secret):
		return "", fmt.Errorf("%q cannot be the name of a secret: use letters, digits, dots, dashes and _, at most 100", secret)
	case d == "":
		return "", fmt.Errorf("secret %s is asked for, and this worker holds none: give every worker the same directory of secrets (--secrets-dir)", secret)
	}
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return "", fmt.Errorf("secret %s: the directory of secrets cannot be opened", secret)
	}
	defer root.Close() //nolint:errcheck // only read from
	file, err := root.Open(secret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("this worker has no secret %s: put a file of that name into its directory of secrets", secret)
	case err != nil:
		return "", fmt.Errorf("secret %s cannot be read: see that the worker's user may read its file, and that it is no link out of the directory", secret)
	}
	defer file.Close() //nolint:errcheck // only read from
	value, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("secret %s cannot be read", secret)
	case len(value) > most:
		return "", fmt.Errorf("secret %s is larger than %d bytes", secret, most)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(value), "\n"), "\r")
	if text == "" {
		return "", fmt.Errorf("secret %s is empty", secret)
	}
	return text, nil
}
