package main

import (
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATakenAddressNamesTheFlagForAnother(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	address := taken.Addr().String()
	for flag, args := range map[string][]string{
		"--listen": {"--listen", address},
		"--admin":  {"--listen", "127.0.0.1:0", "--admin", address},
	} {
		var stderr bytes.Buffer
		require.Equal(t, exitUsage, execute(t.Context(), args, &stderr))
		require.Contains(t, stderr.String(), address)
		require.Contains(t, stderr.String(), "choose another address with "+flag)
	}
}
