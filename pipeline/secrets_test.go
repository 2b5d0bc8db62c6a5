package pipeline

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestASecretIsKnownByTheLastWordOfItsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"PASSWORD", "db_passwd", "PGPASSWORD", "sshPassphrase", "client-secret", "TOKEN", "authToken2", "CREDENTIAL",
		"awsCredentials", "ACCESS_KEY", "AccessKey", "apikey", "SECRET_KEY_1", "private-key", "signingKey",
	} {
		require.True(t, isSecret(name), name)
	}
	for _, name := range []string{
		"KEY", "SORT_KEY", "publicKey", "TOKENS", "token_count", "PASSWORD_FILE", "secretary", "ACCESS_KEY_ID", "passage", "MONKEY",
	} {
		require.False(t, isSecret(name), name)
	}
}

func TestNoProblemTellsASecret(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"hunter2", "'hunter2'", "[hunter2]", "{hunter2: hunter2}", "*hunter2", "!hunter2 x", "!!hunter2 hunter2", "!!int hunter2", "!!binary hunter2",
		"!<hunter2> x", "'hunter2", `"hunter2\q"`, "@hunter2", "{hunter2", "a: hunter2", "&hunter2 *hunter2", "hunter2 ${{", "LTAI5tFakeFakehunter2",
		"\"-----BEGIN EC PRIVATE KEY-----\\nhunter2\"", "|\n          -----BEGIN RSA PRIVATE KEY-----\n          hunter2",
	} {
		for _, text := range []string{
			"steps:\n  a:\n    job:\n      variables:\n        DB_PASSWORD: %s\n",
			"steps: {a: {wait: 1s}}\ninputs:\n  db_password:\n    type: integer\n    default: %s\n",
			"inputs:\n  db_password: # and no steps\n          %s\n",
		} {
			text = fmt.Sprintf("name: x\n"+text, value)
			_, err := Read(fstest.MapFS{"a.yaml": {Data: []byte(text)}}, "a.yaml")
			require.Error(t, err, text)
			require.NotContains(t, err.Error(), "hunter2", text)
		}
	}
	const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"
	for _, input := range []Input{{Name: "a", Type: String}, {Name: "a", Type: Integer}, {Name: "a", Type: String, Enum: []any{"b"}}} {
		_, problems := Inputs(Pipeline{Inputs: []Input{input}}, map[string]any{"a": key})
		require.Len(t, problems, 1)
		require.NotContains(t, problems[0], "hunter2")
	}
	_, problems := Inputs(Pipeline{Inputs: []Input{{Name: "a", Type: String}}}, map[string]any{"a": key})
	require.Contains(t, problems[0], "it holds a private key")
}
