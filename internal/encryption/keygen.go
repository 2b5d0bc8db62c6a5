package encryption

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const heading = `# Keys with which ehpcflow encrypts what it sends to Temporal. The active key encrypts,
# all decrypt. What was encrypted with a key that is lost cannot be read again.
`

// Create makes a key file with one key, readable by its owner only, and returns the id of
// the key. It never overwrites a file.
func Create(file string) (string, error) {
	key := newKey()
	err := write(file, keyFile{Active: key.ID, Keys: []storedKey{key}}, nil, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return "", &FileError{fmt.Sprintf("%s exists already and was left as it is: name another file, or add a key to this one (--add, --rotate)", file)}
	}
	return key.ID, err
}

// Add adds a new key to a key file, for decrypting only, and returns its id.
func Add(file string) (string, error) {
	key := newKey()
	return key.ID, change(file, func(stored *keyFile) error {
		stored.Keys = append(stored.Keys, key)
		return nil
	})
}

// Activate makes a key of a key file the one that encrypts.
func Activate(file, id string) error {
	return change(file, func(stored *keyFile) error {
		for _, key := range stored.Keys {
			if key.ID == id {
				stored.Active = id
				return nil
			}
		}
		return &FileError{fmt.Sprintf("the key file %s holds no key %q: it was left as it is", file, id)}
	})
}

// Rotate adds a new key to a key file, makes it the one that encrypts, and returns its id.
func Rotate(file string) (string, error) {
	key := newKey()
	return key.ID, change(file, func(stored *keyFile) error {
		stored.Keys = append(stored.Keys, key)
		stored.Active = key.ID
		return nil
	})
}

// newKey has an id that sorts by its day.
func newKey() storedKey {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // it never fails
	now := time.Now().UTC().Truncate(time.Second)
	return storedKey{
		ID:      now.Format("20060102") + "-" + strings.ToLower(rand.Text()[:6]),
		Created: now,
		Key:     base64.StdEncoding.EncodeToString(raw),
	}
}

// change replaces a key file by a changed one at once, so that no reader meets half a
// file, and with its owner, group and permissions. Two changes at once come one after the
// other.
func change(file string, apply func(*keyFile) error) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target
	}
	unlock, err := lock(filepath.Dir(file))
	if err != nil {
		return &FileError{fmt.Sprintf("the key file %s cannot be changed (%v): name one that exists, in a directory that you may read and write", file, err)}
	}
	defer unlock()
	stored, info, err := readFile(file)
	if err != nil {
		return err
	}
	if err := apply(&stored); err != nil {
		return err
	}
	return write(file, stored, info, os.Rename)
}

// write writes a whole file beside its place, and puts it there: like another, or, where
// that is nil, for its maker only.
func write(file string, stored keyFile, like fs.FileInfo, put func(from, to string) error) (err error) {
	var text bytes.Buffer
	text.WriteString(heading)
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(stored); err != nil {
		return fmt.Errorf("write a key file: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".keys-*")
	if err != nil {
		return &FileError{fmt.Sprintf("the key file %s cannot be written (%v): name a place that you may write to", file, err)}
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone when it was put in its place
	_, err = f.Write(text.Bytes())
	if like != nil {
		if given := giveTo(f, like); given != nil {
			return errors.Join(&FileError{fmt.Sprintf("the key file %s was left as it is: %v; change it as its owner or as root", file, given)}, f.Close())
		}
		err = errors.Join(err, f.Chmod(like.Mode().Perm())) // no earlier, for its group was another
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = put(f.Name(), file)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return &FileError{fmt.Sprintf("the key file %s cannot be written (%v): name a place that you may write to", file, err)}
	}
	return err
}
