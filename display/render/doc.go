// Package render turns the core's plain data into what a notebook shows: each
// method returns a MIME bundle with HTML, a PNG where there is a picture, and
// plain text, so that a front end, GitHub and a terminal each find something
// they can show.
//
// It runs in the core's process, never in a cell, so it may use what would make
// a cell slow to link: ECharts, an image library, fonts. It knows only the
// messages of package wire.
//
// Three rules hold for all HTML here. Each string of a user is escaped. Tables
// and pictures need no script and no style sheet: those only make them better,
// because many viewers drop them. Colours read on a light and on a dark page.
package render
