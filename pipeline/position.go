package pipeline

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Where an expression stands in a shell's text is found by putting a quoted word in its
// place and parsing: the parser has to find that very word, where a shell takes quotes as
// quotes. Then those of a value hold too, whatever the value is.

// stand is what stands for an expression while its text is parsed.
type stand struct {
	offset int    // of the expression, in its text
	word   string // in place of it
	from   int    // of the word, in the text that is parsed
	raw    bool
	found  bool
	within string // why its quotes would not hold, "" where they do
}

// variants of the shells that nodes have. In each that a text can be for, its expressions
// have to stand right.
var variants = []syntax.LangVariant{syntax.LangBash, syntax.LangPOSIX}

// misplaced reports the expressions that stand where their quotes would not hold.
func misplaced(pieces []piece) Faults {
	_, stands := standing(pieces, quotedStand)
	first := -1
	for _, s := range stands {
		if !s.raw && first < 0 {
			first = s.offset
		}
	}
	if first < 0 {
		return nil
	}
	if program := interpreter(pieces[0].words); program != "" {
		return Faults{faultAt(first, "the text is for %s, not for a shell, so that no value can be quoted in it: write raw(…) where that can do no harm", program)}
	}
	var failure *Fault
	parsedOnce := false
	for _, variant := range variants {
		text, stands := standing(pieces, quotedStand)
		file, err := parsed(text, variant)
		if err != nil {
			if failure == nil {
				failure = &Fault{Offset: original(stands, err), Message: "the text is no shell script, so that no value can be quoted in it: " + shellWords(err)}
			}
			continue
		}
		parsedOnce = true
		find(file, stands)
		if faults := unsound(pieces, stands, variant); len(faults) > 0 {
			return faults
		}
	}
	if parsedOnce {
		return nil
	}
	return Faults{*failure}
}

func quotedStand(i int) string { return fmt.Sprintf("'value %d'", i) }

func plainStand(i int) string { return fmt.Sprintf("value_%d_", i) }

// standing is a text with words in place of its expressions.
func standing(pieces []piece, word func(i int) string) (string, []stand) {
	var text strings.Builder
	var stands []stand
	for i, p := range pieces {
		if p.code == "" {
			text.WriteString(p.words)
			continue
		}
		s := stand{offset: p.offset, word: word(i), from: text.Len(), raw: p.code.isRaw()}
		if s.raw {
			s.word = plainStand(i)
		}
		text.WriteString(s.word)
		stands = append(stands, s)
	}
	return text.String(), stands
}

func (e Expression) isRaw() bool {
	tree, _, err := e.parse(anything.typed())
	if err != nil {
		return false
	}
	_, is := unraw(tree.Node)
	return is
}

func parsed(text string, variant syntax.LangVariant) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(variant), syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
}

// find marks the stands that the parser found as quoted words, and what each is in. Nodes
// are visited from the outside in.
func find(file *syntax.File, stands []stand) {
	syntax.Walk(file, func(node syntax.Node) bool {
		if node == nil {
			return true
		}
		for i := range stands {
			s := &stands[i]
			if quote, is := node.(*syntax.SglQuoted); is && !quote.Dollar && int(quote.Pos().Offset()) == s.from && "'"+quote.Value+"'" == s.word {
				s.found = true
			} else if covers(node, s.from) {
				s.enter(node)
			}
		}
		return true
	})
}

func covers(node syntax.Node, offset int) bool {
	return int(node.Pos().Offset()) <= offset && offset < int(node.End().Offset())
}

const (
	inQuotes    = "it is quoted already: a value is inserted as one quoted word, so take the quotes around it away, or write raw(…) where the value can do no harm"
	inDocument  = "it stands in a here-document, where no value can be quoted: put it into a variable before, as in value=" + opening + " … " + closing + ", and write $value here; or write raw(…)"
	inComment   = "it stands in a comment, which a value could end: take it away"
	inNumbers   = "it stands in arithmetic, which would run what a value says: write raw(int(…))"
	inVariable  = "it stands in a variable's ${…}, where no value can be quoted: put it into a variable before and write that there, or raw(int(…)) for a number"
	inBackquote = "it stands in backquotes, where no value can be quoted: write $(…) in their place"
	inPlace     = "it stands where a value cannot be quoted: put it into a variable before, as in value=" + opening + " … " + closing + ", and write \"$value\" here; or write raw(…)"
)

