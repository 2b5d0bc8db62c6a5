package encryption_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"

	"ehpcflow/internal/encryption"
)

func newKeys(t *testing.T) (*encryption.Keyring, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	_, err := encryption.Create(file)
	require.NoError(t, err)
	return read(t, file), file
}

func read(t *testing.T, file string) *encryption.Keyring {
	t.Helper()
	keys, err := encryption.Read(file)
	require.NoError(t, err)
	return keys
}

func payload(t *testing.T, value any) *commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	require.NoError(t, err)
	return p
}

func encode(t *testing.T, keys *encryption.Keyring, payloads ...*commonpb.Payload) []*commonpb.Payload {
	t.Helper()
	encoded, err := keys.Encode(payloads)
	require.NoError(t, err)
	require.Len(t, encoded, len(payloads))
	return encoded
}

func TestWhatIsEncryptedIsReadBackAndShowsNothing(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	plain := payload(t, "nvidia-smi --secret")
	empty := payload(t, nil)

	encoded := encode(t, keys, plain, empty)
	for _, p := range encoded {
		require.Equal(t, "binary/encrypted", string(p.GetMetadata()["encoding"]))
		require.Equal(t, keys.Active(), string(p.GetMetadata()["encryption-key-id"]))
	}
	require.NotContains(t, string(encoded[0].GetData()), "nvidia-smi")
	require.NotContains(t, string(encoded[0].GetData()), "json/plain", "the metadata is encrypted too")
	require.NotEqual(t, encoded[0].GetData(), encode(t, keys, plain)[0].GetData(), "each has a nonce of its own")
	require.Less(t, proto.Size(encoded[0]), proto.Size(plain)+160)

	decoded, err := keys.Decode(encoded)
	require.NoError(t, err)
	require.True(t, proto.Equal(plain, decoded[0]))
	require.True(t, proto.Equal(empty, decoded[1]))
}

func TestWhatIsNotEncryptedIsReadAsItIs(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	plain := payload(t, "from before")
	for _, keyring := range []*encryption.Keyring{keys, nil} {
		decoded, err := keyring.Decode([]*commonpb.Payload{plain})
		require.NoError(t, err)
		require.True(t, proto.Equal(plain, decoded[0]))
	}
}

func TestWhatIsEncryptedAlreadyIsNotEncryptedTwice(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	once := encode(t, keys, payload(t, "text"))
	require.True(t, proto.Equal(once[0], encode(t, keys, once...)[0]))
}

func TestAPayloadThatCannotBeReadNamesItsKeyAndTheRemedy(t *testing.T) {
	t.Parallel()
	keys, file := newKeys(t)
	others, otherFile := newKeys(t)
	good := encode(t, keys, payload(t, "text"))[0]
	changed := func(change func(*commonpb.Payload)) *commonpb.Payload {
		p := proto.Clone(good).(*commonpb.Payload)
		change(p)
		return p
	}
	second, err := encryption.Add(file)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		keys    *encryption.Keyring
		payload *commonpb.Payload
		said    []string
	}{
		"no keys":      {nil, good, []string{keys.Active(), "EHPCFLOW_ENCRYPTION_KEYS is not set"}},
		"another file": {others, good, []string{keys.Active(), otherFile, "does not hold"}},
		"altered data": {keys, changed(func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 }), []string{keys.Active(), "altered"}},
		"cut data":     {keys, changed(func(p *commonpb.Payload) { p.Data = p.Data[:5] }), []string{keys.Active(), "altered"}},
		"another key named": {read(t, file), changed(func(p *commonpb.Payload) { p.Metadata[encryption.KeyIDField] = []byte(second) }),
			[]string{second, "altered"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.keys.Decode([]*commonpb.Payload{payload(t, "plain"), c.payload})
			var unreadable *encryption.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			for _, said := range c.said {
				require.ErrorContains(t, err, said)
			}
			requireNoKey(t, file, err.Error())
		})
	}
}

