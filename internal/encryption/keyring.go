package encryption

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"time"

	"go.yaml.in/yaml/v3"
)

// Setting is the environment variable that names the key file. Unset or empty, nothing is
// encrypted, and what is encrypted cannot be read.
const Setting = "EHPCFLOW_ENCRYPTION_KEYS"

// Limits of a key file.
const (
	keySize     = 32 // bytes of an AES-256 key
	mostOfAFile = 1 << 20
)

// keyID is what a key may be called: it stands in histories and in errors.
var keyID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Keyring are keys by their ids: one that encrypts, all that decrypt. It is safe for use
// by several goroutines. Nil holds no key.
type Keyring struct {
	file   string
	active string
	keys   map[string]cipher.AEAD
}

// keyFile is the form of a key file.
type keyFile struct {
	Active string      `yaml:"active"`
	Keys   []storedKey `yaml:"keys"`
}

type storedKey struct {
	ID      string    `yaml:"id"`
	Created time.Time `yaml:"created,omitempty"`
	Key     string    `yaml:"key"` // 32 bytes in base64
}

// FromEnvironment reads the key file that Setting names, nil when it names none. The
// error is a *FileError.
func FromEnvironment() (*Keyring, error) {
	file := os.Getenv(Setting)
	if file == "" {
		return nil, nil
	}
	k, err := Read(file)
	if err != nil {
		return nil, &FileError{fmt.Sprintf("%s: %v", Setting, err)}
	}
	return k, nil
}

// Read reads a key file. The error is a *FileError.
func Read(file string) (*Keyring, error) {
	stored, _, err := readFile(file)
	if err != nil {
		return nil, err
	}
	k := &Keyring{file: file, active: stored.Active, keys: make(map[string]cipher.AEAD)}
	for _, key := range stored.Keys {
		if k.keys[key.ID], err = key.open(); err != nil {
			return nil, &FileError{fmt.Sprintf("key %q of the key file %s is not 32 bytes in base64: put it right, or make a key with starter keygen", key.ID, file)}
		}
	}
	return k, nil
}

// Active is the id of the key that encrypts.
func (k *Keyring) Active() string { return k.active }

func (s storedKey) open() (cipher.AEAD, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Key)
	if err != nil || len(raw) != keySize {
		return nil, errors.New("not a key")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// readFile reads and checks the form of a key file, and returns what it is like too. What
// the parser says of a wrong one is kept back: it quotes the file.
func readFile(file string) (stored keyFile, info fs.FileInfo, err error) {
	f, err := os.Open(file) //nolint:gosec // the file that the operator names
	if err != nil {
		return stored, nil, &FileError{fmt.Sprintf("the key file cannot be read (%v): name one that exists, or make one with starter keygen --file %s", err, file)}
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err = f.Stat()
	switch {
	case err != nil:
		return stored, nil, &FileError{fmt.Sprintf("the key file cannot be read: %v", err)}
	case !info.Mode().IsRegular():
		return stored, nil, &FileError{fmt.Sprintf("%s is not a file: name a key file, as starter keygen makes it", file)}
	case runtime.GOOS != "windows" && info.Mode().Perm()&tooOpen != 0:
		return stored, nil, &FileError{fmt.Sprintf("the key file %s is open to others (mode %04o): close it with chmod 600 %s, and think of its keys as known to whoever has an account there", file, info.Mode().Perm(), file)}
	}
	text, err := io.ReadAll(io.LimitReader(f, mostOfAFile))
	if err != nil {
		return stored, nil, &FileError{fmt.Sprintf("the key file cannot be read: %v", err)}
	}
	if err := stored.parse(text); err != nil {
		return stored, nil, &FileError{fmt.Sprintf("%s cannot be used as a key file: %v; starter keygen --file FILE makes one", file, err)}
	}
	return stored, info, nil
}

// tooOpen are the permissions that a key file must not grant: any to others, and writing
// to its group. A group may read, which is how containers and services are given secrets.
const tooOpen fs.FileMode = 0o027

// parse reads the form, and says what is wrong with it.
func (s *keyFile) parse(text []byte) error {
	if err := yaml.Unmarshal(text, s); err != nil {
		return errors.New("it is not YAML of the form active: ID, keys: [{id, key}]")
	}
	if len(s.Keys) == 0 {
		return errors.New("it holds no keys")
	}
	ids := make(map[string]bool)
	for i, key := range s.Keys {
		switch {
		case !keyID.MatchString(key.ID):
			return fmt.Errorf("the id of its key %d is not 1 to 64 letters, digits, dots, dashes and underscores", i+1)
		case ids[key.ID]:
			return fmt.Errorf("two of its keys have the id %q", key.ID)
		}
		ids[key.ID] = true
	}
	switch {
	case s.Active == "":
		return errors.New("it does not say which key is active")
	case !ids[s.Active]:
		return errors.New("its active key is not among its keys")
	}
	return nil
}
