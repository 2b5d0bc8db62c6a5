package policy

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// whole is a share of everything, in hundredths of a percent.
const whole = 100 * 100

// Size is a number of nodes, such as 20, or a share of them, such as 10%. The zero value
// is the number 0. In JSON a number is a number and a share is a text; a number may be
// given as a text too.
type Size struct {
	number int
	share  int // in hundredths of a percent; 0 when it is a number
}

// Number is a size of so many nodes.
func Number(n int) Size { return Size{number: n} }

// ParseSize reads "20", "10%" or "0.25%".
func ParseSize(text string) (Size, error) {
	percent, isShare := strings.CutSuffix(strings.TrimSpace(text), "%")
	if !isShare {
		n, err := strconv.Atoi(percent)
		if err != nil || n < 0 {
			return Size{}, fmt.Errorf("%q is neither a number of nodes, such as 20, nor a share of them, such as 10%%", text)
		}
		return Size{number: n}, nil
	}
	units, hundredths, _ := strings.Cut(percent, ".")
	n, err := strconv.ParseUint(units+(hundredths + "00")[:2], 10, 32)
	switch {
	case err != nil || len(hundredths) > 2 || units == "":
		return Size{}, fmt.Errorf("%q is no share: use a percentage with up to two decimals, such as 10%% or 0.25%%", text)
	case n > whole:
		return Size{}, fmt.Errorf("%q is more than all", text)
	}
	return Size{share: int(n)}, nil
}

// ParseSizes reads sizes with commas between them.
func ParseSizes(text string) ([]Size, error) {
	var sizes []Size
	for part := range strings.SplitSeq(text, ",") {
		size, err := ParseSize(part)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// Of is how many of n nodes the size is; of a share, whole nodes.
func (s Size) Of(n int) int {
	if s.share > 0 {
		return n * s.share / whole
	}
	return s.number
}

// Exceeded says whether k of n nodes are more than the size: strictly, and exactly.
func (s Size) Exceeded(k, n int) bool {
	if s.share > 0 {
		return k*whole > n*s.share
	}
	return k > s.number
}

// Reached says whether k of n nodes are as many as the size, exactly.
func (s Size) Reached(k, n int) bool {
	if s.share > 0 {
		return k*whole >= n*s.share
	}
	return k >= s.number
}

// IsZero says whether it is no node at all.
func (s Size) IsZero() bool { return s == Size{} }

func (s Size) String() string {
	if s.share == 0 {
		return strconv.Itoa(s.number)
	}
	text := fmt.Sprintf("%d.%02d", s.share/100, s.share%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// MarshalJSON writes 20 or "10%".
func (s Size) MarshalJSON() ([]byte, error) {
	if s.share == 0 {
		return json.Marshal(s.number)
	}
	return json.Marshal(s.String())
}

// UnmarshalJSON reads 20, "20" or "10%", and leaves the size as it is for null.
func (s *Size) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	var number json.Number
	var quoted string
	err := json.Unmarshal(text, &quoted)
	if err != nil {
		err = json.Unmarshal(text, &number)
		quoted = number.String()
	}
	if err == nil {
		*s, err = ParseSize(quoted)
	}
	return err
}
