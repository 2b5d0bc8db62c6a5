package pipeline

// meaningless is everything that is wrong with a file of the right shape.
func meaningless(file *File) []Problem {
	return nil
}
