package pipeline

// expressions checks everything that is evaluated in a run.
func (m *meaning) expressions() {}
