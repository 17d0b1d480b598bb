// Package modules lists the kernel's modules, in place of Cilium's file of the same name:
// there it is an error when the kernel has none, and the agent ends.
package modules

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

func moduleLoader() string {
	return "modprobe"
}

// listModules returns the names of modules that are loaded or built in.
func listModules() ([]string, error) {
	loaded, err := firstWords("/proc/modules")
	if err != nil {
		return nil, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	release := unix.ByteSliceToString(name.Release[:])
	files, err := firstWords(path.Join("/lib/modules", release, "modules.builtin"))
	for _, file := range files {
		module, _, _ := strings.Cut(path.Base(file), ".ko")
		loaded = append(loaded, module)
	}
	return loaded, err
}

// firstWords returns the first word of each line; a file that is not there has none.
func firstWords(file string) ([]string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var words []string
	for _, line := range strings.Split(string(content), "\n") {
		if fields := strings.Fields(line); len(fields) > 0 {
			words = append(words, fields[0])
		}
	}
	return words, err
}
