// Package labs is the list of all labs.
package labs

import (
	"faultlab/internal/lab"
)

// All lists the labs in the order in which they are taught.
var All = []*lab.Lab{}
