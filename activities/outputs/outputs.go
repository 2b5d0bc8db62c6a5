// Package outputs keeps the complete output of nodes outside of Temporal, whose
// histories hold an excerpt only. It knows no API and no workflow.
package outputs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Store keeps outputs. It is safe for concurrent use.
type Store interface {
	// Put keeps an output under a key and says where. The same output put again
	// under its key changes nothing; another one takes its place.
	Put(ctx context.Context, key Key, output []byte) (Reference, error)

	// Probe says why nothing can be put now; nil when it can. It leaves nothing.
	Probe(ctx context.Context) error
}

// Key names the output of one node. No part may be empty.
type Key struct {
	ClusterID  string
	RunID      string // name of the run, which is the id of its workflow
	CommandID  string
	InstanceID string
}

// Reference says where an output is, and what it is.
type Reference struct {
	URI    string // absolute, such as file:///srv/outputs/…
	SHA256 string // of the output, in hexadecimal
}

// Digest is the SHA-256 digest of an output, in hexadecimal.
func Digest(output []byte) string {
	digest := sha256.Sum256(output)
	return hex.EncodeToString(digest[:])
}

// Open returns the store that a setting names: a directory, as a path or a file://
// URI. Without a setting it is nil.
func Open(setting string) (Store, error) {
	if setting == "" {
		return nil, nil //nolint:nilnil // no store is a choice, and no error
	}
	path, err := pathOf(setting)
	if err != nil {
		return nil, err
	}
	return NewDir(path)
}

func pathOf(setting string) (string, error) {
	scheme, _, hasScheme := strings.Cut(setting, "://")
	switch {
	case !hasScheme:
		return filepath.Abs(setting)
	case scheme != "file":
		return "", fmt.Errorf("output store %q: %s is not supported; give a directory, as a path or as file:///PATH", setting, scheme)
	}
	uri, err := url.Parse(setting)
	if err != nil || uri.Host != "" && uri.Host != "localhost" || !filepath.IsAbs(uri.Path) || uri.RawQuery != "" || uri.Fragment != "" {
		return "", fmt.Errorf("output store %q is no file URI of this machine; give file:///PATH, or a path", setting)
	}
	return uri.Path, nil
}
