// Package hostile holds the test of what somebody may hand in who means ill: each
// file in testdata says what it tries and which verdict it must get. A program there
// is right only if what it tries has worked, so that a defence that fails is a pass
// where there must be none; and it ends by itself before it could harm the machine.
package hostile