// requireNoKey fails when a text holds a key of a file.
func requireNoKey(t *testing.T, file, text string) {
	t.Helper()
	held, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(held)) {
		if _, key, found := strings.Cut(strings.TrimSpace(line), "key: "); found {
			raw, err := base64.StdEncoding.DecodeString(key)
			require.NoError(t, err)
			require.NotContains(t, text, key)
			require.NotContains(t, text, string(raw))
		}
	}
}

func TestARotatedFileReadsWhatTheOldKeyEncrypted(t *testing.T) {
	t.Parallel()
	before, file := newKeys(t)
	old := encode(t, before, payload(t, "old"))

	id, err := encryption.Rotate(file)
	require.NoError(t, err)
	after := read(t, file)
	require.Equal(t, id, after.Active())
	require.NotEqual(t, before.Active(), id)
	_, err = after.Decode(append(old, encode(t, after, payload(t, "new"))...))
	require.NoError(t, err)
	_, err = before.Decode(encode(t, after, payload(t, "new")))
	require.ErrorContains(t, err, id)
}

func TestAKeyIsBroughtRoundBeforeItEncrypts(t *testing.T) {
	t.Parallel()
	before, file := newKeys(t)
	id, err := encryption.Add(file)
	require.NoError(t, err)
	require.Equal(t, before.Active(), read(t, file).Active())
	require.NoError(t, encryption.Activate(file, id))
	require.Equal(t, id, read(t, file).Active())
	require.ErrorContains(t, encryption.Activate(file, "20200101-nosuch"), "holds no key")
}

func TestAKeyFileIsMadeForItsOwnerOnlyAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	_, file := newKeys(t)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	held, err := os.ReadFile(file)
	require.NoError(t, err)

	_, err = encryption.Create(file)
	require.ErrorContains(t, err, "--rotate")
	again, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, held, again)

	require.NoError(t, os.Chmod(file, 0o640))
	_, err = encryption.Rotate(file)
	require.NoError(t, err)
	info, err = os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm(), "a group that may read keeps the file")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
}

func TestAKeyFileThatCannotBeUsedIsRefusedWithTheRemedyAndWithoutItsKeys(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("A", 43) + "="
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		said string
	}{
		"open to others":  {"active: a\nkeys: [{id: a, key: " + key + "}]", 0o644, "chmod 600"},
		"group may write": {"active: a\nkeys: [{id: a, key: " + key + "}]", 0o660, "chmod 600"},
		"not YAML":        {"active: [" + key, 0o600, "it is not YAML"},
		"another form":    {"keys: " + key, 0o600, "it is not YAML of the form"},
		"empty":           {"", 0o600, "it holds no keys"},
		"none active":     {"keys: [{id: a, key: " + key + "}]", 0o600, "which key is active"},
		"active is not":   {"active: " + key + "\nkeys: [{id: a, key: " + key + "}]", 0o600, "not among its keys"},
		"twice":           {"active: a\nkeys: [{id: a, key: " + key + "}, {id: a, key: " + key + "}]", 0o600, "two of its keys"},
		"a key as id":     {"active: a\nkeys: [{id: " + key + ", key: " + key + "}]", 0o600, "the id of its key 1"},
		"a short key":     {"active: a\nkeys: [{id: a, key: QUFB}]", 0o600, "not 32 bytes"},
		"not base64":      {"active: a\nkeys: [{id: a, key: '" + key + "!'}]", 0o600, "not 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "keys.yaml")
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			require.NoError(t, os.Chmod(file, c.mode))
			_, err := encryption.Read(file)
			var unusable *encryption.FileError
			require.ErrorAs(t, err, &unusable)
			require.ErrorContains(t, err, c.said)
			require.ErrorContains(t, err, file)
			require.NotContains(t, err.Error(), key)
			require.NotContains(t, err.Error(), "QUFB")
		})
	}
	_, err := encryption.Read(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "starter keygen")
	_, err = encryption.Read(t.TempDir())
	require.ErrorContains(t, err, "is not a file")
}
