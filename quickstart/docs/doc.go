// Package docs holds the test that executes every command which the README and docs/
// show, against a simulated cluster and a Temporal server of its own.
//
// A command is a line of a fenced block tagged sh, or one behind "$ " in a block tagged
// console. A comment right before the block says where it departs from succeeding:
//
//	<!-- exits: 4 -->               every command of the block ends so
//	<!-- exits: 0 4 2 -->           its first, second and third command end so
//	<!-- not run: needs an account --> the block is checked only, and listed with the reason
//	<!-- stays up: serving -->      the page goes on when it has said this; it is interrupted
//	                                at the end of the page, and is to succeed
//	<!-- waits: starter approve --> likewise, but the rest of the page has to let it succeed
//
// Of a command that is not run, and of each that is, the subcommands and flags of starter,
// worker, ehpcsim and quickstart are held against the programs' own help.
package docs
