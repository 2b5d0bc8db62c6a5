package ehpcsim

import "slices"

// Forbid takes from a key the permission to call these actions, as its RAM policy
// would, and gives all others back. No action at all gives everything back.
func (s *Simulator) Forbid(keyID string, actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forbidden == nil {
		s.forbidden = make(map[string][]string)
	}
	s.forbidden[keyID] = slices.Clone(actions)
}

// authorize refuses what a key may not call, in the words of the API.
func (s *Simulator) authorize(keyID, action string) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.forbidden[keyID], action) {
		return fail("NotAuthorized")
	}
	return nil
}
