package ehpcsim

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
)

// toXML writes a JSON answer as the XML of old pages of the documentation: a root
// named after the action, an element for each member, and one for each item of a
// list under the list's own name.
func toXML(out io.Writer, root string, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(out)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := element(encoder, decoder, root); err != nil {
		return err
	}
	return encoder.Close()
}

// element writes the next JSON value under a name.
func element(to *xml.Encoder, from *json.Decoder, name string) error {
	token, err := from.Token()
	if err != nil {
		return err
	}
	if token == json.Delim('[') {
		for from.More() {
			if err := element(to, from, name); err != nil {
				return err
			}
		}
		_, err := from.Token()
		return err
	}
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if token != json.Delim('{') {
		return to.EncodeElement(token, start)
	}
	if err := to.EncodeToken(start); err != nil {
		return err
	}
	for from.More() {
		key, err := from.Token()
		if err != nil {
			return err
		}
		if err := element(to, from, key.(string)); err != nil {
			return err
		}
	}
	if _, err := from.Token(); err != nil {
		return err
	}
	return to.EncodeToken(start.End())
}
