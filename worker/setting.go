package main

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// setting is one thing that can be set: by a flag, by a variable of the environment,
// by a key of the configuration file, in this order.
type setting struct {
	name        string   // of the flag, and of the key
	variables   []string // further ones, beside EHPCFLOW_NAME, which goes before them
	is          string   // what it is, its unit included
	unset       string   // what is the case without it, where it has no default
	consequence string   // what another value leads to
	value       value

	// onlyOutside says that the file cannot set it.
	onlyOutside bool

	from origin
	flag *flagText
}

// value parses a text, and refuses it with what to use instead.
type value interface {
	Set(text string) error
	String() string
}

// env are the variables that set it, the first one that is set counts.
func (s *setting) env() []string {
	own := "EHPCFLOW_" + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
	return append([]string{own}, s.variables...)
}

// origin says where a value came from: a flag, a variable, a line of the file. The zero
// value is the default.
type origin struct {
	place string
	key   string // of the file
}

func (o origin) String() string {
	if o.key != "" {
		return o.place + ": " + o.key
	}
	return cmp.Or(o.place, "default")
}

// flagText keeps what a flag was given, to be judged together with the other settings.
type flagText struct{ text, byDefault string }

func (f *flagText) Set(text string) error { f.text = text; return nil }
func (f *flagText) Type() string          { return "value" }
func (f *flagText) String() string        { return f.byDefault }

// settings are all of them, in the order in which they are shown.
type settings []*setting

// register makes their flags.
func (all settings) register(flags *pflag.FlagSet) {
	for _, s := range all {
		usage := s.is
		if s.unset != "" {
			usage += " (default: " + s.unset + ")"
		}
		s.flag = &flagText{byDefault: s.value.String()}
		flags.Var(s.flag, s.name, usage+"; also "+strings.Join(s.env(), ", "))
	}
}

// resolve gives each its value. An empty text counts as not set, whoever gives it.
// The problems are all that there are.
func (all settings) resolve(flags *pflag.FlagSet) (problems []string) {
	inFile := make(map[string]fileValue)
	for _, s := range all { // the settings from outside name the file
		if s.onlyOutside {
			problems = append(problems, s.take(flags, inFile)...)
		}
	}
	if path := all.text("config"); path != "" {
		var wrong []string
		inFile, wrong = readFile(path, all.keys())
		problems = append(problems, wrong...)
	}
	for _, s := range all {
		if !s.onlyOutside {
			problems = append(problems, s.take(flags, inFile)...)
		}
	}
	return problems
}

func (s *setting) take(flags *pflag.FlagSet, inFile map[string]fileValue) (problems []string) {
	text, from := s.given(flags, inFile)
	if text == "" {
		return nil
	}
	s.from = from
	if err := s.value.Set(text); err != nil {
		return []string{describe(from, text, err)}
	}
	return nil
}

func (s *setting) given(flags *pflag.FlagSet, inFile map[string]fileValue) (string, origin) {
	if flags.Changed(s.name) && s.flag.text != "" {
		return s.flag.text, origin{place: "--" + s.name}
	}
	for _, variable := range s.env() {
		if text := os.Getenv(variable); text != "" {
			return text, origin{place: variable}
		}
	}
	value := inFile[s.name]
	return value.text, origin{place: value.place, key: s.name}
}

// of is the setting of a name.
func (all settings) of(name string) *setting {
	return all[slices.IndexFunc(all, func(s *setting) bool { return s.name == name })]
}

func (all settings) text(name string) string { return all.of(name).value.String() }

// where names a setting as whoever gave its value knows it.
func (all settings) where(name string) string {
	if s := all.of(name); s.from != (origin{}) {
		return s.from.String()
	}
	return "--" + name
}

// keys are the names that a file may use.
func (all settings) keys() []string {
	var keys []string
	for _, s := range all {
		if !s.onlyOutside {
			keys = append(keys, s.name)
		}
	}
	return keys
}
