//go:build !linux

package ehpcsim

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

var errNoConfinement = errors.New("only Linux can confine commands")

func confine(*exec.Cmd, string, string) (*os.File, error) { return nil, errNoConfinement }
func exitOf(io.Reader) (int, error)                       { return 0, errNoConfinement }
func canConfine(string) error                             { return errNoConfinement }
