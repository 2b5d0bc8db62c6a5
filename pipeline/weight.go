package pipeline

import (
	"strconv"
	"unicode/utf8"
)

// Temporal keeps what it is given as JSON, in which some characters take more bytes than in
// a file. How many there are at the most is counted here, and not by writing it, since a run
// decides by it: it must not change with Go.

// Weight is how many bytes a value takes as JSON, at the most: a text, a number, true,
// false, nil, or a list or a map of such.
func Weight(value any) int {
	switch value := value.(type) {
	case string:
		return WeightOfText(value) + 1
	case []any:
		weight := 3
		for _, each := range value {
			weight += Weight(each)
		}
		return weight
	case map[string]any:
		weight := 3
		for _, key := range keys(value) {
			weight += WeightOfText(key) + 1 + Weight(value[key])
		}
		return weight
	case nil, bool:
		return 6
	case int:
		return 1 + len(strconv.Itoa(value))
	}
	return 26 // another number
}

// WeightOfText is how many bytes a text takes as JSON, with its quotes, at the most.
func WeightOfText(text string) int {
	weight := 2
	for _, r := range text {
		weight += WeightOfRune(r)
	}
	return weight
}

// WeightOfRune is how many of these are for a character.
func WeightOfRune(r rune) int {
	switch {
	case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t':
		return 2
	case r < ' ' || r == '<' || r == '>' || r == '&' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
		return 6
	}
	return utf8.RuneLen(r)
}

// Weight is how many bytes the pipeline takes as JSON, at the most, with those that it is
// made of.
func (p Pipeline) Weight() int {
	weight := 200 + WeightOfText(p.Name) + WeightOfText(p.Description)
	for _, input := range p.Inputs {
		weight += 100 + WeightOfText(input.Name) + WeightOfText(input.Description) + Weight(input.Default) + Weight(input.Enum)
	}
	for _, cluster := range p.Clusters {
		weight += 30 + WeightOfText(cluster.Name) + WeightOfText(string(cluster.ID))
	}
	for _, output := range p.Outputs {
		weight += 30 + WeightOfText(output.Name) + WeightOfText(string(output.Value))
	}
	for _, step := range allSteps(p) {
		weight += step.weight()
	}
	return weight
}

// weight is that of a step without those of its onFailure.
func (s Step) weight() int {
	weight := 60 + WeightOfText(s.Name) + Weight(s.With)
	if len(s.Needs) > 0 {
		weight += 12
	}
	for _, need := range s.Needs {
		weight += WeightOfText(need) + 1
	}
	if s.When != "" {
		weight += 10 + WeightOfText(string(s.When))
	}
	if s.Foreach != nil {
		weight += 60 + WeightOfText(string(s.Foreach.In)) + Weight(s.Foreach.Items)
	}
	if s.Pipeline != nil {
		weight += 12 + s.Pipeline.Weight()
	}
	for _, more := range []struct {
		is    bool
		takes int
	}{{s.Retry != nil, 60}, {s.TimeoutSeconds > 0, 30}, {s.OnFailure.Do != "" || len(s.OnFailure.Run) > 0, 50}, {s.Output != "", 20}} {
		if more.is {
			weight += more.takes
		}
	}
	return weight
}
