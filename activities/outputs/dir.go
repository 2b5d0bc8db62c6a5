package outputs

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a Store in a directory, one file for each output:
// CLUSTER/RUN/COMMAND/INSTANCE. What it makes is readable by its own user only. It
// deletes nothing but what it could not finish.
type Dir struct{ path string }

// NewDir returns a store in a directory, which is made unless it exists. It finds out
// whether files can be written there.
func NewDir(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path}
	if err = os.MkdirAll(path, 0o700); err == nil {
		err = d.probe()
	}
	if err != nil {
		return nil, fmt.Errorf("output store %s cannot be used: %w; give a directory that can be made and written", path, err)
	}
	return d, nil
}

// Probe writes a file and removes it. It gives up waiting when the context ends.
func (d *Dir) Probe(ctx context.Context) error {
	written := make(chan error, 1)
	go func() { written <- d.probe() }()
	var err error
	select {
	case err = <-written:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("output store %s cannot be written: %w", d.path, err)
	}
	return nil
}

func (d *Dir) probe() error {
	name := temporary(".")
	if err := d.write(name, []byte("x")); err != nil {
		return err
	}
	return os.Remove(filepath.Join(d.path, name))
}

// Put writes an output to its file. A reader finds all of it or nothing, but after
// a crash of the machine, for the disk is not waited for: the digest tells. Put
// gives up waiting when the context ends, for a network file system may hang.
func (d *Dir) Put(ctx context.Context, key Key, output []byte) (Reference, error) {
	name, err := key.file()
	if err != nil {
		return Reference{}, err
	}
	written := make(chan error, 1)
	go func() { written <- d.write(name, output) }()
	select {
	case err = <-written:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return Reference{}, fmt.Errorf("write %s in output store %s: %w", name, d.path, err)
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(d.path, name))}
	return Reference{URI: uri.String(), SHA256: Digest(output)}, nil
}

// write goes through a root, so that not even a link leads out of the directory.
// The directory itself is not made anew: where it vanished, it may be one that is no
// longer mounted.
func (d *Dir) write(name string, output []byte) error {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // the file was closed by its writer
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	unfinished := temporary(filepath.Dir(name))
	if err = root.WriteFile(unfinished, output, 0o600); err == nil {
		err = root.Rename(unfinished, name)
	}
	if err != nil {
		_ = root.Remove(unfinished) // the first error says more
	}
	return err
}

func temporary(dir string) string { return filepath.Join(dir, ".unfinished-"+rand.Text()) }

// file is the key's path below the directory.
func (k Key) file() (string, error) {
	parts := []string{k.ClusterID, k.RunID, k.CommandID, k.InstanceID}
	for i, id := range parts {
		if id == "" {
			return "", fmt.Errorf("no output is stored under %+v: a part of the key is empty", k)
		}
		parts[i] = fileName(id)
	}
	return filepath.Join(parts...), nil
}

// longestName is what a file name may have, in bytes.
const longestName = 200

// fileName turns an id into the name of a file, another one for each id. Most ids
// stay as they are. It holds no separator and begins with no dot.
func fileName(id string) string {
	var name strings.Builder
	for i := range len(id) {
		char := id[i]
		if safe(char) && (char != '.' || i > 0) {
			name.WriteByte(char)
		} else {
			fmt.Fprintf(&name, "%%%02X", char)
		}
	}
	if name.Len() <= longestName {
		return name.String()
	}
	digest := "~" + Digest([]byte(id))
	return name.String()[:longestName-len(digest)] + digest
}

func safe(char byte) bool {
	switch {
	case 'a' <= char && char <= 'z', 'A' <= char && char <= 'Z', '0' <= char && char <= '9', char == '-', char == '_', char == '.':
		return true
	}
	return false
}