// enter takes note that a stand is in a node.
func (s *stand) enter(node syntax.Node) {
	switch n := node.(type) {
	case *syntax.CmdSubst:
		switch {
		case n.Backquotes:
			s.within = inBackquote
		default:
			s.inside("") // a command of its own, with quotes of its own
		}
	case *syntax.ProcSubst:
		s.inside("")
	case *syntax.DblQuoted, *syntax.SglQuoted:
		s.inside(inQuotes)
	case *syntax.Comment:
		s.inside(inComment)
	case *syntax.ParamExp:
		s.inside(inVariable)
		s.index(n.Index)
		if n.Slice != nil {
			s.index(n.Slice.Offset)
			s.index(n.Slice.Length)
		}
	case *syntax.ArithmExp, *syntax.ArithmCmd, *syntax.LetClause, *syntax.CStyleLoop:
		s.inside(inNumbers)
	case *syntax.BinaryTest:
		if arithmeticTests[n.Op] {
			s.inside(inNumbers)
		}
	case *syntax.UnaryTest:
		if n.Op == syntax.TsVarSet || n.Op == syntax.TsRefVar {
			s.inside(inName)
		}
	case *syntax.CallExpr:
		s.unless(evaluates(n, s.from))
	case *syntax.DeclClause:
		s.unless(declares(n, s.from))
	case *syntax.WordIter:
		s.unless(variables[n.Name.Value])
	case *syntax.Assign:
		if n.Name != nil {
			s.unless(variables[n.Name.Value])
		}
		s.index(n.Index)
	case *syntax.ArrayElem:
		s.index(n.Index)
	case *syntax.Redirect:
		document := n.Op == syntax.Hdoc || n.Op == syntax.DashHdoc
		if document && (covers(n.Word, s.from) || n.Hdoc != nil && covers(n.Hdoc, s.from)) {
			s.inside(inDocument)
		}
	}
}

// arithmeticTests of [[ ]] evaluate what they compare, quoted or not.
var arithmeticTests = map[syntax.BinTestOperator]bool{
	syntax.TsEql: true, syntax.TsNeq: true, syntax.TsLeq: true, syntax.TsGeq: true, syntax.TsLss: true, syntax.TsGtr: true,
}

func (s *stand) inside(why string) {
	if s.within != inBackquote {
		s.within = why
	}
}

// unless is inside, where there is a reason.
func (s *stand) unless(why string) {
	if why != "" {
		s.inside(why)
	}
}

func (s *stand) index(index syntax.ArithmExpr) {
	if index != nil && covers(index, s.from) {
		s.inside(inNumbers)
	}
}

// unsound are the faults of stands that were not found, or not where quotes hold.
func unsound(pieces []piece, stands []stand, variant syntax.LangVariant) Faults {
	var faults Faults
	for i, s := range stands {
		if s.raw || s.found && s.within == "" {
			continue
		}
		why := s.within
		if why == "" {
			why = around(pieces, i, variant)
		}
		faults = append(faults, faultAt(s.offset, "%s", why))
	}
	return faults
}

// around is what a stand is in when nothing quotes it.
func around(pieces []piece, i int, variant syntax.LangVariant) string {
	text, stands := standing(pieces, plainStand)
	if file, err := parsed(text, variant); err == nil {
		find(file, stands)
		if stands[i].within != "" {
			return stands[i].within
		}
	}
	return inPlace
}

// shells understand single quotes as POSIX has them.
var shells = map[string]bool{"sh": true, "bash": true, "dash": true, "ash": true, "ksh": true, "zsh": true, "busybox": true}

// interpreter is the program that a text names as its own, where that is no shell.
func interpreter(text string) string {
	if !strings.HasPrefix(text, "#!") {
		return ""
	}
	line, _, _ := strings.Cut(text[2:], "\n")
	for _, word := range strings.Fields(line) {
		name := path.Base(word)
		if name == "env" || strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		if shells[name] {
			return ""
		}
		return name
	}
	return "another program"
}

// shellWords is what the parser of shells says, without the place.
func shellWords(err error) string {
	var parse syntax.ParseError
	var lang syntax.LangError
	switch {
	case errors.As(err, &parse):
		return parse.Text
	case errors.As(err, &lang):
		return lang.Feature + " is not of this shell"
	}
	return err.Error()
}

// original is where in the text as it is written an error is of the one that was parsed.
func original(stands []stand, err error) int {
	var parse syntax.ParseError
	if !errors.As(err, &parse) {
		return 0
	}
	at := int(parse.Pos.Offset())
	for i := len(stands) - 1; i >= 0; i-- {
		if stands[i].from <= at {
			return stands[i].offset
		}
	}
	return at
}
